"""Signals of artifacts of formats 3 and 4: signals.npz has the columns of two, claims_*.npy those of the third."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from recommender.signals.gaussian_process import GaussianProcess
from recommender.signals.protocol import Fitted
from recommender.signals.statement_match import StatementMatch
from recommender.signals.statistics import SCALE as OF_THE_STATISTICS
from recommender.signals.statistics import Statistics


def load(folder: Path, files: Collection[str]) -> dict[str, Fitted]:
    """By name, in the order of their columns; empty for an artifact of the format that is written today."""
    loaded: dict[str, Fitted] = {}
    if "signals.npz" in files:
        with np.load(folder / "signals.npz", allow_pickle=False) as stored:
            first = len(OF_THE_STATISTICS)  # the columns of the statistics come before the process's
            columns, amplitudes = stored["columns"], stored["bumps"].tolist()
            if (columns < first).any():
                loaded["statistics"] = Statistics(stored["mean"], stored["count"])
            if (of_the_process := columns[columns >= first] - first).size:
                spaces = [stored[f"space_{place}"] for place in range(len(amplitudes))]
                loaded["gaussian_process"] = GaussianProcess(
                    stored["mean"], stored["factors"], of_the_process, spaces, amplitudes
                )
    if "claims_items.npy" in files:
        wants = np.load(folder / "claims_end_users.npy", mmap_mode="r")  # may be large
        items, item_texts = np.hsplit(np.load(folder / "claims_items.npy"), 2)
        loaded["statement_match"] = StatementMatch(wants, items, item_texts)
    return loaded

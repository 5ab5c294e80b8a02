"""Signals of artifacts of earlier formats, read only.

Formats 3 and 4: signals.npz has the columns of two signals. Until format 5 there was a third, the statement match: a
text about an end user was folded to one vector, an item to another, and their product was an input of the backbone.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.signals.gaussian_process import GaussianProcess
from recommender.signals.protocol import Candidates, Columns, Fitted, Places
from recommender.signals.statistics import SCALE as OF_THE_STATISTICS
from recommender.signals.statistics import Statistics

MATCH, MATCH_END_USERS = "signal_statement_match.npz", "signal_statement_match_end_users.npy"


@dataclass(frozen=True, slots=True)
class StatementMatch:
    """Text t says wants[t] · (items[i], item_texts[i]) of item i; the last item is one nobody knows."""

    wants: NDArray[np.float32]  # (1 + texts, 2 D)
    items: NDArray[np.float32]  # (v + 1, D)
    item_texts: NDArray[np.float32]  # (v + 1, D)

    @property
    def width(self) -> int:
        return 1

    def read_all(self, examples: Examples, *, alive: Callable[[], None]) -> Columns:
        raise NotImplementedError("nothing is trained with it any more")

    def read(self, candidates: Candidates) -> Columns:
        wants, half = self.wants[candidates.end_user_text], self.items.shape[1]
        said: Columns = self.items[candidates.item] @ wants[:half]
        said += self.item_texts[candidates.item_text] @ wants[half:]
        return said[:, None]

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        """No entry of the history changes what a text says."""
        return np.broadcast_to(self.read(candidates), (1 + len(places), len(candidates.item), 1))

    def save(self, path: Path) -> None:
        raise NotImplementedError("nothing is written with it any more")


def load(folder: Path, files: Collection[str]) -> dict[str, Fitted]:
    """Those of formats 3 and 4 by name, in the order of their columns; empty for a later artifact."""
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


def load_match(folder: Path, files: Collection[str]) -> dict[str, Fitted]:
    """Format 5's statement match, whose column is the last."""
    if MATCH not in files:
        return {}
    wants = np.load(folder / MATCH_END_USERS, mmap_mode="r")
    with np.load(folder / MATCH, allow_pickle=False) as stored:
        return {"statement_match": StatementMatch(wants, stored["items"], stored["item_texts"])}

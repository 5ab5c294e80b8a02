"""The files of an evaluation: the test part once, and each fit's predictions and draws, written whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation.figures import FitKey, Key, Samples
from recommender.measures.bootstrap import Drawn


def save_tested(folder: Path, tested: Samples) -> None:
    masks = {f"slice {name}": rows for name, rows in tested.slices.items()}
    _save(folder / "test.npz", {"label": tested.label, "end_user": tested.end_user, **masks})


def path_of(folder: Path, fit: FitKey) -> Path:
    return folder / f"{fit.backbone}-{fit.arm}-{fit.seed}.npz"


def save_fit(
    folder: Path, fit: FitKey, probability: Mapping[str, NDArray[np.floating[Any]]], drawn: Mapping[Key, Drawn]
) -> None:
    """`probability`: (m) of the test samples, by history; kept as it was scored, so that its figures come out again."""
    predictions = {f"probability {history}": values for history, values in probability.items()}
    _save(
        path_of(folder, fit),
        {
            **predictions,
            "keys": np.array(json.dumps(list(drawn))),
            "estimates": np.array([one.estimate for one in drawn.values()]),
            "end_users": np.array([one.end_users for one in drawn.values()]),
            "draws": np.stack([one.values for one in drawn.values()]),
        },
    )


def load_draws(folder: Path, fit: FitKey) -> dict[Key, Drawn]:
    """What `save_fit` was given. Raises FileNotFoundError."""
    with np.load(path_of(folder, fit), allow_pickle=False) as stored:
        estimates, end_users, draws = (stored[name] for name in ("estimates", "end_users", "draws"))
        return {
            Key(*key): Drawn(float(estimates[place]), draws[place], int(end_users[place]))
            for place, key in enumerate(json.loads(str(stored["keys"])))
        }


def _save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, allow_pickle=False, **arrays)
    part.rename(path)

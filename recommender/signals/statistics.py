"""Statistics: an item's mean like and count, fitted out of fold, and the history's length. Three columns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.recipe import TrainConfig
from recommender.signals.folds import fold_of
from recommender.signals.protocol import Candidates, Columns, Fit, Places
from recommender.signals.sources import Sources

CENTRE = np.array([0.5, 4.0, 4.0])  # brings the mean, and log1p of the counts, to a common size
SCALE = np.array([4.0, 0.5, 0.5])


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of v items; row v is an item nobody knows."""

    mean: NDArray[np.float32]  # (folds, v + 1)
    count: NDArray[np.float32]  # (folds, v + 1)

    @property
    def width(self) -> int:
        return len(SCALE)

    def fold(self, end_user: str) -> int:
        return fold_of(end_user, len(self.mean))

    def read_all(self, examples: Examples, *, alive: Callable[[], None]) -> Columns:
        alive()
        data = examples.interactions
        told = np.r_[0, np.cumsum(data.liked >= 0)]
        folds = np.array([self.fold(name) for name in data.end_users], dtype=np.int64)[data.end_user]
        return self._columns(folds, data.item, told[examples.before] - told[examples.start])

    def read(self, candidates: Candidates) -> Columns:
        told = np.count_nonzero(candidates.liked >= 0)
        return self._columns(self.fold(candidates.end_user), candidates.item, np.array(told))

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        known = candidates.liked >= 0
        told = known.sum() - np.r_[0, known[places]][:, None]
        return self._columns(self.fold(candidates.end_user), candidates.item, told)

    def _columns(self, fold: int | NDArray[np.int64], item: NDArray[np.integer], told: NDArray[np.integer]) -> Columns:
        """(…, n, 3) of items (n) after histories with `told` labelled entries, (n), (p, 1) or one number."""
        columns = np.broadcast_arrays(
            self.mean[fold, item].astype(np.float64), np.log1p(self.count[fold, item]), np.log1p(told)
        )
        scaled: Columns = ((np.stack(columns, axis=-1) - CENTRE) * SCALE).astype(np.float32)
        return scaled

    def save(self, path: Path) -> None:
        np.savez(path, allow_pickle=False, mean=self.mean, count=self.count)


def reads_knowledge(config: TrainConfig) -> bool:
    """Items' means start from what their spaces predict."""
    return config.knowledge_signal


def prepare(sources: Sources) -> Fit | None:
    if not sources.config.statistics:
        return None
    return lambda _: Statistics(sources.fold_factors.mean, sources.fold_factors.count)


def load(path: Path) -> Statistics:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # of half a file numpy closes nothing
        return Statistics(stored["mean"], stored["count"])

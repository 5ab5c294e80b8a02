"""Statistics: an item's mean like and count, fitted out of fold, and the history's length. Three columns.

Where the recipe has it, the mean goes on with what others liked since the fit (`newer`); the count stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.dataset.interactions import fitted_on
from recommender.recipe import TrainConfig
from recommender.signals.folds import fold_of
from recommender.signals.newer import Counts, Floats, Newer, go_on, surplus
from recommender.signals.protocol import Candidates, Columns, Counted, Fit, Places
from recommender.signals.sources import Sources

CENTRE = np.array([0.5, 4.0, 4.0])  # brings the mean, and log1p of the counts, to a common size
SCALE = np.array([4.0, 0.5, 0.5])


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of v items; row v is an item nobody knows. `newer`: of the training run, never written."""

    mean: NDArray[np.float32]  # (folds, v + 1)
    count: NDArray[np.float32]  # (folds, v + 1)
    known: Counts | None = None  # (v + 1, 2) judged and liked ones it was fitted on, of all folds; None: means stay
    newer: Newer | None = None

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
        newer = None if self.newer is None else (self.newer.seen_by(data), self.newer.surplus(data, self.mean[0]))
        return self._columns(folds, data.item, told[examples.before] - told[examples.start], newer)

    def read(self, candidates: Candidates) -> Columns:
        told = np.count_nonzero(candidates.liked >= 0)
        return self._columns(self.fold(candidates.end_user), candidates.item, np.array(told), self._since(candidates))

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        known = candidates.liked >= 0
        told = known.sum() - np.r_[0, known[places]][:, None]
        return self._columns(self.fold(candidates.end_user), candidates.item, told, self._since(candidates))

    def until(self, moment: int, end_user: int) -> Counted | None:
        """By what the means of all items go on in a list that this end user of the training run had been given then;
        None: they stay."""
        if self.newer is None:
            return None
        others, everybody = self.newer.until_then.of(moment, end_user)
        return Counted(others, self.surplus(np.arange(len(everybody)), everybody))

    def surplus(self, item: Places, counted: Counts) -> float:
        """By how much more than expected all items (n) were liked since, judged and liked so often until now (n, 2)."""
        return 0.0 if self.known is None else surplus(self.mean[0, item], counted - self.known[item])

    def _since(self, candidates: Candidates) -> tuple[Counts, float] | None:
        """How often each candidate was judged and liked since the fit (m, 2), and the surplus; None: means stay."""
        if self.known is None or candidates.counted is None:
            return None
        return candidates.counted.each - self.known[candidates.item], candidates.counted.surplus

    def _columns(
        self,
        fold: int | NDArray[np.int64],
        item: NDArray[np.integer],
        told: NDArray[np.integer],
        newer: tuple[Counts, Floats | float] | None,
    ) -> Columns:
        """(…, n, 3) of items (n) after histories with `told` labelled entries, (n), (p, 1) or one number."""
        mean, count = self.mean[fold, item].astype(np.float64), self.count[fold, item].astype(np.float64)
        if newer is not None:
            mean = go_on(mean, count, *newer)
        columns = np.broadcast_arrays(mean, np.log1p(count), np.log1p(told))
        scaled: Columns = ((np.stack(columns, axis=-1) - CENTRE) * SCALE).astype(np.float32)
        return scaled

    def save(self, path: Path) -> None:
        known = {} if self.known is None else {"known": self.known}
        np.savez(path, allow_pickle=False, mean=self.mean, count=self.count, **known)


def reads_knowledge(config: TrainConfig) -> bool:
    """Items' means start from what their spaces predict."""
    return config.knowledge_signal


def prepare(sources: Sources) -> Fit | None:
    if not sources.config.statistics:
        return None
    return lambda _: _fit(sources)


def _fit(sources: Sources) -> Statistics:
    """Where rows had to be drawn, a newer like would stand for what was liked and for what was met alike."""
    fitted = Statistics(sources.fold_factors.mean, sources.fold_factors.count)
    if not sources.config.newer_likes or sources.interactions.drawn_for is not None:
        return fitted
    item, items = sources.likes.item, 1 + len(sources.interactions.items)
    judged = np.bincount(item, minlength=items)
    liked = np.bincount(item, sources.likes.liked, minlength=items).astype(np.int64)
    newer = Newer(sources.interactions, fitted_on(sources.interactions, sources.codes))
    return replace(fitted, known=np.stack([judged, liked], axis=1), newer=newer)


def load(path: Path) -> Statistics:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # of half a file numpy closes nothing
        known = stored["known"] if "known" in stored.files else None
        return Statistics(stored["mean"], stored["count"], known)

"""What others liked since a fit: how often each item was judged and liked before a moment, so that its mean goes on.

Who judges since may be harder to please than who did before: what all newer likes have in common, the surplus, says
nothing of one item, and is taken from each before its mean moves.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.signals.factors import MEAN_WEIGHT

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
STEADY = 50.0  # newer likes as expected, with which the surplus begins


@dataclass(frozen=True)
class Newer:
    """Interactions that nothing was fitted on, at their own moments, whatever moment a history gives them."""

    interactions: Interactions
    fitted: NDArray[np.bool_]  # (n) what the fit knew

    def seen_by(self, rows: Interactions) -> Counts:
        """Of the same interactions, with any history: how often others judged and liked the item since (n, 2).

        What came before the row's moment counts, and what the fit knew does not. A row that was fitted on sees nothing:
        else tested likes would be learnt from.
        """
        data = self.interactions
        moments, place = np.unique(data.moment, return_inverse=True)
        came = np.flatnonzero(~self.fitted & (data.liked >= 0))
        asked = np.flatnonzero(~self.fitted)
        until = np.searchsorted(moments, rows.moment[asked])
        seen = np.zeros((len(data), 2), dtype=np.int64)
        item, own = data.item.astype(np.int64), data.end_user.astype(np.int64) * len(data.items) + data.item
        for group, sign in ((item, 1), (own, -1)):
            keys = group[came] * len(moments) + place[came]
            order = np.argsort(keys, kind="stable")
            likes = np.r_[0, np.cumsum(data.liked[came][order] == 1)]
            first, last = (np.searchsorted(keys[order], group[asked] * len(moments) + number) for number in (0, until))
            seen[asked] += sign * np.stack([last - first, likes[last] - likes[first]], axis=1)
        return seen

    def surplus(self, rows: Interactions, mean: NDArray[np.floating]) -> Floats:
        """What `surplus` says of all that came before each row's moment (n), from the items' means (v)."""
        data = self.interactions
        came = np.flatnonzero(~self.fitted & (data.liked >= 0))
        came = came[np.argsort(data.moment[came], kind="stable")]
        more = np.r_[0.0, np.cumsum((data.liked[came] == 1) - mean[data.item[came]].astype(np.float64))]
        until = np.searchsorted(data.moment[came], rows.moment)
        return np.where(self.fitted, 0.0, more[until] / (until + STEADY))

    @cached_property
    def until_then(self) -> "UntilThen":
        return UntilThen(self)


class UntilThen:
    """How often every item was judged and liked until a moment, as a server would have counted it then: what may be
    fitted on, of all moments, and of the rest what came before. A fit takes from it what it knew (Statistics).
    """

    def __init__(self, newer: Newer) -> None:
        data = newer.interactions
        self._data, items = data, len(data.items)
        self._came = ~newer.fitted & (data.liked >= 0)
        came = np.flatnonzero(self._came)
        self._moments, place = np.unique(data.moment[came], return_inverse=True)
        keys = data.item[came].astype(np.int64) * (1 + len(self._moments)) + place
        order = np.argsort(keys, kind="stable")
        self._keys, self._likes = keys[order], np.r_[0, np.cumsum(data.liked[came][order] == 1)]
        self._first = np.arange(items) * (1 + len(self._moments))
        self._fitted = self._count(np.flatnonzero(newer.fitted & (data.liked >= 0)))

    def of(self, moment: int, end_user: int) -> tuple[Counts, Counts]:
        """By others than the end user, and by everybody, as `Counted` has it: each (items, 2)."""
        until = self._first + np.searchsorted(self._moments, moment)
        first, last = (np.searchsorted(self._keys, keys) for keys in (self._first, until))
        everybody = self._fitted + np.stack([last - first, self._likes[last] - self._likes[first]], axis=1)
        own = np.arange(*np.searchsorted(self._data.end_user, [end_user, end_user + 1]))
        return everybody - self._count(own[self._came[own] & (self._data.moment[own] < moment)]), everybody

    def _count(self, rows: NDArray[np.int64]) -> Counts:
        item, items = self._data.item[rows], len(self._data.items)
        liked = np.bincount(item[self._data.liked[rows] == 1], minlength=items)
        return np.stack([np.bincount(item, minlength=items), liked], axis=1)


def surplus(mean: NDArray[np.floating], newer: Counts) -> float:
    """By how much more than expected all items together were liked since, from -1 to 1: means (v), newer (v, 2)."""
    judged, likes = _valid(newer)
    return float((likes - judged * mean).sum() / (judged.sum() + STEADY))


def go_on(mean: Floats, count: Floats, newer: Counts, more: Floats | float = 0.0) -> Floats:
    """Means (n) that were fitted on `count` (n) likes, after `newer` (n, 2) judged and liked ones. `more`: the surplus.

    The mean of a normal draw of known variance whose prior is what was fitted: `MEAN_WEIGHT` likes from what the item's
    spaces predict, and those it was fitted on. Counts that fell, where somebody's likes were erased, say nothing.
    """
    judged, likes = _valid(newer)
    after: Floats = mean + (likes - judged * (mean + more)) / (count + MEAN_WEIGHT + judged)
    return after


def _valid(newer: Counts) -> tuple[Counts, Counts]:
    judged = np.maximum(newer[..., 0], 0)
    return judged, np.clip(newer[..., 1], 0, judged)

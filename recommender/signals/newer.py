"""What others liked since a fit: how often each item was judged and liked before a moment, so that its mean goes on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.signals.factors import MEAN_WEIGHT

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
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


def go_on(mean: NDArray[np.float64], count: NDArray[np.float64], newer: Counts) -> NDArray[np.float64]:
    """Means (n) that were fitted on `count` (n) likes, after `newer` (n, 2) judged and liked ones.

    The mean of a normal draw of known variance whose prior is what was fitted: `MEAN_WEIGHT` likes from what the item's
    spaces predict, and those it was fitted on. Counts that fell, where somebody's likes were erased, say nothing.
    """
    judged = np.maximum(newer[..., 0], 0)
    likes = np.clip(newer[..., 1], 0, judged)
    after: NDArray[np.float64] = mean + (likes - judged * mean) / (count + MEAN_WEIGHT + judged)
    return after

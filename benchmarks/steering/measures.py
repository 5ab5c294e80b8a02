"""How far a list obeys, from rankings alone: exposure of an aspect, genre-wise NDCG, ranks of targets. Numpy only."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.measures.ranking import of_samples

Outcome = Literal["right", "still", "wrong", "cannot"]
SAME = 1e-12
Z = 1.96  # of 95 %


def exposure(scores: NDArray[np.float64], meets: NDArray[np.bool_]) -> float:
    """How visible the items that meet an aspect are in the whole list (items): the sum of 1 / log₂(1 + rank), as a
    share of the most there could be. Of equal scores the first added stands first, as in served lists.
    """
    ranks = ranks_of(scores)[meets]
    return float((1 / np.log2(1 + ranks)).sum() / _discounts(len(ranks)).sum()) if len(ranks) else 0.0


def outcome(before: NDArray[np.float64], after: NDArray[np.float64], meets: NDArray[np.bool_], *, up: bool) -> Outcome:
    """Whether the exposure moved as asked. `cannot`: no or all items meet the aspect, or it is at its end already."""
    count, of = int(meets.sum()), len(meets)
    if count in (0, of):
        return "cannot"
    first = exposure(before, meets)
    lowest = float((1 / np.log2(1 + np.arange(of - count + 1, of + 1))).sum() / _discounts(count).sum())
    if (first >= 1 - SAME) if up else (first <= lowest + SAME):
        return "cannot"
    change = exposure(after, meets) - first
    if abs(change) <= SAME:
        return "still"
    return "right" if (change > 0) == up else "wrong"


def ranks_of(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rank (items) of each, from 1; of equal ones the first stands first."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def ndcg(scores: NDArray[np.float64], meets: NDArray[np.bool_], *, k: int) -> float:
    """NDCG@k of one list in which exactly the items that meet an aspect are right; NaN where none does."""
    if not meets.any():
        return float("nan")
    return float(of_samples(meets.astype(np.int8), scores, np.zeros(len(scores), dtype=np.int64)).ndcg(k)[0])


def share(found: Sequence[Any], wanted: Any) -> float:
    """Of what can move (all but `cannot`), the share with this outcome; NaN where nothing can."""
    counted = [one for one in found if one != "cannot"]
    return sum(one == wanted for one in counted) / len(counted) if counted else float("nan")


def interval(found: Sequence[Any], wanted: Any) -> tuple[float, float]:
    """Where the share above lies at 95 % (Wilson 1927, JASA 22); NaN where nothing can move."""
    of, share_of = sum(one != "cannot" for one in found), share(found, wanted)
    if not of:
        return float("nan"), float("nan")
    spread = Z * np.sqrt(share_of * (1 - share_of) / of + Z * Z / (4 * of * of))
    low, high = ((share_of + Z * Z / (2 * of) + side * spread) / (1 + Z * Z / of) for side in (-1, 1))
    return max(0.0, float(low)), min(1.0, float(high))


def _discounts(count: int) -> NDArray[np.float64]:
    """Of the first so many ranks."""
    return np.asarray(1 / np.log2(np.arange(2, count + 2)), dtype=np.float64)

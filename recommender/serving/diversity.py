"""Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): good items that are unlike each other. Pure numpy."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def mmr(relevance: Floats, vectors: Floats, *, diversity: float, count: int) -> NDArray[np.int64]:
    """The rows of the first `count` items, best first: (count or n).

    `relevance` (n): higher is better; its order and its distances count, not its scale. `vectors` (n, D): rows of
    length one, or zeros where nothing is known of an item, which then is like no other. Each step takes the item with
    the most of (1 - diversity) · relevance - diversity · greatest cosine to what was taken; of equal ones the first.
    """
    relevance = _scaled(np.asarray(relevance, dtype=np.float64))
    nearest = np.zeros(len(relevance))
    left = np.ones(len(relevance), dtype=np.bool_)
    chosen: list[int] = []
    for _ in range(min(count, len(relevance))):
        worth = (1 - diversity) * relevance - diversity * nearest
        row = int(np.argmax(np.where(left, worth, -np.inf)))
        chosen.append(row)
        left[row] = False
        alike = (vectors @ vectors[row]).astype(np.float64)
        nearest = alike if len(chosen) == 1 else np.maximum(nearest, alike)
    return np.array(chosen, dtype=np.int64)


def _scaled(relevance: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1; all equal: 1."""
    if not len(relevance):
        return relevance
    low, high = relevance.min(), relevance.max()
    if high == low:
        return np.ones(len(relevance))
    # Halves first: the difference of two great numbers may be more than a number can be.
    scaled: NDArray[np.float64] = (relevance / 2 - low / 2) / (high / 2 - low / 2)
    return scaled

"""What an end user's whole earlier history says of an item: a Gaussian process over items, one for each end user.

Item j after the history h scores k(j, h) (k(h, h) + noise)⁻¹ (likes - means): similarity to everything liked and
disliked, weighed by what it says, with nothing counted twice (Rasmussen & Williams, Gaussian Processes for Machine
Learning, 2006, chapter 2). k(i, j) is the product of the items' factors plus, for each space, a kernel that is high
where both are near each other in it; a level that drifts along the history may join. One Cholesky factor of a whole
history holds the answer of every prefix of it: row t's first b columns are all that the first b interactions say of
row t, so no later interaction can reach a reading. Numpy only: training rows and live requests share this code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.signals.factors import NOISE

NEAR = 0.25  # cosine distance at which that has fallen to 1/e
DRIFT = 0.005  # variance of the drifting level
DRIFT_LASTS = 60.0  # interactions until its correlation has fallen to 1/e
EXPLAINED = 0.6  # share of an amplitude that was noise before: items near each other are not liked by chance alone
LEAST_NOISE = 0.05
UNKNOWN = 1e6  # variance of a like nobody told: such an interaction says nothing
EVERY = slice(None)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """One end user's interactions, oldest first, then anything else to be read: n rows of items."""

    mean: Floats  # (n) of the items
    factors: NDArray[np.floating[Any]]  # (n, K)
    spaces: Sequence[NDArray[np.floating[Any]]]  # (n, D) each
    amplitudes: Sequence[float]  # variance that likes share because their items are near each other in a space
    liked: NDArray[np.int8]  # (n) 1, 0, -1 unknown
    before: NDArray[np.int64]  # (n) how many of the first rows are the row's history; at most its own place
    place: NDArray[np.int64] | None = None  # (n) of rows that are nobody's history, where they drift; None: `before`

    @property
    def noise(self) -> float:
        """Variance of a like around its expectation."""
        return noise_beside(self.amplitudes)


def noise_beside(amplitudes: Sequence[float]) -> float:
    """Variance of a like around its expectation where likes share these variances by spaces."""
    return max(LEAST_NOISE, NOISE - EXPLAINED * sum(amplitudes))


def near(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Of rows (n, D) and (m, D) of one space: (n, m). A row of zeros, an item without text, is near nothing."""
    common = one @ other.T
    common -= 1
    common /= NEAR
    np.exp(common, out=common)
    common[~np.any(one, axis=1)] = 0.0
    common[:, ~np.any(other, axis=1)] = 0.0
    return common


def read(rows: Rows) -> tuple[Floats, Floats, Floats]:
    """What the rows' own histories say of them: mean, standard deviation, and mean with the drift (n) each.

    The mean is what is added to the item's; the standard deviation that of a like around their sum.
    """
    learned = int(rows.before.max(initial=0))  # later rows are nobody's history
    if len(rows.before) - learned == 1:  # cheaper within the factor than after it
        learned += 1
    common, variance = covariances(rows, learned)
    lower, answer, reach = _factor(common, rows)
    remaining = variance - np.square(reach).sum(axis=1)
    mean = reach @ answer
    place = np.r_[np.arange(learned), (rows.before if rows.place is None else rows.place)[learned:]]
    common += DRIFT * np.exp(-np.abs(place[:, None] - place[:learned]) / DRIFT_LASTS)
    if (rows.before[learned:] == learned).all():  # what is asked after the whole history needs its answer only
        lower, answer, reach = _factor(common[:learned], rows)
        with_drift = np.r_[reach @ answer, common[learned:] @ np.linalg.solve(lower.T, answer)]
    else:
        lower, answer, reach = _factor(common, rows)
        with_drift = reach @ answer
    return mean, np.sqrt(np.maximum(remaining, 0.0) + rows.noise), with_drift


def covariances(rows: Rows, learned: int, some: slice = EVERY, dtype: type = np.float64) -> tuple[Floats, Floats]:
    """Of what `some` rows' likes share with the first ones', without the drift: (n, learned); their variances (n)."""
    factors: Floats = rows.factors[some].astype(dtype, copy=False)
    common = factors @ rows.factors[:learned].astype(dtype, copy=False).T
    variance: Floats = np.einsum("ij,ij->i", factors, factors)
    for space, amplitude in zip(rows.spaces, rows.amplitudes, strict=True):
        if amplitude:
            common += amplitude * near(space[some], space[:learned])
            variance += amplitude * np.any(space[some], axis=1)
    return common, variance


def _factor(common: Floats, rows: Rows) -> tuple[Floats, Floats, Floats]:
    """The Cholesky factor L of the history, L⁻¹ residuals, and per row (n, learned) L⁻¹ of what its history may say."""
    learned = common.shape[1]
    told = rows.liked[:learned] >= 0
    residual = np.where(told, rows.liked[:learned] - rows.mean[:learned], 0.0)
    # The residuals join as one more row, whose part of the factor is what substitution would make of them.
    joined = np.zeros((learned + 1, learned + 1))
    joined[:learned, :learned] = common[:learned]
    joined[np.arange(learned), np.arange(learned)] += np.where(told, rows.noise, UNKNOWN)
    joined[learned, :learned] = residual
    joined[learned, learned] = 1.0 + np.square(residual).sum() / rows.noise
    lower = np.linalg.cholesky(joined)
    lower, answer = lower[:learned, :learned], lower[learned, :learned]
    reach = lower
    if learned < len(common):  # rows past the history get their rows of the factor by substitution
        reach = np.vstack([lower, common[learned:] @ np.linalg.inv(lower).T])
    before = rows.before[: len(common), None]
    return lower, answer, np.where(np.arange(learned) < before, reach, 0.0)

"""What would be read had one interaction of a history never been: every such reading from one factorisation.

With A the inverse of a history's covariance, the inverse without its row and column i is A - A[:, i] A[i] / A[i, i]
(Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, section 5.4.2). A drifting level also forgets by
steps: without entry i, whatever is older comes one step nearer to whatever is newer. That adds the product of two
vectors to the covariance, and Woodbury's identity turns it into two equations with two unknowns for each entry. Numpy
only; the same numbers as `posterior.read` gives of the shorter history, to rounding.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.signals.posterior import DRIFT, DRIFT_LASTS, UNKNOWN, Floats, Rows, covariances


def read(rows: Rows, history: int, places: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """What `posterior.read` says of the rows after the first `history`, all of which are their history.

    (1 + m, n - history) each: first with nothing left out, then without the entry at each of `places` (m).
    """
    common, variance = covariances(rows, history)
    told = rows.liked[:history] >= 0
    residual = np.where(told, rows.liked[:history] - rows.mean[:history], 0.0)
    inside, outside = common[:history], common[history:]
    inside[np.diag_indices(history)] += np.where(told, rows.noise, UNKNOWN)
    mean, remaining = _without_drift(inside, outside, variance[history:], residual, places)
    place = np.arange(history)
    inside += DRIFT * np.exp(-np.abs(place[:, None] - place) / DRIFT_LASTS)
    outside += DRIFT * np.exp((place - history) / DRIFT_LASTS)
    with_drift = _with_drift(inside, outside, residual, places)
    return mean.T, np.sqrt(np.maximum(remaining.T, 0.0) + rows.noise), with_drift.T


def _without_drift(
    inside: Floats, outside: Floats, variance: Floats, residual: Floats, places: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Posterior mean and variance (n - h, 1 + m) from covariances within the history (h, h) and with it (n - h, h)."""
    solved = np.linalg.solve(inside, np.c_[residual, _units(len(inside), places), outside.T])
    answer, column, explained = np.split(solved, [1, 1 + len(places)], axis=1)
    own = _own(column, places)
    said = (outside * explained.T).sum(axis=1, keepdims=True)
    mean = outside @ np.c_[answer, _without(answer, column, places)]
    return mean, variance[:, None] - np.c_[said, said - np.square(outside @ column) / own]


def _with_drift(inside: Floats, outside: Floats, residual: Floats, places: NDArray[np.int64]) -> Floats:
    """The posterior mean (n - h, 1 + m) where covariances hold the drift."""
    history = len(inside)
    distance = np.arange(history)[:, None] - places  # (h, m)
    fading = np.exp(-np.abs(distance) / DRIFT_LASTS)
    older, newer = np.where(distance < 0, fading, 0.0), np.where(distance > 0, fading, 0.0)
    nearer = DRIFT * (np.exp(1 / DRIFT_LASTS) - 1)  # older · newerᵀ times this is what a step less adds
    solved = np.linalg.solve(inside, np.c_[residual, _units(history, places), older, newer])
    answer, column, of_older, of_newer = np.split(solved, 1 + len(places) * np.arange(3), axis=1)
    without, of_older, of_newer = (_without(one, column, places) for one in (answer, of_older, of_newer))
    # (P⁻¹ / nearer + Uᵀ A U) x = Uᵀ A residual, for U = [older, newer] and P, which swaps two numbers
    first, second = _products(older, of_older), _products(newer, of_newer)
    mixed = 1 / nearer + _products(older, of_newer)
    one, other = _products(older, without), _products(newer, without)
    determinant = first * second - np.square(mixed)
    without -= of_older * ((second * one - mixed * other) / determinant)
    without -= of_newer * ((first * other - mixed * one) / determinant)
    with_drift: Floats = outside @ np.c_[answer, without]
    # What is read comes one step nearer to the older entries, too.
    with_drift[:, 1:] += nearer * np.exp((places - history) / DRIFT_LASTS) * _products(older, without)
    return with_drift


def _without(solution: Floats, column: Floats, places: NDArray[np.int64]) -> Floats:
    """Solutions (h, 1 or m) of the whole history as they are without each place: (h, m), that place's row zero."""
    every = np.broadcast_to(solution, column.shape)
    return every - column * (_own(every, places) / _own(column, places))


def _own(columns: Floats, places: NDArray[np.int64]) -> Floats:
    own: Floats = columns[places, np.arange(len(places))]
    return own


def _units(history: int, places: NDArray[np.int64]) -> Floats:
    return np.eye(history)[:, places]


def _products(one: Floats, other: Floats) -> Floats:
    products: Floats = (one * other).sum(axis=0)
    return products

"""What would be read had one interaction of a history never been: every such reading from one factorisation.

With A the inverse of a history's covariance, the inverse without its row and column i is A - A[:, i] A[i] / A[i, i]
(Rasmussen & Williams, Gaussian Processes for Machine Learning, 2006, section 5.4.2). A mood also forgets by steps:
without entry i, whatever is older comes one step nearer to whatever is newer. That adds the product of two vectors to
the covariance, and Woodbury's identity turns it into two equations with two unknowns for each entry. Numpy only; the
same numbers as `tastes.read` gives of the shorter history, to rounding.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.signals.gaussian_process import MOOD, MOOD_LASTS, UNKNOWN, Floats, Rows, covariances


def read(rows: Rows, history: int, places: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """What `tastes.read` says of the rows after the first `history`, all of which are their history.

    (1 + m, n - history) each: first with nothing left out, then without the entry at each of `places` (m).
    """
    common, variance = covariances(rows, history)
    told = rows.liked[:history] >= 0
    surprise = np.where(told, rows.liked[:history] - rows.mean[:history], 0.0)
    inside, outside = common[:history], common[history:]
    inside[np.diag_indices(history)] += np.where(told, rows.noise, UNKNOWN)
    taste, doubt = _taste(inside, outside, variance[history:], surprise, places)
    place = np.arange(history)
    inside += MOOD * np.exp(-np.abs(place[:, None] - place) / MOOD_LASTS)
    outside += MOOD * np.exp((place - history) / MOOD_LASTS)
    with_mood = _with_mood(inside, outside, surprise, places)
    return taste.T, np.sqrt(np.maximum(doubt.T, 0.0) + rows.noise), with_mood.T


def _taste(
    inside: Floats, outside: Floats, variance: Floats, surprise: Floats, places: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Posterior mean and variance (n - h, 1 + m) from covariances within the history (h, h) and with it (n - h, h)."""
    solved = np.linalg.solve(inside, np.c_[surprise, _units(len(inside), places), outside.T])
    answer, column, explained = np.split(solved, [1, 1 + len(places)], axis=1)
    own = _own(column, places)
    said = (outside * explained.T).sum(axis=1, keepdims=True)
    taste = outside @ np.c_[answer, _without(answer, column, places)]
    return taste, variance[:, None] - np.c_[said, said - np.square(outside @ column) / own]


def _with_mood(inside: Floats, outside: Floats, surprise: Floats, places: NDArray[np.int64]) -> Floats:
    """The posterior mean (n - h, 1 + m) where covariances hold a mood."""
    history = len(inside)
    distance = np.arange(history)[:, None] - places  # (h, m)
    fading = np.exp(-np.abs(distance) / MOOD_LASTS)
    older, newer = np.where(distance < 0, fading, 0.0), np.where(distance > 0, fading, 0.0)
    nearer = MOOD * (np.exp(1 / MOOD_LASTS) - 1)  # older · newerᵀ times this is what a step less adds
    solved = np.linalg.solve(inside, np.c_[surprise, _units(history, places), older, newer])
    answer, column, of_older, of_newer = np.split(solved, 1 + len(places) * np.arange(3), axis=1)
    without, of_older, of_newer = (_without(one, column, places) for one in (answer, of_older, of_newer))
    # (P⁻¹ / nearer + Uᵀ A U) x = Uᵀ A surprise, for U = [older, newer] and P, which swaps two numbers
    first, second = _products(older, of_older), _products(newer, of_newer)
    mixed = 1 / nearer + _products(older, of_newer)
    one, other = _products(older, without), _products(newer, without)
    determinant = first * second - np.square(mixed)
    without -= of_older * ((second * one - mixed * other) / determinant)
    without -= of_newer * ((first * other - mixed * one) / determinant)
    with_mood: Floats = outside @ np.c_[answer, without]
    # What is read comes one step nearer to the older entries, too.
    with_mood[:, 1:] += nearer * np.exp((places - history) / MOOD_LASTS) * _products(older, without)
    return with_mood


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

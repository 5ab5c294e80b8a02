"""What a whole history says of many items: `posterior.read` of rows that all come after it, in closed form.

One factorisation of the history answers for all of them, however many: with K the history's covariance and k an item's
with it, the mean is k K⁻¹ r and the variance k(i, i) - k K⁻¹ kᵀ (Rasmussen & Williams, Gaussian Processes for Machine
Learning, 2006, section 2.2). The drift of whatever comes next is the same for every item, so it is one
number. Items are read in pieces: a long history beside a whole catalog would take hundreds of megabytes. Numpy only.
"""

import numpy as np

from recommender.signals.posterior import DRIFT, DRIFT_LASTS, UNKNOWN, Floats, Rows, covariances

AT_A_TIME = 1024  # items


def read(rows: Rows, history: int) -> tuple[Floats, Floats, Floats]:
    """Mean, standard deviation, and mean with the drift of the rows after the first `history`: (n - history) each."""
    inside, _ = covariances(rows, history, slice(history))
    told = rows.liked[:history] >= 0
    residual = np.where(told, rows.liked[:history] - rows.mean[:history], 0.0)
    inside[np.diag_indices(history)] += np.where(told, rows.noise, UNKNOWN)
    inverse = np.linalg.inv(inside)  # K⁻¹: of a long history in less time than a factor and what is solved by it
    answer = inverse @ residual
    place = np.arange(history)
    inside += DRIFT * np.exp(-np.abs(place[:, None] - place) / DRIFT_LASTS)
    answer_with_drift = np.linalg.solve(inside, residual)
    drift = DRIFT * np.exp((place - history) / DRIFT_LASTS) @ answer_with_drift
    both = np.stack([answer, answer_with_drift], axis=1)
    both, inverse = both.astype(np.float32), inverse.astype(np.float32)  # products of many items take half the time
    asked = len(rows.mean) - history
    mean, variance, with_drift = (np.empty(asked) for _ in range(3))
    for first in range(0, asked, AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        asked_for = slice(history + first, history + first + AT_A_TIME)
        common, own = covariances(rows, history, asked_for, np.float32)
        variance[some] = own - np.einsum("ij,ij->i", common @ inverse, common)
        mean[some], with_drift[some] = (common @ both).T
    return mean, np.sqrt(np.maximum(variance, 0.0) + rows.noise), with_drift + drift

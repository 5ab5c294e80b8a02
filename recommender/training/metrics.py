"""AUC, GAUC and LogLoss. Numpy only."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
Groups = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """`auc` and `gauc` are None where they are undefined: one class only."""

    auc: float | None
    gauc: float | None
    logloss: float
    samples: int
    positives: int
    end_users: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def scores(label: NDArray[Any], probability: Numbers, end_user: Groups) -> Scores:
    return Scores(
        auc=auc(label, probability),
        gauc=gauc(label, probability, end_user),
        logloss=logloss(label, probability),
        samples=len(label),
        positives=int((label > 0).sum()),
        end_users=len(np.unique(end_user)),
    )


def auc(label: NDArray[Any], score: Numbers) -> float | None:
    """How often a liked sample scores above a not liked one, ties counting half; None with one class only."""
    return gauc(label, score, np.zeros(len(label), dtype=np.int64))


def gauc(label: NDArray[Any], score: Numbers, end_user: Groups) -> float | None:
    """AUC per end user, averaged with each end user's number of samples as weight.

    End users with one class only have no AUC and are left out; None when that leaves nobody.
    """
    if not len(label):
        return None
    _, group = np.unique(end_user, return_inverse=True)
    order = np.lexsort((score, group))
    group, score, liked = group[order], score[order], label[order] > 0
    # 1-based ranks within each group; ties share the mean of the ranks they span.
    begins_group = np.r_[True, group[1:] != group[:-1]]
    begins_tie = begins_group | np.r_[True, score[1:] != score[:-1]]
    tie = np.cumsum(begins_tie) - 1
    first = np.flatnonzero(begins_tie)
    last = np.r_[first[1:], len(score)] - 1
    offset = np.flatnonzero(begins_group)[group]
    rank = ((first + last) / 2)[tie] - offset + 1
    positives = np.bincount(group, weights=liked)
    size = np.bincount(group)
    negatives = size - positives
    rank_sum = np.bincount(group, weights=rank * liked)
    both = (positives > 0) & (negatives > 0)
    if not both.any():
        return None
    wins = rank_sum[both] - positives[both] * (positives[both] + 1) / 2
    return float(np.average(wins / (positives[both] * negatives[both]), weights=size[both]))


def logloss(label: NDArray[Any], probability: Numbers) -> float:
    """Mean negative log likelihood in nats; probabilities are kept 1e-7 away from 0 and 1."""
    p = np.clip(probability.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(label > 0, np.log(p), np.log1p(-p))))

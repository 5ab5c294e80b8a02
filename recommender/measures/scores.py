"""Scores of predictions: AUC, GAUC, UAUC, LogLoss, ECE. Numpy only.

`label` (n): above 0 is liked; `probability`, `score` and `end_user` (n) line up with it.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
Groups = NDArray[np.integer[Any]]
ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class Scores:
    """`auc`, `gauc` and `uauc` are None where they are undefined: one class only."""

    auc: float | None
    gauc: float | None
    uauc: float | None
    logloss: float
    ece: float
    samples: int
    positives: int
    end_users: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def scores(label: NDArray[Any], probability: Numbers, end_user: Groups) -> Scores:
    return Scores(
        auc=auc(label, probability),
        gauc=gauc(label, probability, end_user),
        uauc=uauc(label, probability, end_user),
        logloss=logloss(label, probability),
        ece=ece(label, probability),
        samples=len(label),
        positives=int((label > 0).sum()),
        end_users=len(np.unique(end_user)),
    )


def auc(label: NDArray[Any], score: Numbers) -> float | None:
    """How often a liked sample scores above a not liked one, ties counting half; None with one class only."""
    if not len(label):
        return None
    value = auc_of_each(label, score, np.zeros(len(label), dtype=np.int64)).auc[0]
    return None if np.isnan(value) else float(value)


def gauc(label: NDArray[Any], score: Numbers, end_user: Groups) -> float | None:
    """AUC per end user, averaged with `EachAuc.gauc_weight`; None when that leaves nobody."""
    each = auc_of_each(label, score, end_user)
    both = ~np.isnan(each.auc)
    return float(np.average(each.auc[both], weights=each.gauc_weight[both])) if both.any() else None


def uauc(label: NDArray[Any], score: Numbers, end_user: Groups) -> float | None:
    """AUC per end user, every end user weighing the same; who is left out as in `gauc`."""
    each = auc_of_each(label, score, end_user)
    both = ~np.isnan(each.auc)
    return float(each.auc[both].mean()) if both.any() else None


class EachAuc(NamedTuple):
    """Of u end users, ascending."""

    auc: NDArray[np.float64]  # (u) NaN with one class only
    samples: NDArray[np.int64]  # (u)

    @property
    def gauc_weight(self) -> NDArray[np.float64]:
        """What each end user's AUC counts in GAUC: their number of samples, and nothing with one class only. (u)"""
        return np.where(np.isnan(self.auc), 0.0, self.samples)


def auc_of_each(label: NDArray[Any], score: Numbers, end_user: Groups) -> EachAuc:
    """The AUC of each end user's samples, ties counting half."""
    if not len(label):
        return EachAuc(np.zeros(0), np.zeros(0, dtype=np.int64))
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
    pairs = positives * (size - positives)
    wins = np.bincount(group, weights=rank * liked) - positives * (positives + 1) / 2
    return EachAuc(np.divide(wins, pairs, out=np.full(len(size), np.nan), where=pairs > 0), size)


def logloss(label: NDArray[Any], probability: Numbers) -> float:
    """The mean of `loglosses`."""
    return float(np.mean(loglosses(label, probability)))


def loglosses(label: NDArray[Any], probability: Numbers) -> NDArray[np.float64]:
    """Each sample's negative log likelihood in nats (n); probabilities are kept 1e-7 away from 0 and 1."""
    p = np.clip(probability.astype(np.float64), 1e-7, 1 - 1e-7)
    return -np.where(label > 0, np.log(p), np.log1p(-p))


def ece(label: NDArray[Any], probability: Numbers) -> float:
    """Expected calibration error: how far the mean probability is from the share of likes, over 15 equal-width bins.

    Each bin counts by its share of the samples. 0 is best; NaN without samples.
    """
    gap = np.bincount(bins(probability), weights=probability - (label > 0), minlength=ECE_BINS)
    return float(np.abs(gap).sum() / len(label)) if len(label) else float("nan")


def bins(probability: Numbers) -> NDArray[np.int64]:
    """Which of ECE_BINS bins of equal width each probability is in; 1 is in the last."""
    return np.clip((probability * ECE_BINS).astype(np.int64), 0, ECE_BINS - 1)

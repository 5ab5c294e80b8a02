"""Metrics taken apart by end user, so that they can be had again for any weights of the end users. Numpy only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.measures.scores import ECE_BINS, auc_of_each, bins, loglosses

Numbers = NDArray[np.floating[Any]]
Values = NDArray[np.float64]
Owners = NDArray[np.int64]


class Statistic(Protocol):
    """A metric of u end users."""

    @property
    def end_users(self) -> int: ...

    def __call__(self, weights: Values) -> Values:
        """The metric for each row of weights (d, u), as if each end user were there that many times.

        NaN where it is undefined. Returns (d).
        """


@dataclass(frozen=True, slots=True)
class Mean:
    """A weighted mean: `total` over `weight`, each summed over end users."""

    total: Values  # (u)
    weight: Values  # (u)

    @property
    def end_users(self) -> int:
        return len(self.total)

    def __call__(self, weights: Values) -> Values:
        return _ratio(weights @ self.total, weights @ self.weight)

    @classmethod
    def over_end_users(cls, values: Values) -> "Mean":
        """Of one value per end user (u), each weighing the same; NaN leaves one out."""
        return cls(np.nan_to_num(values), (~np.isnan(values)).astype(np.float64))


@dataclass(frozen=True, slots=True)
class PooledAuc:
    """AUC over everybody's samples together: sorted once, then one running sum per row of weights."""

    end_users: int
    negative: Owners  # owners of the not liked samples, by ascending score
    positive: Owners  # (p) owners of the liked samples
    below: Owners  # (p) how many not liked samples score less than this one
    up_to: Owners  # (p) … at most as much

    @classmethod
    def of(cls, label: NDArray[Any], score: Numbers, owner: Owners, end_users: int) -> "PooledAuc":
        liked = label > 0
        order = np.argsort(score[~liked], kind="stable")
        low, high = score[~liked][order], np.sort(score[liked])
        by_score = np.argsort(score[liked], kind="stable")
        return cls(
            end_users,
            negative=owner[~liked][order],
            positive=owner[liked][by_score],
            below=np.searchsorted(low, high, side="left"),
            up_to=np.searchsorted(low, high, side="right"),
        )

    def __call__(self, weights: Values) -> Values:
        found = np.full(len(weights), np.nan)
        sums = np.zeros(len(self.negative) + 1)
        for place, own in enumerate(weights):
            np.cumsum(own.take(self.negative), out=sums[1:])
            liked = own.take(self.positive)
            pairs = liked.sum() * sums[-1]
            if pairs > 0:
                found[place] = (liked @ sums.take(self.below) + liked @ sums.take(self.up_to)) / (2 * pairs)
        return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """ECE: the gap of each bin summed over end users before its size is taken."""

    gap: Values  # (u, bins) sums of probability - label
    samples: Values  # (u)

    @property
    def end_users(self) -> int:
        return len(self.samples)

    def __call__(self, weights: Values) -> Values:
        return _ratio(np.abs(weights @ self.gap).sum(axis=1), weights @ self.samples)


def _auc(label: NDArray[Any], probability: Numbers, owner: Owners, end_users: int) -> Statistic:
    return PooledAuc.of(label, probability, owner, end_users)


def _gauc(label: NDArray[Any], probability: Numbers, owner: Owners, _: int) -> Statistic:
    each = auc_of_each(label, probability, owner)
    return Mean(np.nan_to_num(each.auc) * each.gauc_weight, each.gauc_weight)


def _uauc(label: NDArray[Any], probability: Numbers, owner: Owners, _: int) -> Statistic:
    return Mean.over_end_users(auc_of_each(label, probability, owner).auc)


def _logloss(label: NDArray[Any], probability: Numbers, owner: Owners, end_users: int) -> Statistic:
    total = np.bincount(owner, weights=loglosses(label, probability), minlength=end_users).astype(np.float64)
    return Mean(total, _samples(owner, end_users))


def _ece(label: NDArray[Any], probability: Numbers, owner: Owners, end_users: int) -> Statistic:
    gap = np.bincount(
        owner * ECE_BINS + bins(probability), weights=probability - (label > 0), minlength=end_users * ECE_BINS
    )
    return Calibration(gap.reshape(end_users, ECE_BINS).astype(np.float64), _samples(owner, end_users))


METRICS: Mapping[str, Callable[[NDArray[Any], Numbers, Owners, int], Statistic]] = {
    "auc": _auc,
    "gauc": _gauc,
    "uauc": _uauc,
    "logloss": _logloss,
    "ece": _ece,
}


def of(name: str, label: NDArray[Any], probability: Numbers, end_user: NDArray[np.integer[Any]]) -> Statistic:
    """A metric of METRICS, of n samples.

    Raises KeyError for an unknown name, ValueError for a probability that is NaN or outside 0 to 1.
    """
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("A probability is NaN or outside 0 to 1.")
    who, owner = np.unique(end_user, return_inverse=True)
    return METRICS[name](label, probability, owner, len(who))


def _samples(owner: Owners, end_users: int) -> Values:
    return np.bincount(owner, minlength=end_users).astype(np.float64)


def _ratio(total: Values, weight: Values) -> Values:
    ratio: Values = np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)
    return ratio

"""NDCG, MAP and Recall at k, over lists of everything an end user could be shown. Numpy only.

Ties always go against the model: of equal scores what is not liked stands first. A constant score gains nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

AT = (1, 5, 10, 20)
Ids = NDArray[np.integer[Any]]
Values = NDArray[np.float64]
Score = Callable[[Ids], NDArray[np.floating[Any]]]  # end users (b) → a score for every item (b, v)


class Pairs(NamedTuple):
    """End users and items, a row for each pair."""

    end_user: Ids
    item: Ids


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where the liked items of u end users are in their lists; p such items in all, best ranks first."""

    positives: NDArray[np.int64]  # (u) liked items of each
    end_user: NDArray[np.int64]  # (p) whose: a place from 0 to u - 1, ascending
    rank: NDArray[np.int64]  # (p) from 1

    def ndcg(self, k: int) -> Values:
        """Discounted gain of the first k, as a share of the best possible, (u). NaN for those who like nothing."""
        discount = 1 / np.log2(np.arange(2, k + 2))
        gain = self._sum(np.where(self.rank <= k, 1 / np.log2(self.rank + 1.0), 0.0))
        return _share(gain, np.r_[0.0, np.cumsum(discount)][np.minimum(self.positives, k)])

    def average_precision(self, k: int, *, of_all: bool = False) -> Values:
        """Mean precision at the liked ones among the first k, (u). NaN for those who like nothing.

        Divided by the most that fit, min(k, positives); with `of_all` by all positives, as ThinkRec does.
        """
        begins = np.r_[0, np.cumsum(self.positives)[:-1]][self.end_user]
        place = np.arange(len(self.rank)) - begins + 1
        gained = self._sum(np.where(self.rank <= k, place / self.rank, 0.0))
        return _share(gained, (self.positives if of_all else np.minimum(self.positives, k)).astype(np.float64))

    def recall(self, k: int) -> Values:
        """The share of all liked items that is among the first k, (u). NaN for those who like nothing."""
        return _share(self._sum((self.rank <= k).astype(np.float64)), self.positives.astype(np.float64))

    def each(self, at: Sequence[int] = AT) -> Mapping[str, Values]:
        """Every metric's values (u), by name."""
        kinds = {"ndcg": self.ndcg, "map": self.average_precision, "recall": self.recall}
        return {f"{name}@{k}": metric(k) for name, metric in kinds.items() for k in at}

    def _sum(self, values: Values) -> Values:
        return np.bincount(self.end_user, weights=values, minlength=len(self.positives)).astype(np.float64)


def of_samples(label: NDArray[Any], score: NDArray[np.floating[Any]], end_user: Ids) -> Ranks:
    """Ranks within each end user's own samples (n); end users ascending."""
    _, owner = np.unique(end_user, return_inverse=True)
    liked = label > 0
    order = np.lexsort((liked, -score, owner))
    owner, liked = owner[order], liked[order]
    size = np.bincount(owner)
    rank = np.arange(len(owner)) - (np.cumsum(size) - size)[owner] + 1
    return Ranks(np.bincount(owner, weights=liked).astype(np.int64), owner[liked], rank[liked])


def full_ranking(score: Score, end_users: Ids, *, seen: Pairs, liked: Pairs, at_once: int = 256) -> Ranks:
    """Rank, for each of `end_users` (u, ascending), every item that is not `seen`; `liked` says which are right.

    An item that is both seen and liked is not a candidate and not counted. What was tested and not liked is an
    ordinary candidate. Raises ValueError when a score is NaN or infinite.
    """
    positives, ranks = [], []
    for first in range(0, len(end_users), at_once):
        some = end_users[first : first + at_once]
        scores = np.asarray(score(some))
        if not np.isfinite(scores).all():
            raise ValueError("A score is NaN or infinite: the lists of these end users cannot be ranked.")
        unseen = np.ones(scores.shape, dtype=bool)
        unseen[_cells(seen, some)] = False
        right = np.zeros(scores.shape, dtype=bool)
        right[_cells(liked, some)] = True
        for own in _ranks(scores, unseen, right & unseen):
            positives.append(len(own))
            ranks.append(own)
    count = np.array(positives, dtype=np.int64)
    rank = np.concatenate(ranks) if ranks else np.zeros(0, dtype=np.int64)
    return Ranks(count, np.repeat(np.arange(len(count)), count), rank)


def mean(values: Values) -> float | None:
    """Over the end users for whom it is defined; None when there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def _ranks(
    scores: NDArray[np.floating[Any]], unseen: NDArray[np.bool_], right: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """For each row the ranks of what is right, ascending."""
    for own, candidate, wanted in zip(scores, unseen, right, strict=True):
        in_order = np.sort(own[candidate])
        # The rank of the last of equal scores; the right ones among them are the last.
        lowest = np.sort(len(in_order) - np.searchsorted(in_order, own[wanted], side="left"))
        yield lowest - (np.searchsorted(lowest, lowest, side="right") - 1 - np.arange(len(lowest)))


def _cells(pairs: Pairs, end_users: Ids) -> tuple[NDArray[np.int64], Ids]:
    """Row and column, in a table of these end users (ascending), of the pairs that are theirs."""
    row = np.searchsorted(end_users, pairs.end_user)
    theirs = end_users[np.minimum(row, len(end_users) - 1)] == pairs.end_user
    return row[theirs], pairs.item[theirs]


def _share(gained: Values, most: Values) -> Values:
    share: Values = np.divide(gained, most, out=np.full(len(most), np.nan), where=most > 0)
    return share

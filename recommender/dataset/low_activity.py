"""Low-activity end users: the knowledge of the items in their history instead of a text of their own.

METHODS.md section 1.8, R4ec's rule in production. Whoever has no text of their own as of a moment, and fewer than a set
number of interactions before it, gets the mean of the vectors of the items they met before it. Only texts known at that
moment count, and none whose prompt showed that end user.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions, places
from recommender.dataset.texts import ItemsInstead, KnowledgeRows
from recommender.models import SubjectKind

CELLS = 2_000_000  # of one chunk: rows times the longest short history
FOREVER = np.iinfo(np.int64).max


def use_items(known: KnowledgeRows, interactions: Interactions, *, below: int) -> KnowledgeRows:
    """The same texts with sets of item texts for low-activity end users.

    Sets are kept once each: at most `below` - 1 for each end user, of 4 D bytes in the matrix.
    """
    if below < 2 or not any(text.kind == SubjectKind.ITEM for text in known.texts):
        return known
    start, before, end = places(interactions)
    own, _ = known.assign(interactions)
    sets = _Sets(known, interactions, longest=below - 1)
    waiting = (own == 0) & (before > start) & (before - start < below)
    waiting = np.flatnonzero(waiting & ~interactions.drawn)  # those have the set of what they were drawn for
    of_interaction = np.full(len(interactions), -1, dtype=np.int32)
    of_interaction[waiting] = sets.of(start[waiting], before[waiting], interactions.moment[waiting])
    have = known.latest(SubjectKind.END_USER)
    last = np.flatnonzero(end == np.arange(1, len(interactions) + 1))  # one row of each end user
    quiet = last[(end - start)[last] < below]
    quiet = quiet[[number not in have for number in interactions.end_user[quiet].tolist()]]
    found = sets.of(start[quiet], end[quiet], np.full(len(quiet), FOREVER))
    now = {
        end_user: which
        for end_user, which in zip(interactions.end_user[quiet].tolist(), found.tolist(), strict=True)
        if which >= 0
    }
    return replace(known, instead=ItemsInstead(list(sets.numbers), of_interaction, now))


class _Sets:
    """Sets of item texts by what is in them. `numbers`: each set's number, in the order they were first seen."""

    def __init__(self, known: KnowledgeRows, interactions: Interactions, *, longest: int) -> None:
        self._known, self._interactions, self._longest = known, interactions, longest
        pairs = known.witnesses(interactions)
        self._witnessed = np.unique(self._pair(pairs[:, 0], pairs[:, 1]))
        self.numbers: dict[tuple[int, ...], int] = {}

    def _pair(self, text: NDArray[np.int64], end_user: NDArray[np.int64]) -> NDArray[np.int64]:
        return text * len(self._interactions.end_users) + end_user

    def of(self, start: NDArray[np.int64], end: NDArray[np.int64], moment: NDArray[np.int64]) -> NDArray[np.int32]:
        """Each query's set: what is known as of its moment of the items in rows `start` to `end`; -1 for none."""
        found = np.full(len(start), -1, dtype=np.int32)
        at_once = max(1, CELLS // self._longest)
        for first in range(0, len(start), at_once):
            chunk = slice(first, first + at_once)
            texts = self._texts(start[chunk], end[chunk], moment[chunk])
            different, which = np.unique(texts, axis=0, return_inverse=True)
            numbers = np.array([self._number(row) for row in different.tolist()], dtype=np.int32)
            found[chunk] = numbers[which.reshape(-1)]
        return found

    def _number(self, texts: list[int]) -> int:
        members = tuple(text for text in texts if text)
        return self.numbers.setdefault(members, len(self.numbers)) if members else -1

    def _texts(self, start: NDArray[np.int64], end: NDArray[np.int64], moment: NDArray[np.int64]) -> NDArray[np.int32]:
        """Rows of the vectors (queries, longest), sorted, each once, 0 where there is no more."""
        data = self._interactions
        row = end[:, None] + np.arange(-self._longest, 0)
        there = row >= start[:, None]
        row = np.where(there, row, 0)
        whose = np.repeat(data.end_user[start], self._longest).astype(np.int64)
        texts = self._known.known_of(SubjectKind.ITEM, data.item[row].ravel(), np.repeat(moment, self._longest))
        texts[np.isin(self._pair(texts.astype(np.int64), whose), self._witnessed)] = 0
        texts = np.sort(np.where(there, texts.reshape(row.shape), 0), axis=1)
        texts[:, 1:][texts[:, 1:] == texts[:, :-1]] = 0
        return np.sort(texts, axis=1)

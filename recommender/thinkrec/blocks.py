"""Rows with their histories in the order they came, so that prompts of a person grow. Pure.

A row's history is what its end user is known to have liked or not strictly before it. It begins with the last ten; rows
that follow show what came since behind them, until it has grown by `grows`, and then ten again. So the prompts of a
block begin alike, and what they share is read once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.thinkrec.prompts import LONGEST_HISTORY

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one end user whose prompts begin alike. `shown`: of each row the first and the last row (not included)
    of `known`, the end user's rows with a known like or dislike, oldest first."""

    end_user: int
    rows: tuple[int, ...]
    shown: tuple[tuple[int, int], ...]
    known: Rows

    def history(self, place: int) -> Rows:
        first, last = self.shown[place]
        return self.known[first:last]


def blocks(interactions: Interactions, rows: Rows, *, grows: int) -> Iterator[Block]:
    """`rows`, ascending (by end user, oldest first), as blocks of prompts that begin alike."""
    known = np.flatnonzero(interactions.liked >= 0)
    owner = interactions.end_user[known]
    for end_user, group in groupby(rows.tolist(), key=lambda row: int(interactions.end_user[row])):
        theirs = known[np.searchsorted(owner, end_user, "left") : np.searchsorted(owner, end_user, "right")]
        own = list(group)
        before = np.searchsorted(interactions.moment[theirs], interactions.moment[own], "left").tolist()
        open_: list[tuple[int, int, int]] = []  # row, first, last
        for row, last in zip(own, before, strict=True):
            if open_ and last - open_[0][1] > LONGEST_HISTORY + grows:
                yield _block(end_user, open_, theirs)
                open_ = []
            first = open_[0][1] if open_ else max(0, last - LONGEST_HISTORY)
            open_.append((row, first, last))
        yield _block(end_user, open_, theirs)


def _block(end_user: int, rows: list[tuple[int, int, int]], known: Rows) -> Block:
    return Block(end_user, tuple(row for row, _, _ in rows), tuple((first, last) for _, first, last in rows), known)

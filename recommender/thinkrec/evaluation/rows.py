"""Which ratings are scored, and with which history: in the order they came, so that prompts of a person grow. Pure.

A row's history is what its end user is known to have liked or not strictly before it. It begins with the last ten, as
in tuning; rows that follow show what came since behind them, until it has grown by `grows`, and then ten again. So the
prompts of a block begin alike, and a scorer reads what they share once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.llm.types import Prompt
from recommender.measures.slices import slices
from recommender.thinkrec.prompts import LONGEST_HISTORY, Described, Past, Person, asked

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


def chosen(interactions: Interactions, rows: Rows, *, most: int, seed: int) -> Rows:
    """Those of `rows`, ascending, that are known to be liked or not; unless 0 about `most`, of whole end users."""
    rows = rows[interactions.liked[rows] >= 0]
    if not most or most >= len(rows):
        return rows
    end_users, count = np.unique(interactions.end_user[rows], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(end_users))
    taken = order[: int(np.searchsorted(np.cumsum(count[order]), most)) + 1]
    return rows[np.isin(interactions.end_user[rows], end_users[taken])]


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


def prompts_of(
    block: Block, interactions: Interactions, described: Callable[[int], Described], *, person: Person
) -> list[Prompt]:
    """One prompt a row. `described`: an item by its number; `person`: whose history is still to come."""
    prompts = []
    for place, row in enumerate(block.rows):
        asking = about(block, place, interactions, described, person=person)
        prompts += asked(asking, [described(int(interactions.item[row]))], shown=len(asking.history))
    return prompts


def about(
    block: Block, place: int, interactions: Interactions, described: Callable[[int], Described], *, person: Person
) -> Person:
    """The person with the history of one row."""
    rows = block.history(place).tolist()
    past = (Past(described(int(interactions.item[row])), bool(interactions.liked[row])) for row in rows)
    return replace(person, history=tuple(past))


def warm_and_cold(
    interactions: Interactions, rows: Rows, *, trained: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Which of `rows` (m) are in which slice, masks (m) by name.

    As in CoLLM's and ThinkRec's data (METHODS.md 2.9): an end user or item is cold that no row of `trained` (n) has; a
    rating is warm where both are known.
    """
    found = slices(
        interactions.end_user,
        interactions.item,
        fitted=trained,
        rows=rows,
        items=len(interactions.items),
        cold_end_user=1,
        cold_item=1,
    )
    cold = found["cold end users"] | found["cold items"]
    kept = {name: found[name] for name in ("cold end users", "cold items")}
    return {"all": found["all"], "warm": ~cold, "cold": cold} | kept


def _block(end_user: int, rows: list[tuple[int, int, int]], known: Rows) -> Block:
    return Block(end_user, tuple(row for row, _, _ in rows), tuple((first, last) for _, first, last in rows), known)

"""Which ratings are scored, and the prompts of their blocks. Pure."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.llm.types import Prompt
from recommender.measures.slices import slices
from recommender.thinkrec.blocks import Block, Rows
from recommender.thinkrec.prompts import Described, Past, Person, asked


def chosen(interactions: Interactions, rows: Rows, *, most: int, seed: int) -> Rows:
    """Those of `rows`, ascending, that are known to be liked or not; unless 0 about `most`, of whole end users."""
    rows = rows[interactions.liked[rows] >= 0]
    if not most or most >= len(rows):
        return rows
    end_users, count = np.unique(interactions.end_user[rows], return_counts=True)
    order = np.random.default_rng(seed).permutation(len(end_users))
    taken = order[: int(np.searchsorted(np.cumsum(count[order]), most)) + 1]
    return rows[np.isin(interactions.end_user[rows], end_users[taken])]


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

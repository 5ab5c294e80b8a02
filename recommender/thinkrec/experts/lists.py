"""What each expert changes in an end user's list.

Where a scoring run asked each tuned adapter apart, by their scores. Else by collaborative vectors: an item's score is
its vector times a person's, and an expert's person is the mean of its group. Such a list tells what the taste of a
group changes, and not what a tuned model says.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from recommender.thinkrec.experts.gate import Choice
from recommender.thinkrec.experts.grouped import Grouped

LENGTH = 10


@dataclass(frozen=True, slots=True)
class Placed:
    """One item of a list. `before`: its rank in the end user's own order, from 1, which may lie beyond their list."""

    item: int  # primary key
    rank: int
    before: int


@dataclass(frozen=True, slots=True)
class Lists:
    """An end user's lists: their own (by their vector, or the global adapter's), as the gate weighs the experts, and of
    each expert alone."""

    choice: Choice
    group: int  # from 0
    own: Sequence[Placed]
    weighed: Sequence[Placed]
    by_expert: Sequence[Sequence[Placed]]


def of_end_user(grouped: Grouped, end_user: int, *, met: Collection[int], length: int = LENGTH) -> Lists | None:
    """The lists of the end user with this primary key, without the items they have `met`. None: they have no vector.

    Under a gate that lets the global adapter act the weighed list is their own.
    """
    row = grouped.row_of(end_user)
    if row is None:
        return None
    choice = grouped.choice(row)
    candidates = np.flatnonzero(~np.isin(grouped.items, list(met)))
    own = _ranked(grouped, candidates, grouped.vectors[row])
    before = {int(place): rank for rank, place in enumerate(own, 1)}

    def placed(order: NDArray[np.int64]) -> list[Placed]:
        return [
            Placed(int(grouped.items[place]), rank, before[int(place)]) for rank, place in enumerate(order[:length], 1)
        ]

    each = [placed(_ranked(grouped, candidates, expert)) for expert in grouped.experts]
    moved = np.asarray(choice.scales[1:]) @ grouped.experts
    weighed = placed(own if choice.kind == "global" else _ranked(grouped, candidates, moved))
    return Lists(choice, int(grouped.of[row]), placed(own), weighed, each)


def of_scores(
    choice: Choice, group: int, items: Sequence[int], by_adapter: Sequence[Sequence[float | None]], length: int = LENGTH
) -> Lists:
    """The lists of an end user whose n items (primary keys, in the order that is served) each of the 1 + N adapters
    scored: `by_adapter` (n, 1 + N), the global one first. What an adapter has no score for comes last."""
    adapters = range(len(choice.weights) + 1)
    orders = [
        sorted(range(len(items)), key=lambda n, of=adapter: -_or_least(by_adapter[n][of]))  # type: ignore[misc]
        for adapter in adapters
    ]
    before = {place: rank for rank, place in enumerate(orders[0], 1)}

    def placed(order: Sequence[int]) -> list[Placed]:
        return [Placed(items[place], rank, before[place]) for rank, place in enumerate(order[:length], 1)]

    own, *each = map(placed, orders)
    return Lists(choice, group, own, placed(range(len(items))), each)


def _or_least(score: float | None) -> float:
    return -inf if score is None else score


def _ranked(grouped: Grouped, candidates: NDArray[np.int64], vector: NDArray[np.floating]) -> NDArray[np.int64]:
    """Candidates, the highest score first; of equal ones the earlier item."""
    scores = grouped.item_vectors[candidates] @ vector.astype(np.float32)
    return candidates[np.argsort(-scores, kind="stable")]

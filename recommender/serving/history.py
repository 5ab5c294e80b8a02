"""An end user's history as of now or another moment, as ranking and explanations read it: one query."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.db.models import QuerySet

from recommender.models import Clock, EndUser, Interaction
from recommender.models.liked import NOT_KNOWN, liked
from recommender.prepared import PreparedValues
from recommender.statements.queries import NEVER

MOMENT = 4  # where a row has it
AS_BOOL = {1: True, 0: False, NOT_KNOWN: None}


class PastInteraction(NamedTuple):
    """One interaction. `item_pk` and `item_id`: the item's primary key and external id.

    `told`: a request told of it, so that nobody knows when it was, and `moment` is that of the request. A tuple, since
    hundreds are made and hashed for one list, which takes a frozen dataclass five times as long.
    """

    item_pk: int
    item_id: str
    rating: float | None
    label: int | None
    liked: bool | None
    moment: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """`past`: oldest first. `later`: the moment of the first interaction that is not among them yet, though it will be
    once that moment has come; None: there is none."""

    past: list[PastInteraction]
    later: int | None = None


def history_of(end_user: EndUser) -> list[PastInteraction]:
    """All interactions up to now, oldest first. `end_user.catalog` must be loaded."""
    return known_of(end_user).past


def known_of(end_user: EndUser, *, as_of: int | None = None) -> Known:
    """The same, or strictly before `as_of`, and when there will be more."""
    catalog = end_user.catalog
    rows = _ROWS.rows(end_user=end_user.pk, until=NEVER if as_of is None else min(as_of, NEVER))
    later = None
    if as_of is None and catalog.clock == Clock.SECONDS:
        now, count = int(time.time()), len(rows)
        while count and rows[count - 1][MOMENT] > now:
            count -= 1
        if count < len(rows):
            later, rows = rows[count][MOMENT], rows[:count]
    ratings = np.array([rating for _, _, rating, _, _ in rows], dtype=np.float64)  # None becomes NaN
    labels = np.array([NOT_KNOWN if label is None else label for _, _, _, label, _ in rows], dtype=np.int8)
    known = liked(ratings, labels, threshold=catalog.like_threshold)  # in the database it would cost a millisecond
    past = [
        PastInteraction(pk, external_id, rating, label, AS_BOOL[like], moment)
        for (pk, external_id, rating, label, moment), like in zip(rows, known.tolist(), strict=True)
    ]
    return Known(past, later)


def _rows(*, end_user: int, until: int) -> QuerySet[Interaction, tuple[Any, ...]]:
    interactions = Interaction.objects.filter(end_user=end_user).oldest_first().before(until)
    return interactions.values_list("item_id", "item__external_id", "rating", "label", "moment")


_ROWS = PreparedValues(_rows)

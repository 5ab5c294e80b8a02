"""An end user's history as of now or another moment, as ranking and explanations read it: one query."""

import time
from dataclasses import dataclass

import numpy as np

from recommender.models import Clock, EndUser, Interaction
from recommender.models.liked import NOT_KNOWN, liked

AS_BOOL = {1: True, 0: False, NOT_KNOWN: None}


@dataclass(frozen=True, slots=True)
class PastInteraction:
    """One interaction. `item_pk` and `item_id`: the item's primary key and external id."""

    item_pk: int
    item_id: str
    rating: float | None
    label: int | None
    liked: bool | None
    moment: int


def history_of(end_user: EndUser, *, as_of: int | None = None) -> list[PastInteraction]:
    """All interactions up to now, or strictly before `as_of`, oldest first. `end_user.catalog` must be loaded."""
    catalog = end_user.catalog
    interactions = Interaction.objects.filter(end_user=end_user).oldest_first()
    if as_of is None and catalog.clock == Clock.SECONDS:
        as_of = int(time.time()) + 1
    if as_of is not None:
        interactions = interactions.before(as_of)
    rows = list(interactions.values_list("item_id", "item__external_id", "rating", "label", "moment"))
    ratings = np.array([rating for _, _, rating, _, _ in rows], dtype=np.float64)  # None becomes NaN
    labels = np.array([NOT_KNOWN if label is None else label for _, _, _, label, _ in rows], dtype=np.int8)
    known = liked(ratings, labels, threshold=catalog.like_threshold)  # in the database it would cost a millisecond
    return [
        PastInteraction(pk, external_id, rating, label, AS_BOOL[like], moment)
        for (pk, external_id, rating, label, moment), like in zip(rows, known.tolist(), strict=True)
    ]

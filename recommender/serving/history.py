"""An end user's history as of now, as ranking and explanations read it: one query."""

import time
from dataclasses import dataclass

from recommender.models import Clock, EndUser, Interaction


@dataclass(frozen=True, slots=True)
class PastInteraction:
    """One interaction. `item_pk` and `item_id`: the item's primary key and external id."""

    item_pk: int
    item_id: str
    rating: float | None
    label: int | None
    liked: bool | None
    moment: int


def history_as_of_now(end_user: EndUser) -> list[PastInteraction]:
    """All interactions up to now, oldest first. `end_user.catalog` must be loaded."""
    catalog = end_user.catalog
    interactions = Interaction.objects.filter(end_user=end_user).oldest_first()
    if catalog.clock == Clock.SECONDS:
        interactions = interactions.before(int(time.time()) + 1)
    rows = interactions.values_list("item_id", "item__external_id", "rating", "label", "moment")
    return [
        PastInteraction(pk, external_id, rating, label, _liked(rating, label, catalog.like_threshold), moment)
        for pk, external_id, rating, label, moment in rows
    ]


def _liked(rating: float | None, label: int | None, threshold: float) -> bool | None:
    """The rule of InteractionQuerySet.with_liked, without a join for every row."""
    if label is not None:
        return label == 1
    return None if rating is None else rating > threshold

"""The rungs below the backbone: lists that know nothing about the end user but what they have met."""

import numpy as np
from numpy.typing import NDArray

from recommender.serving.catalog_index import Shelf
from recommender.serving.types import Source, StatisticReason

Ranking = list[tuple[int, float | None]]  # (position on the shelf, score), best first


def best_effort(shelf: Shelf, *, mask: NDArray[np.bool_], limit: int) -> tuple[Source, Ranking]:
    """The first rung that has anything unseen. A shorter list is not padded from the next rung."""
    if ranked := popular(shelf, mask=mask, limit=limit):
        return "popular", ranked
    if ranked := newest(mask=mask, limit=limit):
        return "newest", ranked
    return "nothing", []


def popular(shelf: Shelf, *, mask: NDArray[np.bool_], limit: int) -> Ranking:
    """By the likes to expect; items nobody met are not popular."""
    ranked = shelf.by_popularity[mask[shelf.by_popularity]][:limit]
    return [(int(position), float(shelf.popularity[position])) for position in ranked if shelf.met[position]]


def newest(*, mask: NDArray[np.bool_], limit: int) -> Ranking:
    """The items that were added to the catalog last."""
    return [(int(position), None) for position in np.flatnonzero(mask)[::-1][:limit]]


def why(source: Source, shelf: Shelf, position: int) -> StatisticReason:
    if source == "popular":
        met, judged, likes = (int(column[position]) for column in (shelf.met, shelf.judged, shelf.likes))
        said = f"Liked by {likes} of the {judged} who judged it." if judged else f"Met by {met}; nobody judged it."
        return StatisticReason("popularity", said)
    return StatisticReason("newness", "One of the items added to the catalog last.")

"""The rungs below a ranker: all that they know of the end user is what they have met and what people approved."""

import numpy as np
from numpy.typing import NDArray

from recommender.serving.catalog_index import CatalogIndex
from recommender.serving.steering import Steering
from recommender.serving.types import Ranking, Source, StatisticReason


def best_effort(
    index: CatalogIndex, *, mask: NDArray[np.bool_], limit: int, steering: Steering
) -> tuple[Source, Ranking]:
    """The first rung that has anything unseen. A shorter list is not padded from the next rung."""
    if ranked := popular(index, mask=mask, limit=limit, steering=steering):
        return "popular", ranked
    if ranked := newest(mask=mask, limit=limit):
        return "newest", ranked
    return "nothing", []


def popular(index: CatalogIndex, *, mask: NDArray[np.bool_], limit: int, steering: Steering) -> Ranking:
    """By the likes to expect, times what approved statements make of the odds; items nobody met are not popular."""
    expected, order = index.popularity, index.by_popularity
    if steering.moves:
        expected = expected * np.exp(steering.offsets)
        order = np.argsort(-expected, kind="stable")
    ranked = order[mask[order] & (index.met[order] > 0)][:limit]
    return [(int(position), float(expected[position])) for position in ranked]


def newest(*, mask: NDArray[np.bool_], limit: int) -> Ranking:
    """The items that were added to the catalog last."""
    return [(int(position), None) for position in np.flatnonzero(mask)[::-1][:limit]]


def why(source: Source, index: CatalogIndex, position: int) -> list[StatisticReason]:
    """The reasons that the list's source alone gives for an item; none for a ranker's own list."""
    if source == "popular":
        met, judged, likes = (int(column[position]) for column in (index.met, index.judged, index.likes))
        said = f"Liked by {likes} of the {judged} who judged it." if judged else f"Met by {met}; nobody judged it."
        return [StatisticReason("popularity", said)]
    if source == "newest":
        return [StatisticReason("newness", "One of the items added to the catalog last.")]
    return []

"""The rungs below a ranker: what people approved or the request says, what is popular in a segment, or at all."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from recommender.models import EndUser
from recommender.serving import vectors
from recommender.serving.arrange import Order, best_first
from recommender.serving.catalog_index import DAMPING
from recommender.serving.request import Request
from recommender.serving.segments import Segment, segment_of
from recommender.serving.types import Ranking, Source, StatisticReason

POPULARITY = 0.5  # of what speaks for an item on the rung of knowledge: from 0 for what nobody met to this for the most


def best_effort(request: Request) -> tuple[Source, Ranking]:
    """The first rung that has anything to list. A shorter list is not padded from the next rung."""
    for source, rung in RUNGS.items():
        order = rung(request)
        if order is not None and len(order.places):
            return source, request.arranged(order)
    return "nothing", []


def knowledge(request: Request) -> Order | None:
    """By what statements add to an item's logit, how near its text is to the end user's (cosine) and, last and least,
    how popular it is. What a statement speaks against is not listed.

    None where nothing is known of what they like.
    """
    offsets = request.steering.offsets if request.steering.moves else np.zeros(len(request.index))
    likeness = _likeness(request)
    if not request.steering.moves and likeness is None:
        return None
    places = np.flatnonzero(request.listable & (offsets >= 0))
    popular = np.empty(len(request.index))
    popular[request.index.by_popularity] = np.linspace(1.0, 0.0, len(request.index))
    scores = offsets + POPULARITY * popular + (0.0 if likeness is None else likeness)
    return best_first(places, scores[places])


def _likeness(request: Request) -> NDArray[np.float64] | None:
    """The inner product of each item's text with the text about the end user (items), 0 where an item has none.

    Both are vectors of length one. None where either side has no vector yet: texts are encoded by training runs.
    """
    whom = request.whom
    if request.unaware or not isinstance(whom, EndUser):
        return None
    texts = vectors.item_texts(whom.catalog)
    if not len(texts.pks) or (own := vectors.of_end_user(whom, texts.encoder)) is None:
        return None
    products = texts.products(request.index, own)
    return None if np.isnan(products).all() else np.nan_to_num(products.astype(np.float64))


def segment(request: Request) -> Order | None:
    """What is popular among end users with the same attributes, as far as it fills the list as `popular` would."""
    found = segment_of(request.whom.catalog, request.attributes)
    if found is None or request.steering.moves:
        return None
    index = request.index
    met, judged, likes = found.columns(index)
    share = index.popularity / np.maximum(index.met, 1)  # the item's share of likes among everybody
    places = np.flatnonzero(request.listable & (met > 0))
    if len(places) < min(request.limit, int(np.count_nonzero(request.listable & (index.met > 0)))):
        return None
    expected = (likes + DAMPING * share) / (judged + DAMPING) * met
    return best_first(places, expected[places])


def popular(request: Request) -> Order:
    """By the likes to expect, times what approved statements make of the odds; items nobody met are not popular."""
    index, steering = request.index, request.steering
    expected, order = index.popularity, index.by_popularity
    if steering.moves:
        expected = expected * np.exp(steering.offsets)
        order = np.argsort(-expected, kind="stable")
    places = order[request.listable[order] & (index.met[order] > 0)]
    return Order(places, expected[places])


def newest(request: Request) -> Order:
    """The items that were added to the catalog last."""
    places = np.flatnonzero(request.listable)[::-1]
    return Order(places, np.full(len(places), np.nan))


RUNGS: Mapping[Source, Callable[[Request], Order | None]] = {
    "knowledge": knowledge,
    "segment": segment,
    "popular": popular,
    "newest": newest,
}


def why(source: Source, request: Request, position: int) -> list[StatisticReason]:
    """The reasons that the list's source alone gives for an item; none for a ranker's own list."""
    index = request.index
    if source == "popular" or (source == "knowledge" and not _moved(request, position) and index.met[position]):
        met, judged, likes = (int(column[position]) for column in (index.met, index.judged, index.likes))
        return [StatisticReason("popularity", _counted(met, judged, likes))]
    if source == "segment":
        found = segment_of(request.whom.catalog, request.attributes)
        return [StatisticReason("segment", _in_segment(found, request, position))] if found else []
    if source == "newest":
        return [StatisticReason("newness", "One of the items added to the catalog last.")]
    return []


def _moved(request: Request, position: int) -> bool:
    return bool(request.steering.moves) and bool(request.steering.offsets[position])


def _counted(met: int, judged: int, likes: int) -> str:
    return f"Liked by {likes} of the {judged} who judged it." if judged else f"Met by {met}; nobody judged it."


def _in_segment(found: Segment, request: Request, position: int) -> str:
    met, judged, likes = (int(column[position]) for column in found.columns(request.index))
    if not met:
        return f"Not counted among the {found.people} end users with {found.words}."
    return f"Among the {found.people} end users with {found.words}: {_counted(met, judged, likes)}"

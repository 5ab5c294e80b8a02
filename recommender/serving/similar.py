"""Items like one item, by what is known of both: who likes them, the approved texts about them, their attributes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.artifacts.ranker import ArtifactError
from recommender.dataset.numbering import FIRST_ITEM
from recommender.models import Catalog, Item
from recommender.process_cache import ProcessCache
from recommender.serving import retrieve, vectors
from recommender.serving.arrange import Order, best_first, likeness_of_attributes
from recommender.serving.catalog_index import CatalogIndex, index_of
from recommender.serving.codes import Notice, NoticeCode
from recommender.serving.filters import meeting_now
from recommender.serving.request import narrowed
from recommender.serving.rollout import active_in
from recommender.serving.wish import Wish

Likeness = Literal["likes", "texts", "attributes"]
LIKENESSES: tuple[Likeness, ...] = ("likes", "texts", "attributes")
Cosines = NDArray[np.floating]
# By the mapping of items, which is kept too, so that no other one gets its key.
LIKES: ProcessCache[int, tuple[Mapping[str, int], NDArray[np.float32] | None]] = ProcessCache("item likeness", most=8)


@dataclass(frozen=True, slots=True)
class Alike:
    """`items`: item, cosine, of likes a shrunk one; the nearest first. `by`: None where nothing of what was asked for
    is known of the item.
    """

    by: Likeness | None
    items: Sequence[tuple[Item, float]]
    notices: Sequence[Notice]


def similar(item: Item, *, limit: int, wish: Wish, by: Likeness | None = None) -> Alike:
    """The items nearest to this one. `item.catalog` must be loaded. `by`: what the likeness is of; None: the first of
    LIKENESSES that is known of it. Items without any likeness, of a cosine of 0 or less, are not listed.

    Raises conditions.ConditionError.
    """
    catalog = item.catalog
    index = index_of(catalog)
    listable, _, notices = narrowed(catalog, index, np.ones(len(index), dtype=np.bool_), wish)
    own = index.positions(np.array([item.pk]))
    if len(own):
        listable[own] = False
        for each in [by] if by else LIKENESSES:
            cosines = KINDS[each](catalog, index, int(own[0]))
            if cosines is not None:
                places = np.flatnonzero(listable & (cosines > 0))
                order = best_first(places, cosines[places].astype(np.float64))
                if wish.conditions:
                    order = order.at(meeting_now(catalog, index, wish.conditions, order.places, count=limit))
                return _alike(each, order, index, limit, notices)
    return _alike(None, Order(own[:0], np.empty(0)), index, limit, notices)


def _alike(by: Likeness | None, order: Order, index: CatalogIndex, limit: int, notices: list[Notice]) -> Alike:
    pks = index.pks[order.places[:limit]].tolist()
    there = Item.objects.in_bulk(pks)
    items = [(there[pk], float(score)) for pk, score in zip(pks, order.scores, strict=False) if pk in there]
    if len(items) < limit:
        said = f"{len(items)} of the {limit} asked for: no other item that may be listed is like it."
        notices = [*notices, Notice(NoticeCode.FEWER_ITEMS, said)]
    return Alike(by, items, notices)


def _by_likes(catalog: Catalog, index: CatalogIndex, place: int) -> Cosines | None:
    """By the active version's vectors of who likes what; None where it has none, or has never met the item."""
    active = active_in(catalog).version
    if active is None:
        return None
    try:
        ranker = verified.load(active)
    except ArtifactError:
        return None
    _, factors = LIKES.get(id(ranker.items), lambda: (ranker.items, ranker.item_vectors()))
    numbers = retrieve.numbers(ranker, index) - FIRST_ITEM
    if factors is None or numbers[place] < 0:
        return None
    known = numbers >= 0
    cosines = np.zeros(len(index))
    cosines[known] = (factors @ factors[numbers[place]])[numbers[known]]
    return cosines


def _by_texts(catalog: Catalog, index: CatalogIndex, place: int) -> Cosines | None:
    of_items, there = vectors.item_texts(catalog).of(index, np.arange(len(index)))
    return of_items @ of_items[place] if there[place] else None


def _by_attributes(catalog: Catalog, index: CatalogIndex, place: int) -> Cosines | None:
    cosines = likeness_of_attributes(catalog, index, place)
    return cosines if cosines.any() else None


KINDS: Mapping[Likeness, Callable[[Catalog, CatalogIndex, int], Cosines | None]] = {
    "likes": _by_likes,
    "texts": _by_texts,
    "attributes": _by_attributes,
}

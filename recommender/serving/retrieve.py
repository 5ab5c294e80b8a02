"""Candidates: which items are worth ranking for somebody. Everything where it is affordable.

Of a big catalog: what the active version's own vectors say (exact inner products with every item, no index that could
miss one), what approved texts resemble, what statements ask for, what shares liked attributes, is popular or new.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.dataset.numbering import FIRST_ITEM
from recommender.models import BackboneVersion, Catalog, EndUser, Item
from recommender.process_cache import ProcessCache
from recommender.serving import vectors
from recommender.serving.catalog_index import LONGEST_VALUE_LIST, WHOLE_CATALOG, CatalogIndex, values_of
from recommender.serving.history import PastInteraction
from recommender.serving.queries import active_backbone
from recommender.serving.whom import Whom

POPULAR = 1_500
NEAREST = 300  # by each inner product
NEWEST = 200
VALUES = 8  # attribute values that the end user liked most often
NUMBERS: ProcessCache[tuple[int, int, datetime], tuple[CatalogIndex, NDArray[np.int64]]] = ProcessCache(
    "item numbers", most=4
)


def unseen(index: CatalogIndex, seen: Sequence[int]) -> NDArray[np.bool_]:
    """(items,) True where the end user has not met the item. `seen`: primary keys."""
    mask = np.ones(len(index), dtype=np.bool_)
    mask[index.positions(np.array(seen, dtype=np.int64))] = False
    return mask


def candidates(
    whom: Whom,
    index: CatalogIndex,
    *,
    mask: NDArray[np.bool_],
    history: Sequence[PastInteraction],
    asked_for: Sequence[NDArray[np.int64]] = (),
) -> NDArray[np.int64]:
    """Positions in the index to rank, all of `mask`.

    A small catalog is ranked whole. Of a big one: what most people like, what shares the attribute values that were
    liked most often in the history, what is newest, the most popular of what approved statements ask for, and the
    first by each inner product. `asked_for`: positions, for each such statement.
    """
    if len(index) <= WHOLE_CATALOG:
        return np.flatnonzero(mask)
    catalog, liked = whom.catalog, [past.item_pk for past in history if past.liked]
    chosen = [_first(index.by_popularity, mask, POPULAR), np.flatnonzero(mask)[-NEWEST:]]
    chosen += [_greatest(products, mask, NEAREST) for products in inner_products(whom, index, history)]
    for value in _liked_values(catalog, liked):
        ranked = index.by_value.get(value)
        if ranked is not None:
            chosen.append(ranked[mask[ranked]])
    for positions in asked_for:
        popular = positions[np.argsort(-index.popularity[positions], kind="stable")]
        chosen.append(_first(popular, mask, LONGEST_VALUE_LIST))
    return np.unique(np.concatenate(chosen))


def inner_products(
    whom: Whom, index: CatalogIndex, history: Sequence[PastInteraction]
) -> Iterator[NDArray[np.floating]]:
    """Of every item (items), once for each kind of vector that is at hand: NaN for an item without one."""
    active = active_backbone(whom.catalog)
    if active is not None and history:
        active.catalog = whom.catalog
        try:
            ranker = verified.load(active)
        except ArtifactError:
            pass  # whoever ranks says so
        else:
            places = numbers(active, ranker, index)
            for products in ranker.inner_products(whom.external_id, history):
                yield np.append(products, np.nan)[places]
    texts = vectors.item_texts(whom.catalog)
    if len(texts.pks) and isinstance(whom, EndUser):
        own = vectors.of_end_user(whom, texts.encoder)
        if own is not None:
            of_items, there = texts.of(index, np.arange(len(index)))
            yield np.where(there, of_items @ own, np.nan)


def numbers(active: BackboneVersion, ranker: Ranker, index: CatalogIndex) -> NDArray[np.int64]:
    """Where the items of the index stand among the ranker's (items); -1 for those it has not met."""
    key = (active.catalog_id, active.pk, active.created_at)
    kept, known = NUMBERS.get(key, lambda: (index, _number(ranker, index)))
    if kept is not index:
        NUMBERS.drop(lambda other: other == key)
        known = NUMBERS.get(key, lambda: (index, _number(ranker, index)))[1]
    return known


def _number(ranker: Ranker, index: CatalogIndex) -> NDArray[np.int64]:
    first = FIRST_ITEM
    return np.array([ranker.items.get(name, first - 1) - first for name in index.external_ids], dtype=np.int64)


def _greatest(products: NDArray[np.floating], mask: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    places = np.flatnonzero(mask & ~np.isnan(products))
    if len(places) <= count:
        return places
    return places[np.argpartition(-products[places], count)[:count]]


def _first(ranked: NDArray[np.int64], mask: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    return ranked[mask[ranked]][:count]


def _liked_values(catalog: Catalog, liked: Sequence[int]) -> list[str]:
    counts: Counter[str] = Counter()
    for attributes in Item.objects.filter(pk__in=liked).values_list("attributes", flat=True):
        for name in catalog.prompt_attributes:
            counts.update(values_of(attributes.get(name, [])))
    return [value for value, _ in counts.most_common(VALUES)]

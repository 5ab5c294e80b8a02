"""A catalog's items as serving needs them: one array a column, kept in memory and refreshed now and then.

Reading all items and counting all likes takes long, so a process does it rarely: an index is used for at least
`FRESH_SECONDS`, and so much longer that counting takes at most 1 / `REST_PER_WORK` of the time. While one thread
refreshes it the others go on with the old one. An imported item is therefore served a little later, never wrongly.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from recommender.models import Catalog, Item
from recommender.models.liked import liked_expression
from recommender.process_cache import ProcessCache

FRESH_SECONDS = 60.0
REST_PER_WORK = 50
INDEXES_KEPT = 8
WHOLE_CATALOG = 5_000  # a catalog of up to so many items is ranked as a whole
LONGEST_VALUE_LIST = 500
DAMPING = 10  # an item's share of likes starts from so many imagined ratings of the catalog's average


@dataclass(frozen=True, eq=False)
class CatalogIndex:
    """All arrays are (items,) and in the order the items were added to the catalog."""

    pks: NDArray[np.int64]
    external_ids: list[str]
    met: NDArray[np.int64]
    judged: NDArray[np.int64]
    likes: NDArray[np.int64]
    popularity: NDArray[np.float64]  # the likes to expect: damped share of likes × how many met it
    by_popularity: NDArray[np.int64]  # positions, the most popular first
    by_value: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # attribute value → positions; big catalogs

    @cached_property
    def place_of(self) -> Mapping[str, int]:
        """External id → position."""
        return {name: place for place, name in enumerate(self.external_ids)}

    def __len__(self) -> int:
        return len(self.external_ids)

    def named(self, ids: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Where the items of these ids stand, and the ids that no item has."""
        places = [self.place_of[name] for name in ids if name in self.place_of]
        return np.array(places, dtype=np.int64), [name for name in ids if name not in self.place_of]

    def positions(self, pks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these items stand; an item that came after the index was made is left out."""
        places = np.searchsorted(self.pks, pks)
        places = places[places < len(self)]
        return places[np.isin(self.pks[places], pks)]


KEPT: ProcessCache[tuple[int, datetime, int], CatalogIndex] = ProcessCache(most=INDEXES_KEPT)


def index_of(catalog: Catalog) -> CatalogIndex:
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    return KEPT.get(key, lambda: _read_anew(catalog), fresh_for=fresh_for)


def _read_anew(catalog: Catalog) -> CatalogIndex:
    """What was read before an erasure leaves memory."""
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    return _read(catalog)


def fresh_for(seconds: float) -> float:
    return max(FRESH_SECONDS, REST_PER_WORK * seconds)


def values_of(attribute: object) -> list[str]:
    """An attribute's values as text: a list's members, or the one value."""
    return [str(value) for value in attribute] if isinstance(attribute, list) else [str(attribute)]


def _read(catalog: Catalog) -> CatalogIndex:
    liked = liked_expression(threshold=catalog.like_threshold, to_interaction="interactions__")
    rows = (
        Item.objects.filter(catalog=catalog)
        .order_by("pk")
        .annotate(
            met=Count("interactions"),
            judged=Count(liked),  # where it is known
            likes=Count("interactions", filter=liked),
        )
        .values_list("pk", "external_id", "met", "judged", "likes")
    )
    external_ids: list[str] = []
    numbers: list[tuple[int, int, int, int]] = []
    for pk, external_id, met, n_judged, n_likes in rows.iterator(chunk_size=5_000):
        external_ids.append(external_id)
        numbers.append((pk, met, n_judged, n_likes))
    columns = np.array(numbers, dtype=np.int64).reshape(-1, 4).T
    popularity = _popularity(met=columns[1], judged=columns[2], likes=columns[3])
    by_popularity = np.argsort(-popularity, kind="stable")
    index = CatalogIndex(columns[0], external_ids, columns[1], columns[2], columns[3], popularity, by_popularity)
    if len(index) > WHOLE_CATALOG:
        index.by_value.update(_by_value(catalog, index))
    return index


def _popularity(*, met: NDArray[np.int64], judged: NDArray[np.int64], likes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where nothing is judged at all, meeting an item counts as liking it."""
    average = likes.sum() / judged.sum() if judged.sum() else 1.0
    return np.asarray((likes + DAMPING * average) / (judged + DAMPING) * met, dtype=np.float64)


def _by_value(catalog: Catalog, index: CatalogIndex) -> dict[str, NDArray[np.int64]]:
    standing = np.empty(len(index), dtype=np.int64)  # position → place in the order of popularity
    standing[index.by_popularity] = np.arange(len(index))
    members: dict[str, list[int]] = defaultdict(list)
    attributes = Item.objects.filter(catalog=catalog, pk__lte=index.pks[-1]).order_by("pk")
    for position, named in enumerate(attributes.values_list("attributes", flat=True).iterator(chunk_size=5_000)):
        for name in catalog.prompt_attributes:
            for value in values_of(named.get(name, [])):
                members[value].append(position)
    return {
        value: np.array(sorted(positions, key=standing.__getitem__)[:LONGEST_VALUE_LIST], dtype=np.int64)
        for value, positions in members.items()
    }

"""Segments: end users with the same attributes, and what is popular among them. Nobody can be told from a count.

A segment has at least LEAST_PEOPLE end users, an item of its list was met by LEAST_MET of them. Where the attributes of
somebody all together are shared by fewer, the rarest is left aside, and so on.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, QuerySet
from django.db.models.fields.json import KeyTransform
from numpy.typing import NDArray

from recommender import background, replica
from recommender.grounding.prose import is_prose
from recommender.models import Catalog, EndUser, Interaction
from recommender.models.liked import liked_expression
from recommender.process_cache import ProcessCache
from recommender.serving.catalog_index import CatalogIndex, fresh_for

LEAST_PEOPLE = 20
LEAST_MET = 5
MOST_ATTRIBUTES = 8
PATIENCE = 0.5  # seconds
KEPT_SEGMENTS, KEPT_CATALOGS = 64, 8
Value = str | int | float | bool
Pairs = tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Of the items that at least LEAST_MET of its `people` met: their primary keys (n), ascending, and counts (n)."""

    named: Pairs
    people: int
    pks: NDArray[np.int64]
    met: NDArray[np.int64]
    judged: NDArray[np.int64]
    likes: NDArray[np.int64]

    @property
    def words(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.named)

    def columns(self, index: CatalogIndex) -> NDArray[np.int64]:
        """Met, judged and likes of every item of the index: (3, items); 0 below LEAST_MET."""
        made = np.zeros((3, len(index)), dtype=np.int64)
        places = np.searchsorted(index.pks, self.pks)
        there = places < len(index)
        there[there] = index.pks[places[there]] == self.pks[there]
        made[:, places[there]] = np.stack([self.met, self.judged, self.likes])[:, there]
        return made


Key = tuple[int, datetime, int, Pairs]
COMMON: ProcessCache[Key, Counter[tuple[str, Value]]] = ProcessCache("common attributes", most=KEPT_CATALOGS)
KEPT: ProcessCache[Key, Segment | None] = ProcessCache("segments", most=KEPT_SEGMENTS)


def segment_of(catalog: Catalog, attributes: Mapping[str, Any]) -> Segment | None:
    """The narrowest segment that somebody with these attributes is in; None where it would be too small, or among very
    many end users is not counted yet: a request does not wait for that longer than PATIENCE."""
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    common = COMMON.soon(
        (*key, ()), lambda: _common(catalog), seconds=PATIENCE, fresh_for=fresh_for, aside=background.aside
    )
    shared = [pair for pair in attributes.items() if common and _is_value(pair[1]) and pair in common]
    if not common or not shared:
        return None
    pairs = tuple(sorted(sorted(shared, key=lambda pair: -common[pair])[:MOST_ATTRIBUTES], key=str))

    def read() -> Segment | None:
        return replica.counted(catalog, lambda using: _narrowest(catalog, pairs, common, using))

    return KEPT.soon((*key, pairs), read, seconds=PATIENCE, fresh_for=fresh_for, aside=background.aside)


def shared_values(catalog: Catalog) -> Counter[tuple[str, Value]]:
    """How many end users have each value of an attribute, of those that LEAST_PEOPLE have."""
    key = (catalog.pk, catalog.created_at, catalog.erasures, ())
    return COMMON.get(key, lambda: _common(catalog), fresh_for=fresh_for, aside=background.aside)


def _common(catalog: Catalog) -> Counter[tuple[str, Value]]:
    """How many end users have each value of an attribute, of those that LEAST_PEOPLE have.

    What was read before an erasure leaves memory.
    """
    COMMON.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    return replica.counted(catalog, lambda using: _values(catalog, using))


def _values(catalog: Catalog, using: str) -> Counter[tuple[str, Value]]:
    counts: Counter[tuple[str, Value]] = Counter()
    rows = EndUser.objects.using(using).filter(catalog=catalog).exclude(attributes={}).values_list("attributes")
    for attributes, people in rows.annotate(people=Count("pk")).order_by().iterator(chunk_size=5_000):
        for name, value in attributes.items():
            if _is_value(value):
                counts[name, value] += people
    return Counter({pair: count for pair, count in counts.items() if count >= LEAST_PEOPLE})


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float) and value != "" and not is_prose(value)


def _narrowest(catalog: Catalog, pairs: Pairs, common: Mapping[tuple[str, Value], int], using: str) -> Segment | None:
    while pairs:
        people = _people(catalog, pairs, using)
        count = people.count()
        if count >= LEAST_PEOPLE:
            return _read(catalog, pairs, people, count, using)
        rarest = min(pairs, key=lambda pair: common[pair])
        pairs = tuple(pair for pair in pairs if pair != rarest)
    return None


def _people(catalog: Catalog, pairs: Pairs, using: str) -> QuerySet[EndUser]:
    people = EndUser.objects.using(using).filter(catalog=catalog)
    for number, (name, value) in enumerate(pairs):  # any name: it is no part of a lookup
        people = people.annotate(**{f"value_{number}": KeyTransform(name, "attributes")})
        people = people.filter(**{f"value_{number}": value})
    return people


def _read(catalog: Catalog, pairs: Pairs, people: QuerySet[EndUser], count: int, using: str) -> Segment:
    liked = liked_expression(threshold=catalog.like_threshold)
    rows = (
        Interaction.objects.using(using)
        .filter(end_user__in=people.values("pk"))
        .values("item_id")
        .annotate(met=Count("pk"), judged=Count(liked), likes=Count("pk", filter=liked))
        .filter(met__gte=LEAST_MET)
        .order_by("item_id")
        .values_list("item_id", "met", "judged", "likes")
    )
    columns = np.array(list(rows), dtype=np.int64).reshape(-1, 4).T
    return Segment(pairs, count, columns[0], columns[1], columns[2], columns[3])

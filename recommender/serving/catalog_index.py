"""A catalog's items as serving needs them: one array a column, kept in memory and refreshed now and then.

Reading all items and counting all likes takes long, so a process does it rarely: an index is used for at least
`FRESH_SECONDS`, and so much longer that counting takes at most 1 / `REST_PER_WORK` of the time. While one thread
refreshes it the others go on with the old one.

What is new does not wait for that: where `Catalog.changes` says that items or interactions came, which every request
reads anyway, those rows alone are read and added. So the reading of all may be a replica's, which lags. An interaction
that came before and was changed since counts for others with the next reading of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from recommender import replica
from recommender.grounding.prose import is_prose
from recommender.models import Catalog, Interaction, Item
from recommender.models.liked import liked_expression
from recommender.process_cache import ProcessCache

FRESH_SECONDS = 60.0
REST_PER_WORK = 50
INDEXES_KEPT = 8
WHOLE_CATALOG = 1_000  # a catalog of up to so many items is ranked as a whole
LONGEST_VALUE_LIST = 500
DAMPING = 10  # an item's share of likes starts from so many imagined ratings of the catalog's average


@dataclass(frozen=True, slots=True)
class Values:
    """Attribute values by number. `of_items`: those of each item; `members`: positions of the LONGEST_VALUE_LIST most
    popular items that have the value, the most popular first."""

    of_items: Sequence[NDArray[np.int64]]
    members: Sequence[NDArray[np.int64]]

    def of_most(self, places: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
        """The members of the `count` values that most items at these places have."""
        known = [self.of_items[place] for place in places.tolist() if place < len(self.of_items)]
        counts = np.bincount(np.concatenate(known)) if known else np.empty(0, dtype=np.int64)
        order = np.argsort(-counts, kind="stable")[:count]
        return [self.members[number] for number in order[counts[order] > 0].tolist()]


NO_VALUES = Values([], [])


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
    changes: int  # the catalog's when its rows were read
    last_interaction: int  # the greatest primary key of those that are counted
    values: Values = NO_VALUES  # of big catalogs
    _compared: dict[str, tuple[NDArray[np.int64], bool]] = field(default_factory=dict, repr=False)

    @cached_property
    def place_of(self) -> Mapping[str, int]:
        """External id → position."""
        return {name: place for place, name in enumerate(self.external_ids)}

    @cached_property
    def standing(self) -> NDArray[np.int64]:
        """Where each item stands in the order of popularity (items)."""
        standing = np.empty(len(self), dtype=np.int64)
        standing[self.by_popularity] = np.arange(len(self))
        return standing

    def __len__(self) -> int:
        return len(self.external_ids)

    def named(self, ids: Sequence[str]) -> tuple[NDArray[np.int64], list[str]]:
        """Where the items of these ids stand, and the ids that no item has."""
        places = [self.place_of[name] for name in ids if name in self.place_of]
        return np.array(places, dtype=np.int64), [name for name in ids if name not in self.place_of]

    def is_of(self, pks: NDArray[np.int64]) -> bool:
        """Whether these are all of its items, in its order. An array that is asked about again is not compared."""
        known = self._compared.get("last")
        if known is None or known[0] is not pks:
            known = self._compared["last"] = pks, np.array_equal(pks, self.pks)
        return known[1]

    def positions(self, pks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these items stand; an item that came after the index was made is left out."""
        places = np.searchsorted(self.pks, pks)
        there = places < len(self)
        there[there] = self.pks[places[there]] == pks[there]
        return places[there]


KEPT: ProcessCache[tuple[int, datetime, int], CatalogIndex] = ProcessCache("catalog index", most=INDEXES_KEPT)


def index_of(catalog: Catalog) -> CatalogIndex:
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    index = KEPT.get(key, lambda: _read_anew(catalog), fresh_for=fresh_for)
    if index.changes < catalog.changes:
        return KEPT.renew(key, index, lambda kept: _with_new_rows(catalog, kept))
    return index


def _read_anew(catalog: Catalog) -> CatalogIndex:
    """What was read before an erasure leaves memory."""
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    return replica.counted(catalog, lambda using: _read(catalog, using), stamps=("items",))


def fresh_for(seconds: float) -> float:
    return max(FRESH_SECONDS, REST_PER_WORK * seconds)


def values_of(attribute: object) -> list[str]:
    """An attribute's values as text: a list's members, or the one value; descriptions are none."""
    values = attribute if isinstance(attribute, list) else [attribute]
    return [str(value) for value in values if not is_prose(value)]


def _read(catalog: Catalog, using: str) -> CatalogIndex:
    changes = Catalog.objects.using(using).values_list("changes", flat=True).get(pk=catalog.pk)  # before what it tells
    external_ids, columns, last = _counted(catalog, Item.objects.using(using).filter(catalog=catalog))
    index = _index(external_ids, columns, changes=changes, last=last)
    if len(index) > WHOLE_CATALOG:
        return replace(index, values=_values(catalog, index, using))
    return index


def _counted(catalog: Catalog, items: QuerySet[Item]) -> tuple[list[str], NDArray[np.int64], int]:
    """External ids, (4, items) primary key, met, judged and likes, and the last interaction that was counted."""
    liked = liked_expression(threshold=catalog.like_threshold, to_interaction="interactions__")
    counted = items.order_by("pk").annotate(
        met=Count("interactions"),
        judged=Count(liked),  # where it is known
        likes=Count("interactions", filter=liked),
        last=Coalesce(Max("interactions"), 0),
    )
    external_ids: list[str] = []
    numbers: list[tuple[int, ...]] = []
    rows = counted.values_list("external_id", "last", "pk", "met", "judged", "likes")
    for external_id, *row in rows.iterator(chunk_size=5_000):
        external_ids.append(external_id)
        numbers.append(tuple(row))
    last, *columns = np.array(numbers, dtype=np.int64).reshape(-1, 5).T
    return external_ids, np.stack(columns), int(last.max(initial=0))


def _index(external_ids: list[str], columns: NDArray[np.int64], *, changes: int, last: int) -> CatalogIndex:
    pks, met, judged, likes = columns
    popularity = _popularity(met=met, judged=judged, likes=likes)
    by_popularity = np.argsort(-popularity, kind="stable")
    return CatalogIndex(pks, external_ids, met, judged, likes, popularity, by_popularity, changes, last)


def _with_new_rows(catalog: Catalog, index: CatalogIndex) -> CatalogIndex:
    """The index with the items and interactions that came since. Later rows have greater primary keys."""
    if index.changes >= catalog.changes:  # another thread was faster
        return index
    known = int(index.pks[-1]) if len(index) else 0
    external_ids, new, last = _counted(catalog, Item.objects.filter(catalog=catalog, pk__gt=known))
    columns = np.stack([index.pks, index.met, index.judged, index.likes])
    of_known = Interaction.objects.filter(
        pk__gt=index.last_interaction, item__catalog=catalog, item__erased_at=None, item__lte=known
    )
    liked = liked_expression(threshold=catalog.like_threshold)
    counted = of_known.values_list("item").annotate(
        met=Count("pk"), judged=Count(liked), likes=Count("pk", filter=liked), last=Max("pk")
    )
    added = np.array(list(counted.order_by("item")), dtype=np.int64).reshape(-1, 5).T
    columns[1:, index.positions(added[0])] += added[1:4, np.isin(added[0], index.pks)]
    columns = np.concatenate([columns, new], axis=1)
    last = max(index.last_interaction, last, *added[4].tolist())
    renewed = _index(index.external_ids + external_ids, columns, changes=catalog.changes, last=last)
    return replace(renewed, values=index.values)


def _popularity(*, met: NDArray[np.int64], judged: NDArray[np.int64], likes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where nothing is judged at all, meeting an item counts as liking it."""
    average = likes.sum() / judged.sum() if judged.sum() else 1.0
    return np.asarray((likes + DAMPING * average) / (judged + DAMPING) * met, dtype=np.float64)


def _values(catalog: Catalog, index: CatalogIndex, using: str) -> Values:
    numbers: dict[str, int] = {}
    members: list[list[int]] = []
    of_items: list[NDArray[np.int64]] = []
    attributes = Item.objects.using(using).filter(catalog=catalog, pk__lte=index.pks[-1]).order_by("pk")
    for position, named in enumerate(attributes.values_list("attributes", flat=True).iterator(chunk_size=5_000)):
        own = {value for name in catalog.prompt_attributes for value in values_of(named.get(name, []))}
        for value in own:
            if numbers.setdefault(value, len(numbers)) == len(members):
                members.append([])
            members[numbers[value]].append(position)
        of_items.append(np.array([numbers[value] for value in own], dtype=np.int64))
    ordered = [sorted(each, key=index.standing.__getitem__)[:LONGEST_VALUE_LIST] for each in members]
    return Values(of_items, [np.array(each, dtype=np.int64) for each in ordered])

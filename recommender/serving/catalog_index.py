"""A catalog's items as serving needs them: one array a column, kept in memory and refreshed now and then.

Reading all items and counting all likes takes long, so a process does it rarely: an index is used for at least
`FRESH_SECONDS`, and so much longer that counting takes at most 1 / `REST_PER_WORK` of the time. It is read anew by a
thread of its own, and requests go on with the old one.

What is new does not wait for that: where `Catalog.changes` says that items or interactions came, which every request
reads anyway, those rows alone are read and added. So the reading of all may be a replica's, which lags. An interaction
that came before and was changed since counts for others with the next reading of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet
from numpy.typing import NDArray

from recommender import background, replica
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

    @cached_property
    def counted(self) -> NDArray[np.int64]:
        """How often each item was judged and liked (items, 2)."""
        return np.stack([self.judged, self.likes], axis=1)

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
    index = KEPT.get(key, lambda: _read_anew(catalog), fresh_for=fresh_for, aside=background.aside)
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
    added = _added(catalog, Interaction.objects.using(using), alone=_is_alone(catalog, using))  # before their items
    pks, external_ids = _items(Item.objects.using(using).filter(catalog=catalog))
    index = _index(pks, external_ids, *_counts(pks, added), changes=changes)
    if len(index) > WHOLE_CATALOG:
        return replace(index, values=_values(catalog, index, using))
    return index


def _is_alone(catalog: Catalog, using: str) -> bool:
    """Whether no other catalog has an item."""
    items = Item.objects.using(using).filter(catalog=OuterRef("pk"))
    return not Catalog.objects.using(using).exclude(pk=catalog.pk).filter(Exists(items)).exists()


def _items(items: QuerySet[Item]) -> tuple[NDArray[np.int64], list[str]]:
    """Primary keys, ascending, and external ids."""
    rows = list(items.order_by("pk").values_list("pk", "external_id").iterator(chunk_size=5_000))
    return np.array([pk for pk, _ in rows], dtype=np.int64), [name for _, name in rows]


def _added(catalog: Catalog, met: QuerySet[Interaction], *, alone: bool) -> NDArray[np.int64]:
    """Of each item that was met (k): (5, k) primary key, met, judged, likes, and the last interaction.

    `alone`: `met` is to be read as it stands, whichever catalog's it is, and not by the index of items, which for a
    catalog that has most of it takes three times as long: so it is grouped by what no index has the order of.
    """
    liked = liked_expression(threshold=catalog.like_threshold)
    rows = met.values_list(F("item_id") + 0) if alone else met.filter(item__catalog=catalog).values_list("item_id")
    rows = rows.annotate(met=Count("pk"), judged=Count(liked), likes=Count("pk", filter=liked), last=Max("pk"))
    return np.array(list(rows.order_by()), dtype=np.int64).reshape(-1, 5).T


def _counts(pks: NDArray[np.int64], added: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """(3, items) met, judged and likes of the items `pks`, and the last interaction of them."""
    added = added[:, np.isin(added[0], pks)]
    columns = np.zeros((3, len(pks)), dtype=np.int64)
    columns[:, np.searchsorted(pks, added[0])] = added[1:4]
    return columns, int(added[4].max(initial=0))


def _index(
    pks: NDArray[np.int64], external_ids: list[str], columns: NDArray[np.int64], last: int, *, changes: int
) -> CatalogIndex:
    met, judged, likes = columns
    popularity = _popularity(met=met, judged=judged, likes=likes)
    by_popularity = np.argsort(-popularity, kind="stable")
    return CatalogIndex(pks, external_ids, met, judged, likes, popularity, by_popularity, changes, last)


def _with_new_rows(catalog: Catalog, index: CatalogIndex) -> CatalogIndex:
    """The index with the items and interactions that came since. Later rows have greater primary keys."""
    if index.changes >= catalog.changes:  # another thread was faster
        return index
    # Only the newest rows may be read, whatever a planner thinks of other ways to them: they are found by their primary
    # keys alone, also those of other catalogs; but where none was there yet, all of these would be looked at.
    newest = Interaction.objects.filter(pk__gt=index.last_interaction)
    added = _added(catalog, newest, alone=index.last_interaction > 0)
    known = int(index.pks[-1]) if len(index) else 0
    new, external_ids = _items(Item.objects.filter(catalog=catalog, pk__gt=known))
    pks = np.concatenate([index.pks, new])
    columns, last = _counts(pks, added)
    columns[:, : len(index)] += np.stack([index.met, index.judged, index.likes])
    last = max(index.last_interaction, last)
    if external_ids:
        renewed = _index(pks, index.external_ids + external_ids, columns, last, changes=catalog.changes)
        return replace(renewed, values=index.values)
    return _with_counts(index, columns, changes=catalog.changes, last=last)


def _with_counts(index: CatalogIndex, columns: NDArray[np.int64], *, changes: int, last: int) -> CatalogIndex:
    """The same items, counted anew: (3, items) met, judged and likes. What hangs on the items alone is kept."""
    met, judged, likes = columns
    popularity = _popularity(met=met, judged=judged, likes=likes)
    order = index.by_popularity[np.argsort(-popularity[index.by_popularity], kind="stable")]  # most are in order
    equal = popularity[order[1:]] == popularity[order[:-1]]
    if (order[1:] < order[:-1])[equal].any():
        order = np.argsort(-popularity, kind="stable")
    counts = {"met": met, "judged": judged, "likes": likes, "popularity": popularity, "by_popularity": order}
    renewed = replace(index, **counts, changes=changes, last_interaction=last)
    if "place_of" in index.__dict__:
        renewed.__dict__["place_of"] = index.place_of
    return renewed


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

"""Items as they are now, kept by a process for as long as nothing was written into the catalog's."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import QuerySet

from recommender.models import Catalog, Item
from recommender.prepared import Prepared
from recommender.serving.catalog_index import values_of
from recommender.stamps.kept import KeptRows


class Values(NamedTuple):
    """The attribute values of an item that prompts show: in order, and as a set."""

    listed: list[str]
    as_set: frozenset[str]


ITEMS: KeptRows[int, Item] = KeptRows("items", "items")
VALUES: KeptRows[int, Values] = KeptRows("item values", "items")


def items_of(catalog: Catalog, pks: Iterable[int]) -> Mapping[int, Item]:
    """By primary key, with `catalog` as their own; an item may be gone that an index still has."""
    return ITEMS.many(catalog, pks, lambda missing: _read(catalog, missing))


def values_by_item(catalog: Catalog, items: Iterable[Item]) -> Mapping[int, Values]:
    """By primary key, of items of this catalog as they are now."""
    given = {item.id: item for item in items}
    return VALUES.many(catalog, given, lambda missing: {pk: _values(catalog, given[pk]) for pk in missing})


def _read(catalog: Catalog, pks: list[int]) -> Mapping[int, Item]:
    """In a query for so many, rounded up to a power of two: few are prepared."""
    asked = {f"pk{place}": pks[min(place, len(pks) - 1)] for place in range(1 << (len(pks) - 1).bit_length())}
    items = {item.id: item for item in _ITEMS.rows(*asked, **asked)}
    for item in items.values():
        item.catalog = catalog
    return items


def _items(*_: str, **pks: int) -> QuerySet[Item]:
    return Item.objects.filter(pk__in=list(pks.values()))


_ITEMS = Prepared(_items)


def _values(catalog: Catalog, item: Item) -> Values:
    listed = [value for name in catalog.prompt_attributes for value in values_of(item.attributes.get(name, []))]
    return Values(listed, frozenset(listed))

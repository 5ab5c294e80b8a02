"""Items as they are now, kept by a process for as long as nothing was written into the catalog's."""

from collections.abc import Iterable, Mapping

from recommender.models import Catalog, Item
from recommender.stamps.kept import KeptRows

ITEMS: KeptRows[int, Item] = KeptRows("items", "items")


def items_of(catalog: Catalog, pks: Iterable[int]) -> Mapping[int, Item]:
    """By primary key, with `catalog` as their own; an item may be gone that an index still has."""
    return ITEMS.many(catalog, pks, lambda missing: _read(catalog, missing))


def _read(catalog: Catalog, pks: list[int]) -> Mapping[int, Item]:
    items = Item.objects.in_bulk(pks)
    for item in items.values():
        item.catalog = catalog
    return items

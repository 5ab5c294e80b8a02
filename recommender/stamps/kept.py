"""Rows of a catalog that a process keeps for as long as its stamps stay."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from django.db import connection

from recommender.models import Catalog, CatalogStamp
from recommender.process_cache import ProcessCache
from recommender.stamps import triggers

KEPT_CATALOGS = 8
MOST_ROWS = 5_000  # of one kind and catalog, unless told

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
_NOT_KEPT: Any = object()
CHECKED: ProcessCache[str, bool] = ProcessCache("triggers", most=1)


def of(catalog: Catalog) -> CatalogStamp | None:
    """The stamps as they were read together with the catalog, before anything that is kept by them.

    None where they were not, inside a transaction, which may be taken back, and where the triggers are missing.
    """
    stamp: CatalogStamp | None = catalog._state.fields_cache.get("stamp")
    if stamp is None or connection.in_atomic_block:
        return None
    return stamp if CHECKED.get("all", triggers.are_there) else None


def face(catalog: Catalog) -> tuple[Hashable, ...]:
    """All that the catalog's own row says, which each request reads, but for what it counts of interactions."""
    return (
        *(catalog.id, catalog.name, catalog.created_at, catalog.erasures, catalog.rule_changes, catalog.item_noun),
        *(catalog.rating_min, catalog.rating_max, catalog.like_threshold, catalog.clock, catalog.steering),
        *(catalog.hearing, catalog.experiment_changes, catalog.min_review, *catalog.prompt_attributes),
    )


class KeptRows(Generic[Key, Value]):
    """Values by key, of catalogs as their stamps named `stamps` say. Values are shared by threads: change none.

    Two threads may read the same value at once, which does no harm.
    """

    def __init__(self, name: str, *stamps: str, most: int = MOST_ROWS) -> None:
        """`most`: values of one catalog; then all of them are let go."""
        self._stamps, self._most = stamps, most
        self.kept: ProcessCache[tuple[Hashable, ...], dict[Key, Value | None]] = ProcessCache(name, most=KEPT_CATALOGS)
        ALL_KEPT.append(self)

    def many(
        self, catalog: Catalog, keys: Iterable[Key], read: Callable[[list[Key]], Mapping[Key, Value]], *also: Hashable
    ) -> dict[Key, Value]:
        """The values of those keys that have one: what is not kept `read` gives. `also`: what else it depends on.

        Where nothing may be kept all are read.
        """
        wanted = list(dict.fromkeys(keys))
        stamp = of(catalog)
        if stamp is None:
            return dict(read(wanted)) if wanted else {}
        here = (face(catalog), *[getattr(stamp, name) for name in self._stamps])
        kept = self.kept.get((*here, *also), lambda: self._begun(here))
        known = {key: value for key in wanted if (value := kept.get(key, _NOT_KEPT)) is not _NOT_KEPT}
        if missing := [key for key in wanted if key not in known]:
            found = read(missing)
            new = {key: found.get(key) for key in missing}
            if len(kept) + len(new) > self._most:
                kept.clear()
            kept.update(new)
            known |= new
        return {key: value for key in wanted if (value := known[key]) is not None}

    def one(self, catalog: Catalog, key: Key, read: Callable[[], Value]) -> Value:
        stamp = of(catalog)
        if stamp is None:
            return read()
        here = (face(catalog), *[getattr(stamp, name) for name in self._stamps])
        kept = self.kept.get(here, lambda: self._begun(here))
        value: Value | None = kept.get(key)
        if value is None:
            value = read()
            if len(kept) >= self._most:
                kept.clear()
            kept[key] = value
        return value

    def _begun(self, here: tuple[Hashable, ...]) -> dict[Key, Value | None]:
        """What was read before leaves memory, here and, where the catalog's own row changed, on all others:
        somebody may have been erased."""
        catalog = _catalog_of(here)
        self.kept.drop(lambda other: _catalog_of(other) == catalog and other[: len(here)] != here)
        for rows in ALL_KEPT:
            rows.kept.drop(lambda other: _catalog_of(other) == catalog and other[0] != here[0])
        return {}


ALL_KEPT: list[KeptRows[Any, Any]] = []  # all of this process


def _catalog_of(key: tuple[Hashable, ...]) -> Hashable:
    named = key[0]
    assert isinstance(named, tuple)
    catalog: Hashable = named[0]
    return catalog

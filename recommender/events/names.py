"""Ids as callers write them, found: end users and items of one catalog, and who or what was erased from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recommender.events.refusals import ERASED, UNKNOWN_ITEM, UNKNOWN_USER
from recommender.models import Catalog, EndUser, Erasure, Item, SubjectKind


@dataclass(slots=True)
class Names:
    """External ids → primary keys. An id of neither an end user nor an item is looked for among the erased."""

    catalog: Catalog
    end_users: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    erased_end_users: set[str] = field(default_factory=set)
    erased_items: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, catalog: Catalog, pairs: Iterable[tuple[str | None, str]], *, create: bool) -> "Names":
        """`pairs`: an end user, or nobody, and an item. `create`: end users of items that the catalog has are added
        where it does not have them, but for the erased."""
        names, pairs = cls(catalog), set(pairs)
        asked_items = {item for _, item in pairs}
        names.items.update(_found(Item, catalog, asked_items))
        if missing := asked_items - names.items.keys():
            names.erased_items = Erasure.objects.among(catalog, SubjectKind.ITEM, missing)
        asked = {end_user for end_user, item in pairs if end_user is not None and item in names.items}
        names.end_users.update(_found(EndUser, catalog, asked))
        if missing := asked - names.end_users.keys():
            names.erased_end_users = Erasure.objects.among(catalog, SubjectKind.END_USER, missing)
            if create:
                names._create(missing - names.erased_end_users)
        return names

    def _create(self, external_ids: set[str]) -> None:
        new = [EndUser(catalog=self.catalog, external_id=one) for one in sorted(external_ids)]
        self.end_users.update((one.external_id, one.pk) for one in EndUser.objects.bulk_create(new))

    def end_user(self, external_id: str) -> int:
        """Raises RefusedError."""
        found = self.end_users.get(external_id)
        if found is None:
            raise ERASED if external_id in self.erased_end_users else UNKNOWN_USER
        return found

    def item(self, external_id: str) -> int:
        """Raises RefusedError."""
        found = self.items.get(external_id)
        if found is None:
            raise ERASED if external_id in self.erased_items else UNKNOWN_ITEM
        return found


def _found(table: type[EndUser] | type[Item], catalog: Catalog, external_ids: set[str]) -> Iterable[tuple[str, int]]:
    if not external_ids:
        return ()
    rows: Any = table.objects
    return rows.filter(catalog=catalog, external_id__in=external_ids).values_list("external_id", "pk")

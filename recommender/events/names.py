"""Ids as callers write them, found: end users and items of one catalog, and who or what was erased from it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from recommender.events import rows
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
    created: int = 0  # end users

    @classmethod
    def of(cls, catalog: Catalog, pairs: Iterable[tuple[str | None, str]], *, create: bool) -> "Names":
        """`pairs`: an end user, or nobody, and an item. `create`: end users of items that the catalog has are added
        where it does not have them, but for the erased."""
        names, pairs = cls(catalog), set(pairs)
        asked_items = {item for _, item in pairs}
        names.items, names.erased_items = _found(Item, SubjectKind.ITEM, catalog, asked_items)
        asked = {end_user for end_user, item in pairs if end_user is not None and item in names.items}
        names.end_users, names.erased_end_users = _found(EndUser, SubjectKind.END_USER, catalog, asked)
        if create:
            names._create(asked - names.end_users.keys() - names.erased_end_users)
        return names

    def _create(self, external_ids: set[str]) -> None:
        new = [EndUser(catalog=self.catalog, external_id=one) for one in sorted(external_ids)]
        self.end_users.update((one.external_id, one.pk) for one in EndUser.objects.bulk_create(new))
        self.created = len(new)

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


def _found(
    table: type[EndUser] | type[Item], kind: SubjectKind, catalog: Catalog, external_ids: set[str]
) -> tuple[dict[str, int], set[str]]:
    """Primary keys by id, and which of the ids were erased, or stand for what was."""
    keys = [(catalog.pk, external_id) for external_id in external_ids]
    rows_ = rows.find(table, ("external_id", "id", "erased_at"), keys, unique=("catalog_id", "external_id"))
    found = {external_id: pk for external_id, pk, erased_at in rows_ if erased_at is None}
    gone = {external_id for external_id, _, erased_at in rows_ if erased_at is not None}
    missing = external_ids - found.keys() - gone
    return found, gone | (Erasure.objects.among(catalog, kind, missing) if missing else set())

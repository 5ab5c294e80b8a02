"""What callers name, found: catalogs and end users by the ids programs and people use. An asker finds their own."""

from uuid import UUID

from django.db.models import Count, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from recommender.accounts.visible import Asker, catalogs_of, within
from recommender.models import (
    Account,
    ApiToken,
    BackboneVersion,
    Catalog,
    EndUser,
    Erasure,
    Item,
    Recommendation,
    SubjectKind,
    VersionState,
)
from recommender.prepared import Prepared


def end_user_named(catalog: str, external_id: str, *, asker: Asker) -> EndUser | None:
    """The end user, their catalog and its stamps loaded. Any text may be asked for, also one that no id can be."""
    if "\x00" in external_id or "\x00" in catalog:  # PostgreSQL refuses even to compare it
        return None
    account, only = (asker.created_by, asker.catalog_id) if isinstance(asker, ApiToken) else (asker, None)
    values: dict[str, int | str] = {"catalog": catalog, "external_id": external_id, "account": account.pk}
    if only is not None:
        values["only"] = only
    found = _END_USER.rows(account.all_catalogs, only is None, **values)
    return found[0] if found else None


def _end_user(
    everywhere: bool, every: bool, *, catalog: str, external_id: str, account: int, only: int | None = None
) -> QuerySet[EndUser]:
    who = Account(pk=account, all_catalogs=everywhere)
    asker = who if every else ApiToken(created_by=who, catalog_id=only)
    end_users = within(EndUser.objects.select_related("catalog__stamp"), asker)
    return end_users.filter(catalog__name=catalog, external_id=external_id)[:1]


_END_USER = Prepared(_end_user)


def item_named(catalog: str, external_id: str, *, asker: Asker) -> Item | None:
    """The item, its catalog and its stamps loaded. Any text may be asked for, also one that no id can be."""
    if "\x00" in external_id or "\x00" in catalog:
        return None
    items = within(Item.objects.select_related("catalog__stamp"), asker)
    return items.filter(catalog__name=catalog, external_id=external_id).first()


def catalog_named(name: str, *, asker: Asker) -> Catalog | None:
    """The catalog, its stamps loaded."""
    return None if "\x00" in name else catalogs_of(asker).select_related("stamp").filter(name=name).first()


def catalogs(*, asker: Asker) -> QuerySet[Catalog]:
    """Catalogs by name, with `item_count`, `end_user_count`, and of the backbone versions the active one only."""
    active = Prefetch("backbone_versions", BackboneVersion.objects.filter(state=VersionState.ACTIVE))
    counted = catalogs_of(asker).annotate(item_count=_count(Item), end_user_count=_count(EndUser))
    return counted.prefetch_related(active)


def erased(catalog: str, kind: SubjectKind, external_id: str, *, asker: Asker) -> bool:
    """Whether an end user or item of this id was erased from this catalog."""
    found = catalog_named(catalog, asker=asker)
    return found is not None and Erasure.objects.named(found, kind, external_id) is not None


def logged(recommendation_id: UUID, *, asker: Asker) -> Recommendation | None:
    """A served list by its id, with all that replaying it reads."""
    related = ("catalog", "end_user", "backbone__snapshot", "experiment")
    return within(Recommendation.objects.select_related(*related), asker).filter(pk=recommendation_id).first()


def _count(model: type[Item] | type[EndUser]) -> Coalesce:
    of_catalog = model.objects.filter(catalog=OuterRef("pk")).order_by().values("catalog")
    return Coalesce(Subquery(of_catalog.annotate(n=Count("*")).values("n")), 0, output_field=IntegerField())

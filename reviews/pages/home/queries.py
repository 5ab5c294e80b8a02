"""What the home page says about each catalog."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from recommender.accounts.visible import catalogs_of
from recommender.models import (
    RATIONALES,
    Account,
    BackboneVersion,
    Catalog,
    EndUser,
    Item,
    Knowledge,
    Round,
    RoundState,
    Turn,
    VersionState,
)
from reviews.models import Review, ReviewState


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """How far one catalog is on the way from imported rows to explained recommendations."""

    catalog: Catalog
    end_users: int
    items: int
    texts_under_way: int
    texts_written: int
    reviews_open: int
    approved: int
    active: BackboneVersion | None


def catalog_facts(account: Account) -> list[CatalogFacts]:
    """The account's catalogs by name. Eight queries, however many there are."""
    end_users = _counts(EndUser.objects.all())
    items = _counts(Item.objects.all())
    under_way = _counts(Round.objects.filter(state__in=[RoundState.WAITING, RoundState.ASKING]))
    has_text = Exists(Turn.objects.filter(round=OuterRef("pk"), kind__in=RATIONALES))
    written = _counts(Round.objects.filter(has_text, state=RoundState.RESTING))
    approved = _counts(Knowledge.objects.filter(in_force=True))
    active = {v.catalog_id: v for v in BackboneVersion.objects.filter(state=VersionState.ACTIVE).defer("metrics")}
    open_ = _counts(Review.objects.filter(state=ReviewState.OPEN), by="round__catalog")
    return [
        CatalogFacts(
            catalog=catalog,
            end_users=end_users.get(catalog.pk, 0),
            items=items.get(catalog.pk, 0),
            texts_under_way=under_way.get(catalog.pk, 0),
            texts_written=written.get(catalog.pk, 0),
            reviews_open=open_.get(catalog.pk, 0),
            approved=approved.get(catalog.pk, 0),
            active=active.get(catalog.pk),
        )
        for catalog in catalogs_of(account)
    ]


def _counts(rows: QuerySet[Any], *, by: str = "catalog") -> dict[int, int]:
    """Rows by the id of their catalog."""
    return dict(rows.order_by().values_list(by).annotate(n=Count("pk")))

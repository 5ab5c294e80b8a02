"""What the home page says about each catalog."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from recommender.models import BackboneVersion, Catalog, EndUser, Item, Knowledge, Round, RoundState, VersionState
from reviews.models import Review, ReviewState


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """How far one catalog is on the way from imported rows to explained recommendations."""

    catalog: Catalog
    end_users: int
    items: int
    rounds_under_way: int
    rounds_resting: int
    reviews_open: int
    in_force: int
    active: BackboneVersion | None


def catalog_facts() -> list[CatalogFacts]:
    """All catalogs by name. Eight queries, however many there are."""
    end_users = _counts(EndUser.objects.all())
    items = _counts(Item.objects.all())
    under_way = _counts(Round.objects.filter(state__in=[RoundState.WAITING, RoundState.ASKING]))
    resting = _counts(Round.objects.filter(state=RoundState.RESTING))
    in_force = _counts(Knowledge.objects.filter(in_force=True))
    active = {v.catalog_id: v for v in BackboneVersion.objects.filter(state=VersionState.ACTIVE).defer("metrics")}
    open_ = _counts(Review.objects.filter(state=ReviewState.OPEN), by="round__catalog")
    return [
        CatalogFacts(
            catalog=catalog,
            end_users=end_users.get(catalog.pk, 0),
            items=items.get(catalog.pk, 0),
            rounds_under_way=under_way.get(catalog.pk, 0),
            rounds_resting=resting.get(catalog.pk, 0),
            reviews_open=open_.get(catalog.pk, 0),
            in_force=in_force.get(catalog.pk, 0),
            active=active.get(catalog.pk),
        )
        for catalog in Catalog.objects.order_by("name")
    ]


def _counts(rows: QuerySet[Any], *, by: str = "catalog") -> dict[int, int]:
    """Rows by the id of their catalog."""
    return dict(rows.order_by().values_list(by).annotate(n=Count("pk")))

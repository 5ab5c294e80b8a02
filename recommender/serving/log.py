"""The serving log: what was served to whom, and the same list again by its id."""

from typing import cast

from recommender.models import ApiToken, EndUser, Item, Recommendation
from recommender.serving.types import DegradedCode, Served, ServedItem, Source
from recommender.serving.whom import Whom


def log(served: Served, *, whom: Whom, token: ApiToken | None) -> Recommendation:
    """Keep what was served, without its texts: those are in the turns and the knowledge.

    Of a visitor nothing is kept, not even what the caller calls them: nobody could erase it.
    """
    return Recommendation.objects.create(
        catalog=whom.catalog,
        end_user=whom if isinstance(whom, EndUser) else None,
        backbone=served.backbone,
        source=served.source,
        degraded_reason=served.degraded_reason,
        degraded_code=served.degraded_code or "",
        items=[{"item_id": item.item_id, "rank": item.rank, "score": item.score} for item in served.items],
        token=token,
    )


def replay(logged: Recommendation) -> Served:
    """The list as it was served, without reasons; items keep their titles of today."""
    ids = [item["item_id"] for item in logged.items]
    titles = dict(
        Item.objects.filter(catalog_id=logged.catalog_id, external_id__in=ids).values_list("external_id", "title")
    )
    return Served(
        catalog=logged.catalog.name,
        user_id=logged.end_user.external_id if logged.end_user else "",
        backbone=logged.backbone,
        source=cast(Source, logged.source),
        degraded_reason=logged.degraded_reason,
        generated_at=logged.created_at,
        items=tuple(
            ServedItem(item["item_id"], titles.get(item["item_id"], ""), item["rank"], item["score"])
            for item in logged.items
        ),
        recommendation_id=logged.pk,
        degraded_code=DegradedCode(logged.degraded_code) if logged.degraded_code else None,
    )

"""The serving log: what was served to whom and why, and the same list again by its id."""

from typing import Any, cast

from recommender.models import ApiToken, EndUser, Item, Recommendation
from recommender.serving.codes import DegradedCode
from recommender.serving.remembered import Memory, keep, keep_away, keep_reason
from recommender.serving.served import Served, ServedItem
from recommender.serving.types import Explain, MinReview, Moment, Shown, Source
from recommender.serving.whom import Whom

NOT_KEPT = Shown("not_kept")


def log(served: Served, *, whom: Whom, token: ApiToken | None, experiment: int | None = None) -> Recommendation:
    """Keep what was served, and why, without the texts: those are in the turns (serving.remembered).

    `experiment`: by primary key. Of a visitor nothing is kept, not even what the caller calls them: nobody could erase
    it.
    """
    return Recommendation.objects.create(
        catalog=whom.catalog,
        end_user=whom if isinstance(whom, EndUser) else None,
        backbone=served.backbone,
        canary_id=served.canary,
        source=served.source,
        degraded_reason=served.degraded_reason,
        degraded_code=served.degraded_code or "",
        scenario=served.scenario,
        as_of=served.as_of.value if served.as_of else None,
        explain=served.explain,
        min_review=served.min_review,
        about=keep(served.about) | {"kept_away": keep_away(served)} if served.explain != "none" else {},
        items=[_kept(item, explained=served.explain != "none") for item in served.items],
        token=token,
        experiment_id=experiment,
        variant=served.variant,
    )


def _kept(item: ServedItem, *, explained: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"item_id": item.item_id, "title": item.title, "rank": item.rank, "score": item.score}
    if item.side:
        said["side"] = item.side
    if not explained:
        return said
    return said | {"about": keep(item.about), "reasons": [keep_reason(reason) for reason in item.reasons]}


def replay(logged: Recommendation, *, explained: bool = True) -> Served:
    """The list as it was served, with its titles, reasons and review statuses of that moment.

    Rows of releases that kept less have today's titles, and say that no reasons were kept. `explained`: False leaves
    the reasons out. `catalog`, `end_user`, `backbone.snapshot` and `experiment` must be loaded.
    """
    catalog = logged.catalog
    is_old, with_reasons = not logged.explain, explained and logged.explain not in ("", "none")
    texts = [logged.about, *(item.get("about", {}) for item in logged.items)] if with_reasons else []
    cited = [each for item in logged.items for each in item.get("reasons", ())] if with_reasons else []
    memory = Memory.of(catalog, texts, cited, level=logged.explain)
    titles = _titles_of_today(logged) if is_old else {}
    untold = NOT_KEPT if is_old else Shown("not_asked")
    return Served(
        catalog=catalog.name,
        user_id=logged.end_user.external_id if logged.end_user else "",
        backbone=logged.backbone,
        source=cast(Source, logged.source),
        degraded_reason=logged.degraded_reason,
        degraded_code=DegradedCode(logged.degraded_code) if logged.degraded_code else None,
        scenario=logged.scenario,
        explain=cast(Explain, logged.explain) if with_reasons else "none",
        min_review=cast(MinReview, logged.min_review or "any"),
        about=memory.text(logged.about) if with_reasons else untold,
        kept_away=memory.kept_away(logged.about) if with_reasons else (),
        as_of=None if logged.as_of is None else Moment(logged.as_of, catalog.clock),
        generated_at=logged.created_at,
        items=tuple(
            ServedItem(
                item_id=item["item_id"],
                title=item.get("title", titles.get(item["item_id"], "")),
                rank=item["rank"],
                score=item["score"],
                about=memory.text(item["about"]) if with_reasons else untold,
                reasons=memory.reasons(item["reasons"]) if with_reasons else (),
            )
            for item in logged.items
        ),
        recommendation_id=logged.pk,
        experiment=logged.experiment.key if logged.experiment else "",
        variant=logged.variant,
    )


def _titles_of_today(logged: Recommendation) -> dict[str, str]:
    ids = [item["item_id"] for item in logged.items]
    named = Item.objects.filter(catalog_id=logged.catalog_id, external_id__in=ids)
    return dict(named.values_list("external_id", "title"))

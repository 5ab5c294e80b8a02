"""One recommendation: history as of now → candidates → rank → explain → log. Torch-free, with bounded queries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from recommender.models import ApiToken, EndUser, Item
from recommender.serving import fallback
from recommender.serving.explain import explain
from recommender.serving.history import PastInteraction
from recommender.serving.log import log
from recommender.serving.rankers import DEFAULT, rank
from recommender.serving.request import Request, request_for
from recommender.serving.statements import cited
from recommender.serving.types import Explain, Ranked, Reason, Served, ServedItem

LIKED_LOOKED_AT = 30  # the latest liked items, among which shared attributes are looked for


def recommend(
    end_user: EndUser, *, limit: int, level: Explain = "none", token: ApiToken | None = None, scenario: str = DEFAULT
) -> Served:
    """The list for this end user now, logged under its `recommendation_id`. `end_user.catalog` must be loaded.

    `scenario`: whose ranker answers (serving.rankers). Raises UnknownScenarioError.
    """
    ranked, served = _served(request_for(end_user, limit=limit), level=level, scenario=scenario)
    logged = log(served, end_user=end_user, token=token)
    if ranked.afterwards:
        ranked.afterwards(logged.pk)
    return replace(served, recommendation_id=logged.pk, generated_at=logged.created_at)


def preview(
    end_user: EndUser, *, limit: int, level: Explain = "none", scenario: str = DEFAULT, **supposing: Any
) -> Served:
    """The same list for people who only look: nothing is logged, and no shadow asked.

    `supposing`: `unaware`, as if no text about the end user had been approved; `said`, as if these statements were.
    """
    request = request_for(end_user, limit=limit, **supposing)
    return _served(request, level=level, scenario=scenario)[1]


def _served(request: Request, *, level: Explain, scenario: str) -> tuple[Ranked, Served]:
    end_user = request.end_user
    ranked = rank(request, scenario=scenario, attribute=level != "none")
    listed = {int(request.index.pks[position]): (position, score) for position, score in ranked.best}
    named = _nameable(ranked, request.history) if level != "none" else set()
    items = Item.objects.in_bulk({*listed, *named})
    listed = {pk: listed[pk] for pk in listed if pk in items}  # an item may be gone that the index still has
    reasons = _reasons(request, ranked, listed, items=items, level=level)
    served = Served(
        catalog=end_user.catalog.name,
        user_id=end_user.external_id,
        backbone=ranked.backbone,
        source=ranked.source,
        degraded_reason=ranked.degraded_reason,
        generated_at=timezone.now(),
        items=tuple(
            ServedItem(items[pk].external_id, items[pk].title, number, score, tuple(reasons.get(pk, ())))
            for number, (pk, (_, score)) in enumerate(listed.items(), start=1)
        ),
    )
    return ranked, served


def _reasons(
    request: Request,
    ranked: Ranked,
    listed: Mapping[int, tuple[int, float | None]],
    *,
    items: Mapping[int, Item],
    level: Explain,
) -> Mapping[int, Sequence[Reason]]:
    """The reasons of each listed item by primary key. `listed`: its position in the index, and its score."""
    if level == "none":
        return {}
    reasons = explain(
        request.end_user,
        [items[pk] for pk in listed],
        level=level,
        backbone=ranked.backbone,
        history=request.history,
        past=items,
        attribution=ranked.attribution,
        cited=cited(request, ranked.steering, [(pk, position) for pk, (position, _) in listed.items()]),
    )
    return {
        pk: [*ranked.reasons.get(pk, ()), *reasons[pk], *fallback.why(ranked.source, request.index, position)]
        for pk, (position, _) in listed.items()
    }


def _nameable(ranked: Ranked, history: Sequence[PastInteraction]) -> set[int]:
    """Primary keys of the history's items that an explanation may name."""
    liked = {past.item_pk for past in [past for past in history if past.liked][-LIKED_LOOKED_AT:]}
    contributions = (ranked.attribution or {}).values()
    return liked | {history[each.position].item_pk for item in contributions for each in item}

"""One recommendation: history as of now → candidates → rank → explain → log. Torch-free, with bounded queries."""

from collections.abc import Iterator, Mapping, Sequence
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
from recommender.serving.types import (
    Explain,
    Notice,
    NoticeCode,
    Ranked,
    Reason,
    RuleReason,
    Served,
    ServedItem,
)
from recommender.serving.whom import NOTHING_TOLD, Session, Whom
from recommender.serving.wish import Wish

LIKED_LOOKED_AT = 30  # the latest liked items, among which shared attributes are looked for


def recommend(
    whom: Whom,
    *,
    limit: int,
    level: Explain = "none",
    token: ApiToken | None = None,
    scenario: str = DEFAULT,
    wish: Wish | None = None,
    session: Session = NOTHING_TOLD,
) -> Served:
    """The list for somebody now, logged under its `recommendation_id`. `whom.catalog` must be loaded.

    `scenario`: whose ranker answers (serving.rankers). `wish`: what else the caller wants; its scenario is `scenario`.
    `session`: what the request tells of them. Raises UnknownScenarioError and ConditionError.
    """
    wish = replace(wish or Wish(scenario), scenario=scenario)
    request = request_for(whom, limit=limit, session=session, wish=wish)
    ranked, served = _served(request, level=level, scenario=scenario)
    logged = log(served, whom=whom, token=token)
    if ranked.afterwards:
        ranked.afterwards(logged.pk)
    return replace(served, recommendation_id=logged.pk, generated_at=logged.created_at)


def preview(
    end_user: EndUser, *, limit: int, level: Explain = "none", scenario: str = DEFAULT, **supposing: Any
) -> Served:
    """The same list for people who only look: nothing is logged, and no shadow asked.

    `supposing`: `unaware`, as if no text about the end user had been approved; `said`, as if these statements were.
    """
    request = request_for(end_user, limit=limit, wish=Wish(scenario), **supposing)
    return _served(request, level=level, scenario=scenario)[1]


def _served(request: Request, *, level: Explain, scenario: str) -> tuple[Ranked, Served]:
    whom = request.whom
    ranked = rank(request, scenario=scenario, attribute=level != "none")
    listed = {int(request.index.pks[position]): (position, score) for position, score in ranked.best}
    named = _nameable(ranked, request.history) if level != "none" else set()
    items = Item.objects.in_bulk({*listed, *named})
    listed = {pk: listed[pk] for pk in listed if pk in items}  # an item may be gone that the index still has
    why = _reasons(request, ranked, listed, items=items, level=level)
    ruled = _ruled(request, listed)
    served = Served(
        catalog=whom.catalog.name,
        user_id=whom.external_id,
        backbone=ranked.backbone,
        source=ranked.source,
        degraded_reason=ranked.degraded_reason,
        degraded_code=ranked.degraded_code,
        generated_at=timezone.now(),
        items=tuple(
            ServedItem(items[pk].external_id, items[pk].title, number, score, (*ruled.get(pk, ()), *why.get(pk, ())))
            for number, (pk, (_, score)) in enumerate(listed.items(), start=1)
        ),
        notices=(*request.notices, *_notices(request, ruled, len(listed))),
        understood=request.session.understood,
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
        request.whom,
        [items[pk] for pk in listed],
        level=level,
        backbone=ranked.backbone,
        history=request.history,
        past=items,
        attribution=ranked.attribution,
        cited=cited(request, ranked.steering, [(pk, position) for pk, (position, _) in listed.items()]),
    )
    return {
        pk: [*ranked.reasons.get(pk, ()), *reasons[pk], *fallback.why(ranked.source, request, position)]
        for pk, (position, _) in listed.items()
    }


def _ruled(request: Request, listed: Mapping[int, object]) -> Mapping[int, tuple[RuleReason]]:
    """The rule that put an item where it stands, by primary key."""
    placed = [*request.rules.buried, *request.rules.pins]
    return {
        one.rule.item_pk: (RuleReason(one.rule.pk, "pin" if one.rule.place else "bury", one.rule.note),)
        for one in placed
        if one.rule.item_pk in listed
    }


def _notices(request: Request, ruled: Mapping[int, tuple[RuleReason]], count: int) -> Iterator[Notice]:
    """What business rules did, and whether the list is shorter than was asked for."""
    rules = [reason for (reason,) in ruled.values()]
    if pinned := sum(reason.rule == "pin" for reason in rules):
        yield Notice(NoticeCode.PINNED, f"A rule pins {_of(pinned)} of this list.")
    if buried := sum(reason.rule == "bury" for reason in rules):
        yield Notice(NoticeCode.BURIED, f"A rule puts {_of(buried)} at the end of this list.")
    if request.rules.out_of_stock is not None and (gone := int(request.unseen[request.rules.out_of_stock].sum())):
        yield Notice(NoticeCode.OUT_OF_STOCK, f"{_of(gone).capitalize()} left out: out of stock.")
    if count < request.limit:
        yield Notice(
            NoticeCode.FEWER_ITEMS,
            f"{count} of the {request.limit} asked for: no other may be listed. A list is never filled up from another "
            "source.",
        )


def _of(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _nameable(ranked: Ranked, history: Sequence[PastInteraction]) -> set[int]:
    """Primary keys of the history's items that an explanation may name."""
    liked = {past.item_pk for past in [past for past in history if past.liked][-LIKED_LOOKED_AT:]}
    contributions = (ranked.attribution or {}).values()
    return liked | {history[each.position].item_pk for item in contributions for each in item}

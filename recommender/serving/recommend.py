"""One recommendation: history as of now → candidates → rank → explain → log. Torch-free, with bounded queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from django.utils import timezone

from recommender.models import ApiToken, EndUser, Item
from recommender.serving import fallback
from recommender.serving.attribution import named_places
from recommender.serving.continued import continued
from recommender.serving.cursor import Cursor
from recommender.serving.explain import Why, explain
from recommender.serving.history import PastInteraction
from recommender.serving.log import log
from recommender.serving.rankers import DEFAULT, rank
from recommender.serving.request import Request, request_for
from recommender.serving.statements import cited
from recommender.serving.types import (
    NOT_ASKED,
    Explain,
    MinReview,
    Moment,
    Ranked,
    Reason,
    ScoredReason,
    Served,
    ServedItem,
)

LIKED_LOOKED_AT = 30  # the latest liked items, among which shared attributes are looked for
DEPTH = 200  # items that a list goes on for, page by page


@dataclass(frozen=True, slots=True)
class How:
    """How a list is made and shown. `min_review`: what people must have said of a text at least."""

    level: Explain
    min_review: MinReview
    scenario: str = DEFAULT


def recommend(
    end_user: EndUser,
    *,
    limit: int,
    level: Explain = "none",
    min_review: MinReview | None = None,
    scenario: str = DEFAULT,
    as_of: int | None = None,
    after: Cursor | None = None,
    asked: str = "",
    keep: bool = True,
    token: ApiToken | None = None,
) -> Served:
    """The list for this end user now, logged under its `recommendation_id` if `keep`. `end_user.catalog` is loaded.

    `min_review`: as the catalog says unless told. `scenario`: whose ranker answers (serving.rankers). `as_of`: the
    moment, on the catalog's clock, that stands for now. `after`: the list that this is the next page of, in place of a
    new one. `asked`: a digest that goes with the cursor. Raises UnknownScenarioError.
    """
    least = cast(MinReview, min_review or end_user.catalog.min_review)
    how = How(level, least, after.scenario if after else scenario)
    if after:
        request = request_for(end_user, limit=limit, as_of=after.as_of)
        ranked, numbers = continued(request, after, attribute=level != "none")
        served = _served(request, ranked, how, numbers)
        going_on = after.after(limit)
    else:
        request = request_for(end_user, limit=limit, depth=DEPTH, as_of=as_of)
        ranked = rank(request, scenario=scenario, attribute=level != "none")
        served = _served(request, ranked, how)
        going_on = _cursor(request, ranked, how, asked).after(limit)
    served = replace(served, next_cursor=going_on.written() if going_on else "")
    if not keep:
        return served
    logged = log(served, end_user=end_user, token=token)
    if ranked.afterwards:
        ranked.afterwards(logged.pk)
    return replace(served, recommendation_id=logged.pk, generated_at=logged.created_at)


def preview(
    end_user: EndUser,
    *,
    limit: int,
    level: Explain = "none",
    scenario: str = DEFAULT,
    min_review: MinReview = "any",
    **supposing: Any,
) -> Served:
    """The same list for people who only look: nothing is logged, and no shadow asked.

    `supposing`: `unaware`, as if no text about the end user had been approved; `said`, as if these statements were.
    """
    request = request_for(end_user, limit=limit, **supposing)
    ranked = rank(request, scenario=scenario, attribute=level != "none")
    return _served(request, ranked, How(level, min_review, scenario))


def _cursor(request: Request, ranked: Ranked, how: How, asked: str) -> Cursor:
    """The whole list, from its first item on."""
    return Cursor(
        catalog=request.end_user.catalog_id,
        end_user=request.end_user.pk,
        asked=asked,
        scenario=how.scenario,
        source=ranked.source,
        degraded_code=ranked.degraded_code or "",
        degraded_reason=ranked.degraded_reason,
        backbone=ranked.backbone.pk if ranked.backbone else None,
        as_of=request.as_of,
        moved=[move.statement.pk for move in ranked.steering.moves] if ranked.steering else None,
        rank=1,
        items=[(int(request.index.pks[position]), score) for position, score in ranked.best],
    )


def _served(request: Request, ranked: Ranked, how: How, numbers: Sequence[int] | None = None) -> Served:
    """The first items, of those that are still there, with these ranks; by default from 1 on, without a gap."""
    end_user, clock = request.end_user, request.end_user.catalog.clock
    there = {int(request.index.pks[position]): (position, score) for position, score in ranked.best[: request.limit]}
    numbered = dict(zip(there, numbers, strict=True)) if numbers else {}
    named = _nameable(ranked, request.history) if how.level != "none" else set()
    items = Item.objects.in_bulk({*there, *named})
    for item in items.values():
        item.catalog = end_user.catalog
    listed = [items[pk] for pk in there if pk in items]  # an item may be gone that the index still has
    why = _why(request, ranked, listed, {pk: place for pk, (place, _) in there.items()}, past=items, how=how)
    return Served(
        catalog=end_user.catalog.name,
        user_id=end_user.external_id,
        backbone=ranked.backbone,
        source=ranked.source,
        degraded_reason=ranked.degraded_reason,
        degraded_code=ranked.degraded_code,
        scenario=how.scenario,
        explain=how.level,
        min_review=how.min_review,
        about=why.user,
        as_of=None if request.as_of is None else Moment(request.as_of, clock),
        generated_at=timezone.now(),
        items=tuple(
            ServedItem(
                item_id=item.external_id,
                title=item.title,
                rank=numbered.get(item.pk, number),
                score=there[item.pk][1],
                about=why.texts.get(item.pk, NOT_ASKED),
                reasons=tuple(why.reasons.get(item.pk, ())),
            )
            for number, item in enumerate(listed, start=1)
        ),
    )


def _why(
    request: Request,
    ranked: Ranked,
    listed: Sequence[Item],
    positions: Mapping[int, int],
    *,
    past: Mapping[int, Item],
    how: How,
) -> Why:
    """`positions`: where the listed items stand in the index, by primary key."""
    if how.level == "none":
        return Why(NOT_ASKED, {}, {})
    why = explain(
        request,
        listed,
        level=how.level,
        min_review=how.min_review,
        backbone=ranked.backbone,
        past=past,
        attribution=ranked.attribution,
        cited=cited(request, ranked.steering, [(item.pk, positions[item.pk]) for item in listed]),
    )
    reasons: dict[int, Sequence[Reason]] = {
        item.pk: [
            *(_judged(reason, how.min_review) for reason in ranked.reasons.get(item.pk, ())),
            *why.reasons[item.pk],
            *fallback.why(ranked.source, request.index, positions[item.pk]),
        ]
        for item in listed
    }
    return replace(why, reasons=reasons)


def _judged(reason: Reason, min_review: MinReview) -> Reason:
    """Nobody has judged what an LLM reasoned before it scored: it is shown where that is asked for."""
    if not isinstance(reason, ScoredReason):
        return reason
    if not reason.text:
        return replace(reason, text_status="none")
    return reason if min_review == "any" else replace(reason, text="", text_status="withheld")


def _nameable(ranked: Ranked, history: Sequence[PastInteraction]) -> set[int]:
    """Primary keys of the history's items that an explanation may name."""
    liked = {past.item_pk for past in [past for past in history if past.liked][-LIKED_LOOKED_AT:]}
    effects = (ranked.attribution or {}).values()
    return liked | {history[place].item_pk for each in effects for place in named_places(each)}

"""One recommendation: history as of now → candidates → rank → explain → log. Torch-free, with bounded queries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from django.utils import timezone

from recommender.counters import LISTS
from recommender.models import ApiToken, EndUser, Item
from recommender.serving import fallback
from recommender.serving.attribution import Named, named
from recommender.serving.codes import Notice, NoticeCode
from recommender.serving.continued import continued
from recommender.serving.cursor import Cursor
from recommender.serving.explain import Why, explain
from recommender.serving.history import PastInteraction
from recommender.serving.interleave import NOBODY
from recommender.serving.items import items_of
from recommender.serving.lasting import lasting_of
from recommender.serving.log import log
from recommender.serving.rankers import DEFAULT, rank
from recommender.serving.request import Request, request_for
from recommender.serving.served import Served, ServedItem
from recommender.serving.session import NOTHING_TOLD, Session
from recommender.serving.statements import cited
from recommender.serving.treated import rank_treated
from recommender.serving.types import NOT_ASKED, Explain, MinReview, Moment, Ranked, Reason, RuleReason, ScoredReason
from recommender.serving.variants import Treatment, treatment_of
from recommender.serving.whom import Visitor, Whom
from recommender.serving.wish import Wish

LIKED_LOOKED_AT = 30  # the latest liked items, among which shared attributes are looked for
DEPTH = 200  # items that a list goes on for, page by page


@dataclass(frozen=True, slots=True)
class How:
    """How a list is made and shown. `min_review`: what people must have said of a text at least."""

    level: Explain
    min_review: MinReview
    scenario: str = DEFAULT

    def by(self, treatment: Treatment | None) -> "How":
        """As an experiment has it."""
        return replace(self, level=treatment.level(self.level)) if treatment else self


def recommend(
    whom: Whom,
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
    wish: Wish | None = None,
    session: Session = NOTHING_TOLD,
) -> Served:
    """The list for somebody now, logged under its `recommendation_id` if `keep`. `whom.catalog` is loaded.

    `min_review`: as the catalog says unless told. `scenario`: whose ranker answers (serving.rankers). `as_of`: the
    moment, on the catalog's clock, that stands for now. `after`: the list that this is the next page of, in place of a
    new one. `asked`: a digest that goes with the cursor. `wish`: what else the caller wants; its scenario is the one
    that ranks. `session`: what the request tells of them; such a list has one page, and is kept without its reasons.
    Raises UnknownScenarioError, and ConditionError where the wish names an attribute that no item has.
    """
    least = cast(MinReview, min_review or whom.catalog.min_review)
    how = How(level, least, after.scenario if after else scenario)
    if wish is None or wish.scenario != how.scenario:
        wish = replace(wish, scenario=how.scenario) if wish else Wish(how.scenario)
    told = isinstance(whom, Visitor) or session is not NOTHING_TOLD
    # What a request tells is not told again with the next page.
    goes_on = bool(whom.external_id) and session is NOTHING_TOLD
    treatment = treatment_of(whom, how.scenario)
    if after:
        if treatment and (treatment.experiment, treatment.variant) != (after.experiment, after.variant):
            treatment = None  # it began or ended between the pages
        how = how.by(treatment)
        request = request_for(whom, limit=limit, as_of=after.as_of, wish=Wish(how.scenario), treatment=treatment)
        ranked, numbers = continued(request, after, attribute=how.level != "none", credit=treatment is not None)
        served = _served(request, ranked, how, numbers, going_on=after.after(limit))
    else:
        make = partial(
            request_for, whom, limit=limit, depth=DEPTH if goes_on else limit, as_of=as_of, wish=wish, session=session
        )
        request, ranked, treatment = rank_treated(
            lambda wanted: make(treatment=wanted), treatment, scenario=scenario, attribute=level != "none"
        )
        how = how.by(treatment)
        going_on = _cursor(whom, request, ranked, how, asked, treatment) if goes_on else None
        served = _served(request, ranked, how, going_on=going_on)
    if treatment:
        lasting = None if treatment.mixed else served.lasting  # a day's coins mix it
        served = replace(served, experiment=treatment.experiment, variant=treatment.variant, lasting=lasting)
    LISTS.labels(*served.counted_as).inc()
    if not keep:
        return served
    logged = log(
        replace(served, explain="none") if told else served,
        whom=whom,
        token=token,
        experiment=treatment.experiment_id if treatment else None,
    )
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
    request = request_for(end_user, limit=limit, wish=Wish(scenario), **supposing)
    ranked = rank(request, scenario=scenario, attribute=level != "none")
    return _served(request, ranked, How(level, min_review, scenario))


def _cursor(
    whom: Whom, request: Request, ranked: Ranked, how: How, asked: str, treatment: Treatment | None
) -> Cursor | None:
    """Where the list goes on after its first page; None where that is all."""
    left = ranked.best[request.limit :]
    if not left:
        return None
    places, scores = zip(*left, strict=True)
    listed = list(zip(request.index.pks[list(places)].tolist(), scores, strict=True))
    teams = tuple(dict.fromkeys(ranked.sides.values()))
    return Cursor(
        catalog=whom.catalog.pk,
        end_user=whom.pk if isinstance(whom, EndUser) else whom.external_id,
        asked=asked,
        experiment=treatment.experiment if treatment else "",
        variant=treatment.variant if treatment else "",
        scenario=how.scenario,
        source=ranked.source,
        degraded_code=ranked.degraded_code or "",
        degraded_reason=ranked.degraded_reason,
        backbone=ranked.backbone.pk if ranked.backbone else None,
        as_of=request.as_of,
        moved=[move.statement.pk for move in ranked.steering.moves] if ranked.steering else None,
        rank=1 + request.limit,
        items=listed,
        teams=teams,
        sides=[teams.index(ranked.sides[pk]) if pk in ranked.sides else NOBODY for pk, _ in listed] if teams else (),
    )


def _served(
    request: Request,
    ranked: Ranked,
    how: How,
    numbers: Sequence[int] | None = None,
    *,
    going_on: Cursor | None = None,
) -> Served:
    """The first items, of those that are still there, with these ranks; by default from 1 on, without a gap.

    `going_on`: where the list goes on.
    """
    whom, catalog = request.whom, request.whom.catalog
    first = ranked.best[: request.limit]
    there = dict(zip(request.index.pks[[position for position, _ in first]].tolist(), first, strict=True))
    numbered = dict(zip(there, numbers, strict=True)) if numbers else {}
    of_history = {} if how.level == "none" else named(ranked.attribution or {})
    nameable = set() if how.level == "none" else _nameable(of_history, request.history)
    items = items_of(catalog, (*there, *nameable))
    listed = [items[pk] for pk in there if pk in items]  # an item may be gone that the index still has
    places = {pk: place for pk, (place, _) in there.items()}
    why = _why(request, ranked, listed, places, past=items, of_history=of_history, how=how)
    ruled = _ruled(request, {item.id for item in listed})
    return Served(
        catalog=catalog.name,
        user_id=whom.external_id,
        backbone=ranked.backbone,
        source=ranked.source,
        degraded_reason=ranked.degraded_reason,
        degraded_code=ranked.degraded_code,
        canary=ranked.canary,
        scenario=how.scenario,
        explain=how.level,
        min_review=how.min_review,
        about=why.user,
        kept_away=why.kept_away,
        as_of=None if request.as_of is None else Moment(request.as_of, catalog.clock),
        generated_at=timezone.now(),
        items=tuple(
            ServedItem(
                item_id=item.external_id,
                title=item.title,
                rank=numbered.get(item.id, number),
                score=there[item.id][1],
                about=why.texts.get(item.id, NOT_ASKED),
                reasons=(*ruled.get(item.id, ()), *why.reasons.get(item.id, ())),
                side=ranked.sides.get(item.id, ""),
            )
            for number, item in enumerate(listed, start=1)
        ),
        next_cursor=going_on.written() if going_on else "",
        notices=(*request.notices, *_notices(request, ruled, len(listed))),
        understood=request.session.understood,
        lasting=lasting_of(request, ranked),
    )


def _ruled(request: Request, listed: Collection[int]) -> Mapping[int, tuple[RuleReason]]:
    """The rule that put a listed item where it stands, by primary key."""
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
        yield Notice(NoticeCode.OUT_OF_STOCK, f"{_of(gone)} left out: out of stock.")
    if request.session.said and not request.strength:
        said = "Nothing that was understood of the text moved this list: statements are switched off for it."
        yield Notice(NoticeCode.MOVES_NOTHING, said)
    if count < request.limit:
        said = f"{count} of the {request.limit} asked for. No other may be listed: no other source fills a list up."
        yield Notice(NoticeCode.FEWER_ITEMS, said)


def _of(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _why(
    request: Request,
    ranked: Ranked,
    listed: Sequence[Item],
    positions: Mapping[int, int],
    *,
    past: Mapping[int, Item],
    of_history: Mapping[int, Named],
    how: How,
) -> Why:
    """By primary key of the listed items, `positions`: their places in the index; `of_history`: what moved them."""
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
        named=of_history,
        cited=cited(
            request,
            ranked.steering,
            [(item.id, positions[item.id]) for item in listed],
            kept_away=ranked.kept_away,
        ),
    )
    reasons: dict[int, Sequence[Reason]] = {}
    for item in listed:
        own = why.reasons[item.id]
        reasons[item.id] = [
            *(_judged(reason, how.min_review) for reason in ranked.reasons.get(item.id, ())),
            *[reason for reason in own if reason.basis != "shared_attributes"],
            *fallback.why(ranked.source, request, positions[item.id]),
            *[reason for reason in own if reason.basis == "shared_attributes"],  # it moved nothing
        ]
    return replace(why, reasons=reasons)


def _judged(reason: Reason, min_review: MinReview) -> Reason:
    """Nobody has judged what an LLM reasoned before it scored: it is shown where that is asked for."""
    if not isinstance(reason, ScoredReason):
        return reason
    if not reason.text:
        return replace(reason, text_status="none")
    return reason if min_review == "any" else replace(reason, text="", text_status="withheld")


def _nameable(of_history: Mapping[int, Named], history: Sequence[PastInteraction]) -> set[int]:
    """Primary keys of the history's items that an explanation may name."""
    liked = {past.item_pk for past in [past for past in history if past.liked][-LIKED_LOOKED_AT:]}
    moving = {place for each in of_history.values() for place in (*each.raised, *each.lowered)}
    return liked | {history[place].item_pk for place in moving}

"""A list as an experiment wants it: by a variant, held out, or mixed of two. Without one, as it always is."""

import logging
from collections.abc import Callable
from dataclasses import replace

from recommender.serving import variants
from recommender.serving.interleave import coins, team_draft
from recommender.serving.rankers import rank, unpersonal
from recommender.serving.request import Request
from recommender.serving.types import Ranked, Ranking
from recommender.serving.variants import Treatment, VariantError

log = logging.getLogger(__name__)


def rank_treated(
    make: Callable[[Treatment | None], Request], treatment: Treatment | None, *, scenario: str, attribute: bool
) -> tuple[Request, Ranked, Treatment | None]:
    """`make`: the request for a treatment. A variant that fails ends its experiment, and costs nobody a list: that is
    then of no experiment. Raises UnknownScenarioError."""
    try:
        return *_rank(make, treatment, scenario=scenario, attribute=attribute), treatment
    except VariantError as error:
        assert treatment is not None, "only a variant's version raises it"
        log.exception("A variant of the experiment %s failed", treatment.experiment)
        variants.end(treatment, why=str(error))
    return *_rank(make, None, scenario=scenario, attribute=attribute), None


def _rank(
    make: Callable[[Treatment | None], Request], treatment: Treatment | None, *, scenario: str, attribute: bool
) -> tuple[Request, Ranked]:
    if treatment and treatment.mixed:
        requests = [make(each) for each in treatment.mixed]
        one, other = (rank(each, scenario=scenario, attribute=attribute) for each in requests)
        return requests[0], _mixed(requests[0], one, other, treatment)
    request = make(treatment)
    if treatment and treatment.source:
        return request, unpersonal(request, treatment.source)
    return request, rank(request, scenario=scenario, attribute=attribute)


def _mixed(request: Request, one: Ranked, other: Ranked, treatment: Treatment) -> Ranked:
    """The team draft of both, pins at their places. It has no scores: two rankers' do not compare.

    What of statements moved it is told only where both sides were moved alike.
    """
    pins = {placed.position: placed.rule.place for placed in request.rules.pins}
    first, second = ([place for place, _ in each.best if place not in pins] for each in (one, other))
    drafted = team_draft(first, second, coins(treatment.coins))
    pinned = [place for place, _ in one.best if place in pins]
    best: list[tuple[int, float | None]] = [(place, None) for place, _ in drafted]
    for place in sorted(pinned, key=lambda place: pins[place]):
        best.insert(pins[place] - 1, (place, None))
    listed: Ranking = best[: request.depth]
    names = [each.variant for each in treatment.mixed]
    pks = request.index.pks
    sides = {int(pks[place]): side for place, side in drafted}
    by = {pk: (one, other)[side] for pk, side in sides.items() if side >= 0}
    of_side = {pk: (each.attribution or {}).get(pk) for pk, each in by.items()}
    attribution = {pk: effects for pk, effects in of_side.items() if effects is not None}
    of_either = {pk: said for pk, said in {**other.reasons, **one.reasons}.items() if pk not in by}
    reasons = {pk: each.reasons[pk] for pk, each in by.items() if pk in each.reasons}
    alike = treatment.mixed[0].steering == treatment.mixed[1].steering and one.backbone == other.backbone
    return replace(
        one,
        best=listed,
        steering=one.steering if alike else None,
        degraded_reason=one.degraded_reason or other.degraded_reason,
        degraded_code=one.degraded_code or other.degraded_code,
        attribution=attribution if one.attribution is not None or other.attribution is not None else None,
        reasons=of_either | reasons,
        sides={pk: names[side] for pk, side in sides.items() if side >= 0},
        afterwards=None,
        kept_away={},  # of one side's own list
        follows_likes=one.follows_likes or other.follows_likes,
    )

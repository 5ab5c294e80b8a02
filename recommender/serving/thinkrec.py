"""The ranker of the scenario "thinkrec": the first items of a backbone's list in the order of an LLM's scores.

The scores were computed by a scoring run; nothing here loads a model. Where there is no list, or the end user has
changed since, the scorer's endpoint is asked if R4_THINKREC_SECONDS gives it time; else, and where that time runs out,
the backbone's own order answers, and says why.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
from django.conf import settings
from django.utils import timezone

from recommender.models import EndUser, RunState, ScoredList, ScoringRun
from recommender.runs.errors import CannotRunError
from recommender.serving import answers, backbone, rules
from recommender.serving.arrange import Order, best_first
from recommender.serving.codes import DegradedCode
from recommender.serving.request import Request
from recommender.serving.types import CannotRankError, Ranked, Reason
from recommender.thinkrec.scoring import lists, people
from recommender.thinkrec.scoring.lists import ScoredItem

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 20  # items that the endpoint is asked about while somebody waits
IN_VAIN = "The scorer's endpoint did not say anything of use in time."
INSTEAD = "The backbone's own order is served."
NONE_LEFT = "None of the items that an LLM scored for this end user is left to recommend."


def rank(request: Request, *, attribute: bool) -> Ranked:
    """The list that was precomputed, else the backbone's. Raises CannotRankError where that has none either."""
    found, why, code = None, lists.NO_LIST, DegradedCode.NO_SCORED_LIST
    if isinstance(request.whom, EndUser) and (found := lists.read(request.whom)) is not None:
        why, code = lists.why_stale(found, request.whom, request.known), DegradedCode.STALE_SCORED_LIST
    if found is not None and not why:
        ranked = _ranked(request, found)
        if ranked.best:
            return _with_kept_away(request, ranked, found) if attribute else ranked
        why, code = NONE_LEFT, DegradedCode.NOTHING_LEFT
    try:
        own = backbone.rank(request, attribute=attribute)
    except CannotRankError as error:
        raise CannotRankError(f"{why} {error}", error.code, canary=error.canary) from error
    if settings.THINKREC_SECONDS > 0:
        if asked_now := _asked_now(request):
            ranked = _ranked(request, asked_now)
            return _with_kept_away(request, ranked, asked_now) if attribute else ranked
        why = f"{why} {IN_VAIN}"
    return replace(own, degraded_reason=f"{why} {INSTEAD}", degraded_code=code)


def _ranked(request: Request, found: ScoredList) -> Ranked:
    """The list as it may be served now: without what was met or is gone, moved by what people approved."""
    place_of = {request.index.external_ids[place]: place for place in np.flatnonzero(request.listable).tolist()}
    there = [one for one in map(ScoredItem.from_json, found.items) if one.item_id in place_of]
    scored = [one for one in there if one.probability is not None]
    places = np.array([place_of[one.item_id] for one in scored], dtype=np.int64)
    probability = np.array([one.probability for one in scored], dtype=np.float64)
    if len(scored):
        probability = request.steering.steered(probability, places)
    order = best_first(places, probability)
    without = np.array([place_of[one.item_id] for one in there if one.probability is None], dtype=np.int64)
    order = Order(np.r_[order.places, without], np.r_[order.scores, np.full(len(without), np.nan)])
    return Ranked(
        "thinkrec",
        request.arranged(order),
        request.steering,
        backbone=found.backbone,
        reasons=_reasons(request, found),
    )


def _with_kept_away(request: Request, ranked: Ranked, found: ScoredList) -> Ranked:
    return replace(ranked, kept_away=request.kept_away(ranked.best, lambda other: _ranked(other, found).best))


def reasons(request: Request) -> Mapping[int, Sequence[Reason]]:
    """What the LLM said of the items of its list about the end user as they are now, by primary key."""
    return _reasons(request, request.scored_list) if request.scored_list else {}


def _reasons(request: Request, found: ScoredList) -> Mapping[int, Sequence[Reason]]:
    index, clock = request.index, request.whom.catalog.clock
    pk_of = {index.external_ids[place]: int(index.pks[place]) for place in np.flatnonzero(request.unseen).tolist()}
    said, adapters = map(ScoredItem.from_json, found.items), answers.adapters_of(found)
    return {pk_of[one.item_id]: (answers.reason(one, found, adapters, clock),) for one in said if one.item_id in pk_of}


def _asked_now(request: Request) -> ScoredList | None:
    """A list, not stored, of what the endpoint says of the backbone's first items within the deadline; None: nothing.

    Its scores are calibrated as those of the latest run through the endpoint were, where there is one.
    """
    from recommender.thinkrec.scoring.endpoint import EndpointScorer  # noqa: PLC0415 - openai: only where LLMs are asked

    asked = replace(request, limit=ASKED_AT_ONCE, depth=ASKED_AT_ONCE, wish=None, rules=rules.NONE)
    own = backbone.rank(asked, attribute=False)
    catalog, first = request.whom.catalog, own.best
    places, prompts = people.questions(
        catalog,
        [(past.item_pk, past.liked) for past in request.history],
        [int(request.index.pks[position]) for position, _ in first],
    )
    if not prompts:
        return None
    scorer = EndpointScorer()
    try:
        scored = scorer.score(prompts, seconds=settings.THINKREC_SECONDS)
    except CannotRunError as error:
        log.warning("The scenario thinkrec could not be asked for: %s", error)
        return None
    if np.isnan(scored.log_odds).all():
        return None
    runs = ScoringRun.objects.filter(catalog=catalog, state=RunState.DONE, config__where="endpoint")
    runs = runs.filter(config__score="log_odds", config__reasoning=0).order_by("-pk")
    latest = next((run for run in runs if run.config.get("tuned") is None), None)
    calibration = latest.metrics["calibration"] if latest else {"slope": 1.0, "intercept": 0.0}
    logits = np.clip(calibration["slope"] * scored.log_odds + calibration["intercept"], -500.0, 500.0)
    item_ids = [request.index.external_ids[first[place][0]] for place in places]
    made = lists.scored_items(item_ids, scored, 1.0 / (1.0 + np.exp(-logits)))
    return ScoredList(
        items=[asdict(one) for one in made],
        backbone=own.backbone,
        model=scorer.name,
        prompt=prompts[0].name,
        as_of=request.history[-1].moment + 1,
        created_at=timezone.now(),
    )

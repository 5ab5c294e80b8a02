"""The ranker of the scenario "backbone": a trained version scores the candidates.

That is the active version, or for its own end users the canary that is tried.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from recommender.artifacts import verified
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion
from recommender.serving import retrieve, rollout, shadow
from recommender.serving.answers import Answers
from recommender.serving.codes import DegradedCode
from recommender.serving.request import Request, Scored, best, score
from recommender.serving.steering import Steering
from recommender.serving.types import CannotRankError, Effects, Ranked, Ranking, Reason
from recommender.serving.variants import VariantError

log = logging.getLogger(__name__)

NO_BACKBONE = "No backbone is active in this catalog yet: train one and activate it."
NO_HISTORY = "This end user has no history yet, which a backbone ranks by."


def rank(request: Request, *, attribute: bool) -> Ranked:
    """The list of the active version or the canary, or of the version that a variant of an experiment names.

    A canary that fails is stopped, and costs nobody a list. Raises CannotRankError, VariantError.
    """
    if request.treatment and request.treatment.version:
        return _by_variant(request, request.treatment.version, attribute=attribute)
    active = rollout.active_in(request.whom.catalog)
    if active.version is None:
        raise CannotRankError(NO_BACKBONE, DegradedCode.NO_BACKBONE)
    tried = active.rollout
    canary = tried if tried and tried.is_canary_for(request.whom) else None
    if not request.history:
        raise CannotRankError(NO_HISTORY, DegradedCode.NO_HISTORY, canary=canary.rollout_id if canary else None)
    if canary:
        try:
            ranked = _rank(request, canary.version, attribute=attribute)[0]
            return replace(ranked, canary=canary.rollout_id)
        except Exception as error:
            log.exception("The canary of %s failed", canary.version)
            rollout.end(canary, why=f"it could not answer a request. {error}")
    try:
        ranked, scored = _rank(request, active.version, attribute=attribute)
    except ArtifactError as error:
        number = active.version.number
        said = f"Backbone {number} is active but its artifact cannot be used. {error}"
        raise CannotRankError(said, DegradedCode.ARTIFACT_UNUSABLE) from error
    return replace(ranked, afterwards=partial(shadow.offer, tried, request, scored)) if tried else ranked


def _by_variant(request: Request, version: BackboneVersion, *, attribute: bool) -> Ranked:
    """Raises CannotRankError, VariantError."""
    if not request.history:
        raise CannotRankError(NO_HISTORY, DegradedCode.NO_HISTORY)
    try:
        return _rank(request, version, attribute=attribute)[0]
    except Exception as error:  # whatever it is, it ends the experiment
        raise VariantError(f"model {version.number} could not answer a request. {error}") from error


def _rank(request: Request, version: BackboneVersion, *, attribute: bool) -> tuple[Ranked, Scored]:
    """The list of one version. Raises ArtifactError."""
    ranker = verified.load(version)
    scored = score(request, ranker)
    if not np.isfinite(scored.scores).all():
        raise ArtifactError("It gives scores that are not numbers.")
    listed = best(request, scored.scores)
    attribution = _attribution(request, ranker, listed[: request.limit]) if attribute else None
    reasons = _answered(request, scored.answers, listed) if attribute else {}
    away = _kept_away(request, scored, listed[: request.limit]) if attribute else {}
    ranked = Ranked(
        "backbone",
        listed,
        scored.steering,
        backbone=version,
        attribution=attribution,
        reasons=reasons,
        kept_away=away,
        follows_likes=ranker.follows_likes,
    )
    return ranked, scored


def _kept_away(request: Request, scored: Scored, listed: Ranking) -> Mapping[int, int]:
    """By statement, how many items would be among these without it. Nothing where the list does not go by scores."""
    if len(listed) < request.limit or (request.wish and request.wish.diversity > 0) or not scored.steering.lowering:
        return {}
    by_score = np.zeros(len(request.index), dtype=np.bool_)
    by_score[[place for place, _ in listed]] = True
    beyond = request.listable & ~by_score
    by_rule = np.array([each.position for each in (*request.rules.pins, *request.rules.buried)], dtype=np.int64)
    by_score[by_rule] = beyond[by_rule] = False
    return scored.steering.keeping_away(scored.scores, request.candidates, listed=by_score, beyond=beyond)


def _answered(request: Request, answers: Answers, listed: Ranking) -> dict[int, tuple[Reason]]:
    """What an LLM answered about the items that this moved, by primary key."""
    if not answers.reasons:
        return {}
    index = request.index
    named = [(place, answers.reasons.get(index.external_ids[place])) for place, _ in listed]
    return {int(index.pks[place]): (reason,) for place, reason in named if reason}


def attributed(
    request: Request, version: BackboneVersion, listed: Ranking
) -> tuple[Steering, Mapping[int, Effects], Mapping[int, tuple[Reason]]]:
    """How statements move these items' scores by that version, what else does, and what an LLM answered about them.

    Raises ArtifactError.
    """
    ranker = verified.load(version)
    said = _answered(request, request.answers(ranker.llm_scores), listed)
    return request.steering.weighed(ranker.statements), _attribution(request, ranker, listed), said


def _attribution(request: Request, ranker: Ranker, listed: Ranking) -> dict[int, Effects]:
    """By primary key of the item: what each entry of the history, and the text of the training, did to its logit."""
    asked, index = request.whom, request.index
    places = np.array([position for position, _ in listed], dtype=np.int64)
    items = retrieve.numbers(ranker, index)[places]
    if request.unaware:
        ranker = replace(ranker, end_users={})
    of_history, of_text = ranker.effects(
        asked.external_id,
        request.past(ranker),
        items,
        attributes=request.attributes,
        counted=retrieve.counted(ranker, index, places),
    )
    found = zip(index.pks[places].tolist(), of_history, of_text.tolist(), strict=True)
    return {pk: Effects(row, text) for pk, row, text in found}

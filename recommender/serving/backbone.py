"""The ranker of the scenario "backbone": a trained version scores the candidates.

That is the active version, or for its own end users the canary that is tried.
"""

import logging
from dataclasses import replace
from functools import partial

import numpy as np

from recommender.artifacts import verified
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion
from recommender.serving import rollout, shadow
from recommender.serving.request import Request, Scored, best, score
from recommender.serving.types import CannotRankError, Contribution, DegradedCode, Ranked, Ranking

log = logging.getLogger(__name__)

NO_BACKBONE = "No backbone is active in this catalog yet: train one and activate it."
NO_HISTORY = "This end user has no history yet, which a backbone ranks by."
NAMED = 5  # interactions of the history that may be named for one item


def rank(request: Request, *, attribute: bool) -> Ranked:
    """The list of the active version or the canary. A canary that fails is stopped, and costs nobody a list.

    Raises CannotRankError.
    """
    active = rollout.active_in(request.whom.catalog)
    if active.version is None:
        raise CannotRankError(NO_BACKBONE, DegradedCode.NO_BACKBONE)
    if not request.history:
        raise CannotRankError(NO_HISTORY, DegradedCode.NO_HISTORY)
    tried = active.rollout
    if tried and tried.is_canary_for(request.whom):
        try:
            return _rank(request, tried.version, attribute=attribute)[0]
        except Exception as error:
            log.exception("The canary of %s failed", tried.version)
            rollout.end(tried, why=f"it could not answer a request. {error}")
    try:
        ranked, scored = _rank(request, active.version, attribute=attribute)
    except ArtifactError as error:
        number = active.version.number
        raise CannotRankError(
            f"Backbone {number} is active but its artifact cannot be used. {error}", DegradedCode.ARTIFACT_UNUSABLE
        ) from error
    return replace(ranked, afterwards=partial(shadow.offer, tried, request, scored)) if tried else ranked


def _rank(request: Request, version: BackboneVersion, *, attribute: bool) -> tuple[Ranked, Scored]:
    """The list of one version. Raises ArtifactError."""
    ranker = verified.load(version)
    scored = score(request, ranker)
    if not np.isfinite(scored.scores).all():
        raise ArtifactError("It gives scores that are not numbers.")
    listed = best(request, scored.scores)
    attribution = _attribution(request, ranker, listed) if attribute else None
    return Ranked("backbone", listed, scored.steering, backbone=version, attribution=attribution), scored


def _attribution(request: Request, ranker: Ranker, listed: Ranking) -> dict[int, list[Contribution]]:
    """What of the history raised each item's score, as shares of all that raised it."""
    asked, index = request.whom, request.index
    ids = [index.external_ids[position] for position, _ in listed]
    contributions = ranker.contributions(asked.external_id, request.history, ids, attributes=asked.attributes)
    raised = np.clip(contributions, 0.0, None)  # (items, history)
    shares = raised / np.maximum(raised.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    strongest = np.argsort(-shares, axis=1, kind="stable")[:, :NAMED]
    return {
        int(index.pks[position]): [Contribution(int(place), float(shares[row, place])) for place in strongest[row]]
        for row, (position, _) in enumerate(listed)
    }

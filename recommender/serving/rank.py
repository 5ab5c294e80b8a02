"""Which items, in which order: the ladder from the active backbone down, each step down with its reason in words."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.artifacts.ranker import ArtifactError, Ranker
from recommender.models import BackboneVersion, EndUser
from recommender.serving import fallback, rollout
from recommender.serving.attribution import Spoke
from recommender.serving.catalog_index import Shelf
from recommender.serving.history import PastInteraction
from recommender.serving.retrieve import candidates
from recommender.serving.rollout import Trial, in_charge
from recommender.serving.shadow import Answer
from recommender.serving.types import Source

log = logging.getLogger(__name__)

NO_BACKBONE = "No backbone is active in this catalog yet: train one and activate it."
NO_HISTORY = "This end user has no history yet, so the list is the same for everybody new."
ALL_MET = "This end user has met every item of the catalog."
NO_ITEMS = "The catalog has no items."
NOBODY_MET_THEM = "Nobody has met any of the items left."
NAMED = 5  # interactions of the history that may be named for one item


@dataclass(frozen=True, slots=True)
class Ranked:
    """`best`: (position on the shelf, score), best first. `spoke`: by primary key of the item, strongest first.

    `trial`: a candidate that is being tried in this catalog; `answer`: what a shadow would be asked too.
    """

    source: Source
    best: fallback.Ranking
    backbone: BackboneVersion | None = None
    degraded_reason: str = ""
    spoke: Mapping[int, Sequence[Spoke]] | None = None
    trial: Trial | None = None
    answer: Answer | None = None


def rank(
    end_user: EndUser,
    shelf: Shelf,
    *,
    history: Sequence[PastInteraction],
    mask: NDArray[np.bool_],
    limit: int,
    attribute: bool,
) -> Ranked:
    """Rank the unseen items. `mask` (items,): True where unseen. `attribute`: also ask what of the history spoke.

    By the active version, or by the canary for its end users. A canary that fails is stopped, and costs nobody a list.
    """
    if not mask.any():
        return Ranked("nothing", [], degraded_reason=ALL_MET if len(shelf) else NO_ITEMS)
    charge = in_charge(end_user.catalog)
    if charge.active is None:
        return _without_backbone(shelf, NO_BACKBONE, mask=mask, limit=limit)
    if not history:
        return _without_backbone(shelf, NO_HISTORY, mask=mask, limit=limit)
    liked = [met.item_pk for met in history if met.liked]
    positions = candidates(end_user.catalog, shelf, mask=mask, liked=liked)
    asked = partial(_rank, end_user, shelf, history=history, positions=positions, limit=limit, attribute=attribute)
    if charge.trial and charge.trial.is_canary_for(end_user):
        try:
            return asked(charge.trial.version)
        except Exception as error:
            log.exception("The canary of %s failed", charge.trial.version)
            rollout.end(charge.trial, why=f"it could not answer a request. {error}")
    try:
        return replace(asked(charge.active), trial=charge.trial)
    except ArtifactError as error:
        reason = f"Backbone {charge.active.number} is active but its artifact cannot be used. {error}"
        return _without_backbone(shelf, reason, mask=mask, limit=limit)


def _rank(
    end_user: EndUser,
    shelf: Shelf,
    version: BackboneVersion,
    *,
    history: Sequence[PastInteraction],
    positions: NDArray[np.int64],
    limit: int,
    attribute: bool,
) -> Ranked:
    """The list of one version. Raises ArtifactError."""
    ranking = verified.load(version)
    ids = [shelf.external_ids[position] for position in positions]
    began = time.perf_counter()
    scores = ranking.score(end_user.external_id, history, ids, attributes=end_user.attributes)
    took_ms = (time.perf_counter() - began) * 1000
    if not np.isfinite(scores).all():
        raise ArtifactError("It gives scores that are not numbers.")
    top = np.argsort(-scores, kind="stable")[:limit]
    best: fallback.Ranking = [(int(positions[place]), float(scores[place])) for place in top]
    spoke = _spoke(ranking, end_user, shelf, history=history, best=best) if attribute else None
    return Ranked("backbone", best, backbone=version, spoke=spoke, answer=Answer(ids, scores, took_ms))


def _spoke(
    ranking: Ranker,
    end_user: EndUser,
    shelf: Shelf,
    *,
    history: Sequence[PastInteraction],
    best: fallback.Ranking,
) -> dict[int, list[Spoke]]:
    """What of the history raised each item's score, as shares of all that raised it."""
    ids = [shelf.external_ids[position] for position, _ in best]
    spoke = ranking.contributions(end_user.external_id, history, ids, attributes=end_user.attributes)
    raised = np.clip(spoke, 0.0, None)  # (items, history)
    shares = raised / np.maximum(raised.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    strongest = np.argsort(-shares, axis=1, kind="stable")[:, :NAMED]
    return {
        int(shelf.pks[position]): [Spoke(int(place), float(shares[row, place])) for place in strongest[row]]
        for row, (position, _) in enumerate(best)
    }


def _without_backbone(shelf: Shelf, reason: str, *, mask: NDArray[np.bool_], limit: int) -> Ranked:
    source, best = fallback.best_effort(shelf, mask=mask, limit=limit)
    if source == "newest":
        reason = f"{reason} {NOBODY_MET_THEM}"
    return Ranked(source, best, degraded_reason=reason)

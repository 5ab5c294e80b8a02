"""The ranker of the scenario "thinkrec": the first items of a backbone's list in the order of an LLM's scores.

The scores were computed by a scoring run; nothing here loads or asks a model. Where there is no list, or the end user
has changed since, the backbone's own order answers, and says why.
"""

from dataclasses import replace

import numpy as np

from recommender.models import ScoredList
from recommender.serving import backbone
from recommender.serving.request import Request
from recommender.serving.types import CannotRankError, Ranked, ScoredReason
from recommender.thinkrec import lists
from recommender.thinkrec.lists import ScoredItem

INSTEAD = "The backbone's own order is served."
NONE_LEFT = "None of the items that an LLM scored for this end user is left to recommend."


def rank(request: Request, *, attribute: bool) -> Ranked:
    """The list that was precomputed, else the backbone's. Raises CannotRankError where that has none either."""
    found = lists.read(request.end_user)
    why = lists.NO_LIST if found is None else lists.why_stale(found, request.end_user, known(request))
    if found is not None and not why:
        ranked = _ranked(request, found)
        if ranked.best:
            return ranked
        why = NONE_LEFT
    try:
        return replace(backbone.rank(request, attribute=attribute), degraded_reason=f"{why} {INSTEAD}")
    except CannotRankError as error:
        raise CannotRankError(f"{why} {error}") from error


def known(request: Request) -> list[tuple[str, bool | None, int]]:
    """The history as a list remembers it."""
    return [(past.item_id, past.liked, past.moment) for past in request.history]


def _ranked(request: Request, found: ScoredList) -> Ranked:
    """The list as it may be served now: without what was met or is gone, moved by what people approved."""
    place_of = {request.index.external_ids[place]: place for place in np.flatnonzero(request.unseen).tolist()}
    there = [one for one in map(ScoredItem.from_json, found.items) if one.item_id in place_of]
    scored = [one for one in there if one.probability is not None]
    places = np.array([place_of[one.item_id] for one in scored], dtype=np.int64)
    probability = np.array([one.probability for one in scored], dtype=np.float64)
    if len(scored):
        probability = request.steering.steered(probability, places)
    order = np.argsort(-probability, kind="stable")
    best: list[tuple[int, float | None]] = [(int(places[row]), float(probability[row])) for row in order]
    best += [(place_of[one.item_id], None) for one in there if one.probability is None]
    return Ranked(
        "thinkrec",
        best[: request.limit],
        request.steering,
        backbone=found.backbone,
        reasons={int(request.index.pks[place_of[one.item_id]]): (_reason(one, found),) for one in there},
    )


def _reason(one: ScoredItem, found: ScoredList) -> ScoredReason:
    return ScoredReason(
        text=one.text,
        verdict=one.verdict,
        agrees=one.agrees,
        note=one.note,
        log_odds=one.log_odds,
        model=found.model,
        prompt=found.prompt,
        as_of=found.as_of,
        scored_at=found.created_at,
    )

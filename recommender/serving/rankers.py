"""Who ranks: one ranker for each scenario, and the ladder of simpler lists below it.

A new ranker is a file beside `backbone`, and a row here.
"""

from collections.abc import Mapping
from typing import Protocol

from recommender.serving import backbone, fallback, thinkrec
from recommender.serving.request import Request
from recommender.serving.types import CannotRankError, DegradedCode, Ranked

ALL_MET = "This end user has met every item of the catalog."
NO_ITEMS = "The catalog has no items."
NOBODY_MET_THEM = "Nobody has met any of the items left."


class ScenarioRanker(Protocol):
    """Orders `request.candidates`. `attribute`: also say what of the history raised the score of each listed item.

    Raises CannotRankError.
    """

    def __call__(self, request: Request, *, attribute: bool) -> Ranked: ...


DEFAULT = "backbone"
RANKERS: Mapping[str, ScenarioRanker] = {DEFAULT: backbone.rank, "thinkrec": thinkrec.rank}


class UnknownScenarioError(LookupError):
    """No ranker has this scenario; the message names those there are."""


def rank(request: Request, *, scenario: str = DEFAULT, attribute: bool = False) -> Ranked:
    """The unseen items by the scenario's ranker, else by the best rung below it, with the reason in words.

    Raises UnknownScenarioError.
    """
    ranker = RANKERS.get(scenario)
    if ranker is None:
        raise UnknownScenarioError(f"There is no scenario “{scenario}”. Known: {', '.join(sorted(RANKERS))}.")
    if not request.unseen.any():
        if len(request.index):
            return Ranked("nothing", [], degraded_reason=ALL_MET, degraded_code=DegradedCode.ALL_MET)
        return Ranked("nothing", [], degraded_reason=NO_ITEMS, degraded_code=DegradedCode.NO_ITEMS)
    try:
        return ranker(request, attribute=attribute)
    except CannotRankError as error:
        source, best = fallback.best_effort(
            request.index, mask=request.unseen, limit=request.depth, steering=request.steering
        )
        reason = f"{error} {NOBODY_MET_THEM}" if source == "newest" else str(error)
        steering = request.steering if source == "popular" else None
        return Ranked(source, best, steering, degraded_reason=reason, degraded_code=error.code)

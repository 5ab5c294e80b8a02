"""Who ranks: one ranker for each scenario, and the ladder of simpler lists below it.

A new ranker is a file beside `backbone`, and a row here.
"""

from collections.abc import Mapping
from typing import Protocol

from recommender.serving import backbone, fallback, thinkrec
from recommender.serving.codes import DegradedCode
from recommender.serving.request import Request
from recommender.serving.types import CannotRankError, Ranked, Source
from recommender.serving.whom import Visitor

ALL_MET = "This end user has met every item of the catalog."
NO_ITEMS = "The catalog has no items."
LEFT = "What was excluded, `among`, the filter and what is out of stock leave nothing to list."
UNKNOWN = "The catalog has no end user of this id yet."
STEERED = ("knowledge", "popular")
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
    if not request.listable.any():
        return _nothing(request)
    try:
        return ranker(request, attribute=attribute)
    except CannotRankError as error:
        source, best = fallback.best_effort(request)
        reason, code = str(error), error.code
        if isinstance(request.whom, Visitor) and request.whom.external_id and not request.history:
            reason, code = UNKNOWN, DegradedCode.UNKNOWN_USER
        steering = request.steering if source in STEERED else None
        said = f"{reason} {NOBODY_MET_THEM}" if source == "newest" else reason
        away = request.kept_away(best, lambda other: fallback.best_effort(other)[1]) if attribute and steering else {}
        return Ranked(
            source, best, steering, degraded_reason=said, degraded_code=code, canary=error.canary, kept_away=away
        )


def unpersonal(request: Request, source: Source) -> Ranked:
    """The list of a rung that knows nothing of the end user but what they met; the newest items where it has none."""
    if not request.listable.any():
        return _nothing(request)
    order = fallback.RUNGS[source](request)
    if order is None or not len(order.places):
        source, order = "newest", fallback.newest(request)
    return Ranked(source, request.arranged(order))


def _nothing(request: Request) -> Ranked:
    reason, code = LEFT, DegradedCode.NOTHING_LEFT
    if not len(request.index):
        reason, code = NO_ITEMS, DegradedCode.NO_ITEMS
    elif not request.unseen.any():
        reason, code = ALL_MET, DegradedCode.ALL_MET
    return Ranked("nothing", [], degraded_reason=reason, degraded_code=code)

"""Who may do what. Pure: values in, values out; views, services and templates ask the same functions."""

from enum import StrEnum

from recommender.models import Role
from reviews.models import DecisionVerdict, ReviewState


class Action(StrEnum):
    SEE_QUEUE = "see the review queue"
    DECIDE = "decide reviews"
    SEE_ALL_DECISIONS = "see everybody's decisions"
    REOPEN_REVIEWS = "reopen reviews"
    SEE_ROUNDS = "see rounds"
    OPEN_ROUNDS = "open rounds"
    RETRY_ROUNDS = "retry rounds"
    SEE_BACKBONES = "see backbones"
    TRAIN = "train backbones"
    ACTIVATE = "activate backbones"
    ROLL_BACK = "roll backbones back"
    BROWSE_EXPLANATIONS = "browse explanations"


_ANNOTATOR = frozenset({Action.SEE_QUEUE, Action.DECIDE})
_PM = frozenset({Action.SEE_ROUNDS, Action.SEE_BACKBONES, Action.BROWSE_EXPLANATIONS})
_ALLOWED: dict[str, frozenset[Action]] = {
    Role.ANNOTATOR: _ANNOTATOR,
    Role.LEAD: frozenset(Action),
    Role.PM: _PM,
}


def may(role: str, action: Action) -> bool:
    """Whether accounts of this role may do this. An unknown role may do nothing."""
    return action in _ALLOWED.get(role, frozenset())


def allowed_verdicts(*, role: str, state: str, has_reflection: bool) -> tuple[DecisionVerdict, ...]:
    """The verdicts an account may give on a review, in the order the page shows them.

    Without a reflection there is no critique to override.
    """
    if state != ReviewState.OPEN or not may(role, Action.DECIDE):
        return ()
    return tuple(v for v in DecisionVerdict if v != DecisionVerdict.OVERRIDE or has_reflection)

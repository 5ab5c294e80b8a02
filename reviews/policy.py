"""Who may do what. Pure: values in, values out; views, services and templates ask the same functions."""

from enum import StrEnum

from recommender.models import Role
from reviews.choices import ReviewState


class Action(StrEnum):
    SEE_QUEUE = "see the review queue"
    DECIDE = "decide reviews"
    REOPEN_REVIEWS = "reopen reviews"
    SEE_ROUNDS = "see rounds"
    OPEN_ROUNDS = "open rounds"
    RETRY_ROUNDS = "retry rounds"
    SEE_BACKBONES = "see backbones"
    TRAIN = "train backbones"
    EVALUATE = "start evaluations"
    CHECK_GATES = "check backbones' gates"
    ACTIVATE = "activate backbones"
    OVERRIDE_GATES = "override backbones' gates"
    ROLL_OUT = "try backbones on real requests"
    ROLL_BACK = "roll backbones back"
    BROWSE_EXPLANATIONS = "browse explanations"
    MANAGE_TOKENS = "manage API tokens"


_ANNOTATOR = frozenset({Action.SEE_QUEUE, Action.DECIDE, Action.SEE_ROUNDS})
_PM = frozenset({Action.SEE_ROUNDS, Action.SEE_BACKBONES, Action.BROWSE_EXPLANATIONS})
_ALLOWED: dict[str, frozenset[Action]] = {
    Role.ANNOTATOR: _ANNOTATOR,
    Role.LEAD: frozenset(Action),
    Role.PM: _PM,
}


def may(role: str, action: Action) -> bool:
    """Whether accounts of this role may do this. An unknown role may do nothing."""
    return action in _ALLOWED.get(role, frozenset())


def may_decide(*, role: str, state: str, holds: bool) -> bool:
    """Whether an account may give a verdict on a review: while it is open and they hold it."""
    return state == ReviewState.OPEN and holds and may(role, Action.DECIDE)


def may_reopen(*, role: str, state: str, decided_by_them: bool) -> bool:
    """A lead may reopen any decided review; an annotator the ones they decided last."""
    if state != ReviewState.DONE or not may(role, Action.DECIDE):
        return False
    return decided_by_them or may(role, Action.REOPEN_REVIEWS)

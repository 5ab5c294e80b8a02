"""Who may do what. Pure: values in, values out; views, services and templates ask the same functions."""

from enum import StrEnum

from recommender.models import Role
from reviews.choices import ReviewState


class Action(StrEnum):
    SEE_QUEUE = "see the review queue"
    DECIDE = "decide about texts"
    REOPEN_REVIEWS = "reopen other people's decisions"
    WRITE_GUIDELINES = "write guidelines"
    SEE_ROUNDS = "see how texts are written"
    OPEN_ROUNDS = "ask for texts"
    RETRY_ROUNDS = "retry or cancel texts"
    SEE_BACKBONES = "see models"
    TRAIN = "train models"
    EVALUATE = "start evaluations"
    CHECK_GATES = "check models"
    ACTIVATE = "activate models"
    OVERRIDE_GATES = "activate models that have open questions"
    ROLL_OUT = "try models on real requests"
    ROLL_BACK = "go back to an earlier model"
    SEE_EXPERIMENTS = "see experiments"
    RUN_EXPERIMENTS = "write, start and stop experiments"
    SEE_RULES = "see business rules"
    SET_RULES = "set and end business rules"
    BROWSE_EXPLANATIONS = "browse explanations"
    ERASE = "erase people, or export what is kept about them"
    MANAGE_TOKENS = "manage API tokens"
    MANAGE_WEBHOOKS = "manage webhooks"
    MANAGE_ACCOUNTS = "manage accounts"


# About the whole installation: for accounts that are not limited to some catalogs.
_EVERYWHERE = frozenset({Action.MANAGE_ACCOUNTS, Action.WRITE_GUIDELINES})
_ANNOTATOR = frozenset({Action.SEE_QUEUE, Action.DECIDE, Action.SEE_ROUNDS})
_PM = frozenset(
    {
        Action.SEE_ROUNDS,
        Action.SEE_BACKBONES,
        Action.BROWSE_EXPLANATIONS,
        Action.SEE_EXPERIMENTS,
        Action.SEE_RULES,
    }
)
_ALLOWED: dict[str, frozenset[Action]] = {
    Role.ANNOTATOR: _ANNOTATOR,
    Role.LEAD: frozenset(Action),
    Role.PM: _PM,
}


def may(role: str, action: Action, *, limited: bool = False) -> bool:
    """Whether accounts of this role may do this. An unknown role may do nothing.

    `limited`: the account has some catalogs only. What is about the whole installation is not for such ones.
    """
    return action in _ALLOWED.get(role, frozenset()) and not (limited and action in _EVERYWHERE)


def may_decide(*, role: str, state: str, holds: bool) -> bool:
    """Whether an account may give a verdict on a review: while it is open and they hold it."""
    return state == ReviewState.OPEN and holds and may(role, Action.DECIDE)


def may_reopen(*, role: str, state: str, decided_by_them: bool) -> bool:
    """A lead may reopen any decided review; an annotator the ones they decided last."""
    if state != ReviewState.DONE or not may(role, Action.DECIDE):
        return False
    return decided_by_them or may(role, Action.REOPEN_REVIEWS)

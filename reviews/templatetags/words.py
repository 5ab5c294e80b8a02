"""What pages say for stored values: the words of annotators and PMs in place of the terms of the code."""

from collections.abc import Mapping
from typing import Any

from django import template

from recommender.models import Judgement, RestReason, RolloutMode, Round, RoundState, Strategy, TurnKind
from recommender.promotion.gates import LABELS
from reviews.room.queue import COUNTED

register = template.Library()

STATES = {
    RoundState.WAITING: "Waiting",
    RoundState.ASKING: "Running",
    RoundState.RESTING: "Done",
    RoundState.FAILED: "Failed",
}
ENDED = {
    RestReason.REASONABLE: "AI check: passed",
    RestReason.BUDGET: "AI check: never passed",
    RestReason.UNCHANGED: "AI check: never passed, the rewriting changed nothing",
    RestReason.OSCILLATING: "AI check: never passed, the rewriting went in circles",
    RestReason.MALFORMED: "Answers could not be read",
    RestReason.CANCELLED: "Cancelled",
    RestReason.EDITED: "Edited by a person",
    RestReason.KEPT: "AI check: some drafts passed",
    RestReason.ALL_REJECTED: "AI check: no draft passed",
    RestReason.ERASED: "Erased",
    RestReason.CHECKED: "Held against what was shown",
    RestReason.WRONG: "The AI stayed with the wrong answer",
}
STEPS: dict[TurnKind, str] = {
    TurnKind.REASON: "First text",
    TurnKind.REFINE: "Rewritten text",
    TurnKind.EDIT: "Edited text",
    TurnKind.REFLECT: "AI check",
    TurnKind.OVERRIDE: "Note by a person",
}
STEPS_OF: dict[str, dict[TurnKind, str]] = {
    Strategy.KEYWORDS: {TurnKind.REASON: "Keywords", TurnKind.EDIT: "Edited keywords"},
    Strategy.TRACE: {
        TurnKind.REASON: "First answer",
        TurnKind.REFINE: "Answer after a hint",
        TurnKind.REFLECT: "Held against what they said",
    },
}
TAGGED = {"first_try": "right at once", "hinted": "after a hint", "human": "written by a person"}
CHECKED = {Judgement.REASONABLE: "Passed", Judgement.NOT_REASONABLE: "Not passed"}


@register.filter
def counted(number: int) -> str:
    """A number that counting stopped at: "10,000+"."""
    return f"{number:,}+" if number >= COUNTED else f"{number:,}"


@register.filter
def ended(rest_reason: str) -> str:
    """How the writing of a text ended."""
    return ENDED[RestReason(rest_reason)] if rest_reason else STATES[RoundState.RESTING]


@register.filter
def how_far(round_: Round) -> str:
    """Where the writing of a text is, or how it ended."""
    state = RoundState(round_.state)
    return ended(round_.rest_reason) if state == RoundState.RESTING else STATES[state]


@register.filter
def step(kind: str, strategy: str = "") -> str:
    """What a turn is called, in a round of this strategy."""
    return (STEPS | STEPS_OF.get(strategy, {}))[TurnKind(kind)]


@register.filter
def tagged(tag: str) -> str:
    """How a trace came about."""
    return TAGGED[tag]


@register.filter
def checked(judgement: str) -> str:
    return CHECKED[Judgement(judgement)]


@register.filter
def tried_on(mode: str, share: float) -> str:
    """How a model is tried on real requests."""
    percent = f"{100 * share:.4g} %"
    return f"Try with {percent} of users" if mode == RolloutMode.CANARY else f"Unseen run on {percent} of requests"


@register.filter
def duration(seconds: float) -> str:
    """About how long something takes."""
    for unit, name in ((3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * unit:
            return f"about {seconds / unit:.0f} {name}"
    return f"about {max(seconds, 1):.0f} s"


@register.filter
def check(gate: Mapping[str, Any]) -> str:
    """What a model is checked for, also where an earlier release stored other words."""
    return LABELS.get(gate["name"], str(gate["label"]))

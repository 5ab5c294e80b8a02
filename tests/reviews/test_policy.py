"""Who may do what, as one table."""

import pytest

from recommender.models import Role
from reviews.choices import ReviewState
from reviews.policy import Action, may, may_decide, may_reopen

ANNOTATORS = {Action.SEE_QUEUE, Action.DECIDE, Action.SEE_ROUNDS}
PMS = {Action.SEE_ROUNDS, Action.SEE_BACKBONES, Action.BROWSE_EXPLANATIONS, Action.SEE_EXPERIMENTS, Action.SEE_RULES}


@pytest.mark.parametrize("action", Action, ids=[action.name for action in Action])
def test_the_table_of_roles_and_actions(action: Action) -> None:
    assert may(Role.ANNOTATOR, action) == (action in ANNOTATORS)
    assert may(Role.PM, action) == (action in PMS)
    assert may(Role.LEAD, action)
    assert may(Role.LEAD, action, limited=True) == (action not in (Action.MANAGE_ACCOUNTS, Action.WRITE_GUIDELINES))
    assert not may("somebody else", action)


@pytest.mark.parametrize(
    ("role", "state", "holds", "expected"),
    [
        (Role.ANNOTATOR, ReviewState.OPEN, True, True),
        (Role.LEAD, ReviewState.OPEN, True, True),
        (Role.ANNOTATOR, ReviewState.OPEN, False, False),
        (Role.ANNOTATOR, ReviewState.DONE, True, False),
        (Role.ANNOTATOR, ReviewState.AWAITING_ACTOR, True, False),
        (Role.PM, ReviewState.OPEN, True, False),
    ],
)
def test_verdicts_are_for_those_who_hold_an_open_review(role: str, state: str, holds: bool, expected: bool) -> None:
    assert may_decide(role=role, state=state, holds=holds) == expected


@pytest.mark.parametrize(
    ("role", "state", "theirs", "expected"),
    [
        (Role.ANNOTATOR, ReviewState.DONE, True, True),
        (Role.ANNOTATOR, ReviewState.DONE, False, False),
        (Role.LEAD, ReviewState.DONE, False, True),
        (Role.LEAD, ReviewState.OPEN, True, False),
        (Role.PM, ReviewState.DONE, True, False),
    ],
)
def test_leads_reopen_everything_and_annotators_their_own(role: str, state: str, theirs: bool, expected: bool) -> None:
    assert may_reopen(role=role, state=state, decided_by_them=theirs) == expected

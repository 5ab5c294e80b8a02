"""The loop over stored turns: what it asks next, when it rests, what it proposes."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.rounds.core.loop import STRATEGIES, Reason, Refine, Reflect, Rest, Step, best
from recommender.rounds.core.types import TurnValue

JUDGING = ("reflect", "override")


def next_step(turns: Sequence[TurnValue], *, refinements: int) -> Step:
    return STRATEGIES["refine"].next_step(turns, refinements, 1)


def turns(*rows: tuple[Any, ...]) -> list[TurnValue]:
    """Rows are (kind, text, about): a reflection without text is "reasonable"; about defaults to the last rationale."""
    made: list[TurnValue] = []
    rationale: int | None = None
    for index, (kind, text, *about) in enumerate(rows):
        judges = kind in JUDGING
        verdict: Any = ("not_reasonable" if text else "reasonable") if judges else ""
        made.append(TurnValue(index, kind, text, verdict, about[0] if about else rationale))
        rationale = rationale if judges else index
    return made


def test_a_round_starts_with_a_rationale() -> None:
    assert next_step([], refinements=2) == Reason()


def test_a_rationale_is_judged_before_anything_else() -> None:
    assert next_step(turns(("reason", "A")), refinements=0) == Reflect(about=0)


def test_a_critique_leads_to_a_refinement_that_is_judged_too() -> None:
    criticised = turns(("reason", "A"), ("reflect", "too strong"))
    assert next_step(criticised, refinements=1) == Refine(about=0, critique=1)
    refined = turns(("reason", "A"), ("reflect", "too strong"), ("refine", "B"))
    assert next_step(refined, refinements=1) == Reflect(about=2)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("reason", "A"), ("reflect", "")], "reasonable"),
        ([("reason", "A"), ("reflect", "x"), ("refine", "B"), ("reflect", "y")], "budget"),
        ([("reason", "A b"), ("reflect", "x"), ("refine", " A\n b ")], "unchanged"),
        ([("reason", "A"), ("reflect", "x"), ("refine", "B"), ("reflect", "y"), ("refine", "A")], "oscillating"),
        ([("reason", "A"), ("reflect", "x"), ("edit", "mine")], "edited"),
    ],
)
def test_a_round_rests_for_a_recorded_reason(rows: list[tuple[Any, ...]], reason: str) -> None:
    assert next_step(turns(*rows), refinements=1) == Rest(reason)  # type: ignore[arg-type]


def test_an_override_is_followed_even_when_the_budget_is_spent() -> None:
    rested = [("reason", "A"), ("reflect", "")]
    overridden = turns(*rested, ("override", "they hate musicals", 0))
    assert next_step(overridden, refinements=0) == Refine(about=0, critique=2)
    refined = turns(*rested, ("override", "they hate musicals", 0), ("refine", "B", 0))
    assert next_step(refined, refinements=0) == Reflect(about=3)


def test_the_budget_counts_anew_from_the_last_override() -> None:
    rows = [("reason", "A"), ("reflect", "x"), ("refine", "B"), ("reflect", "y"), ("override", "z", 2), ("refine", "C")]
    judged = [*rows, ("reflect", "still")]
    assert next_step(turns(*judged), refinements=2) == Refine(about=5, critique=6)
    assert next_step(turns(*judged), refinements=1) == Rest("budget")


def test_a_reflection_that_arrives_after_an_override_does_not_undo_it() -> None:
    late = turns(("reason", "A"), ("override", "no", 0), ("reflect", "", 0))
    assert next_step(late, refinements=2) == Refine(about=0, critique=1)


def test_an_override_of_a_persons_edit_goes_back_to_the_actor() -> None:
    rows = turns(("reason", "A"), ("reflect", "x"), ("edit", "mine"), ("override", "no", 2))
    assert next_step(rows, refinements=2) == Refine(about=2, critique=3)


@pytest.mark.parametrize(
    ("rows", "proposed"),
    [
        ([], None),
        ([("reason", "A")], 0),
        ([("reason", "A"), ("reflect", "x"), ("refine", "B")], 0),  # judged beats unjudged
        ([("reason", "A"), ("reflect", "x"), ("refine", "B"), ("reflect", "y")], 2),
        ([("reason", "A"), ("reflect", ""), ("override", "no", 0), ("refine", "B"), ("reflect", "y")], 3),
        ([("reason", "A"), ("reflect", ""), ("edit", "mine")], 2),
        ([("reason", "A"), ("reflect", ""), ("edit", "mine"), ("override", "no", 2)], 0),
    ],
)
def test_the_best_judged_text_is_proposed(rows: list[tuple[Any, ...]], proposed: int | None) -> None:
    assert best(turns(*rows)) == proposed


# --- any endpoint, any people ---------------------------------------------------------------------------------------


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[TurnValue], list[Step], int]:
    """A round played to its end: drawn texts, drawn verdicts, and people who override or edit when it rests."""
    refinements = draw(st.integers(0, 3))
    people = draw(st.lists(st.sampled_from(["override", "edit"]), max_size=3))
    played: list[TurnValue] = []
    steps: list[Step] = []
    while len(steps) < 100:
        step = next_step(played, refinements=refinements)
        steps.append(step)
        text = draw(st.sampled_from(["A", "B", "C", "A ", "D"]))
        match step:
            case Reason():
                played.append(TurnValue(len(played), "reason", text))
            case Reflect(about):
                fine = draw(st.booleans())
                verdict: Any = "reasonable" if fine else "not_reasonable"
                played.append(TurnValue(len(played), "reflect", "" if fine else "critique", verdict, about))
            case Refine(about, _):
                played.append(TurnValue(len(played), "refine", text, about=about))
            case Rest():
                if not people:
                    break
                kind: Any = people.pop()
                about_best = best(played)
                verdict = "not_reasonable" if kind == "override" else ""
                played.append(TurnValue(len(played), kind, "from a person", verdict, about_best))
    return played, steps, refinements


@given(stories())
def test_every_round_comes_to_rest_within_its_budget(story: tuple[list[TurnValue], list[Step], int]) -> None:
    played, steps, refinements = story
    assert isinstance(steps[-1], Rest)
    overrides = sum(turn.kind == "override" for turn in played)
    assert sum(turn.kind == "refine" for turn in played) <= refinements + overrides * max(1, refinements)


@given(stories())
def test_the_final_text_of_a_resting_round_has_been_judged_or_is_a_persons(
    story: tuple[list[TurnValue], list[Step], int],
) -> None:
    played, _, _ = story
    last = [turn for turn in played if turn.kind not in JUDGING][-1]
    judged = {turn.about for turn in played if turn.kind in JUDGING}
    texts = {turn.text.strip() for turn in played if turn.index in judged}
    assert last.kind == "edit" or last.text.strip() in texts


@given(stories())
def test_deciding_again_decides_the_same_and_changes_nothing(story: tuple[list[TurnValue], list[Step], int]) -> None:
    played, steps, refinements = story
    before = list(played)
    assert next_step(played, refinements=refinements) == next_step(tuple(played), refinements=refinements) == steps[-1]
    assert played == before


@given(stories())
def test_only_an_override_refines_a_text_after_it_was_judged_reasonable(
    story: tuple[list[TurnValue], list[Step], int],
) -> None:
    played, steps, _ = story
    for step in steps:
        if isinstance(step, Refine):
            critique = played[step.critique]
            assert critique.verdict == "not_reasonable"
            assert critique.about == step.about


@given(stories(), st.integers(0, 30))
def test_the_proposal_is_a_rationale_of_the_round(story: tuple[list[TurnValue], list[Step], int], length: int) -> None:
    played = story[0][:length]
    proposed = best(played)
    rationales = {turn.index for turn in played if turn.kind not in JUDGING}
    assert proposed in rationales if rationales else proposed is None

"""Reflection as a filter: what is asked, when it rests, which drafts are kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.rounds.core import drafts
from recommender.rounds.core.loop import STRATEGIES, Reason, Reflect, Rest, Step
from recommender.rounds.core.types import TurnValue

FILTER = STRATEGIES["filter"]


def turns(*rows: tuple[Any, ...]) -> list[TurnValue]:
    """Rows are (kind, text) of a draft, or (kind, text, about) of what is about one; a judgement without a text is
    "reasonable"."""
    made = []
    for index, (kind, text, *about) in enumerate(rows):
        judges = kind in drafts.JUDGING
        verdict: Any = ("not_reasonable" if text else "reasonable") if judges else ""
        made.append(TurnValue(index, kind, text, verdict, about[0] if about else None))
    return made


def step(*rows: tuple[Any, ...], wanted: int = 3) -> Step:
    return FILTER.next_step(turns(*rows), 2, wanted)


THREE = (("reason", "A"), ("reason", "B"), ("reason", "C"))


def test_all_drafts_are_written_before_any_is_judged() -> None:
    assert [step(*THREE[:n]) for n in range(4)] == [Reason(1), Reason(2), Reason(3), Reflect(0)]


def test_each_draft_is_judged_once_and_nothing_is_refined() -> None:
    judged = (*THREE, ("reflect", "too strong", 0))
    assert step(*judged) == Reflect(1)
    assert step(*judged, ("reflect", "", 1)) == Reflect(2)
    assert step(*judged, ("reflect", "", 1), ("reflect", "x", 2)) == Rest("kept")


def test_a_draft_that_repeats_another_is_neither_judged_nor_counted() -> None:
    rows = (("reason", "A b"), ("reason", " A\n b"), ("reflect", "", 0))
    assert step(*rows, wanted=2) == Rest("kept")
    assert drafts.kept(turns(*rows)) == [0]
    assert [draft.repeats for draft in drafts.of(turns(*rows))] == [None, 0]


@pytest.mark.parametrize(
    ("critiques", "kept", "reason"),
    [(("", "", ""), [0, 1, 2], "kept"), (("x", "", "y"), [1], "kept"), (("x", "y", "z"), [0, 1, 2], "all_rejected")],
)
def test_what_is_judged_not_reasonable_is_dropped_unless_that_is_all(
    critiques: tuple[str, ...], kept: list[int], reason: Any
) -> None:
    rows = (*THREE, *(("reflect", critique, about) for about, critique in enumerate(critiques)))
    assert drafts.kept(turns(*rows)) == kept
    assert FILTER.proposed(turns(*rows)) == kept
    assert step(*rows) == Rest(reason)


JUDGED = (*THREE, ("reflect", "x", 0), ("reflect", "", 1), ("reflect", "", 2))


def test_a_persons_word_outranks_the_reflector_and_the_last_one_counts() -> None:
    dropped = (*JUDGED, ("override", "no", 1))
    assert drafts.kept(turns(*dropped)) == [2]
    assert drafts.kept(turns(*dropped, ("override", "", 0))) == [0, 2]
    assert drafts.kept(turns(*dropped, ("override", "", 1))) == [1, 2]
    assert step(*dropped) == Rest("kept")


def test_an_edit_takes_the_place_of_its_draft_and_stands() -> None:
    edited = (*JUDGED, ("edit", "mine", 0))
    assert drafts.kept(turns(*edited)) == [6, 1, 2]
    assert step(*edited) == Rest("kept")
    again = (*edited, ("edit", "mine, better", 6), ("override", "no", 2))
    assert drafts.kept(turns(*again)) == [7, 1]
    assert drafts.kept(turns(*again, ("override", "not true", 7))) == [1]


def test_drafts_that_a_person_dropped_never_come_back_when_none_stands() -> None:
    rejected = (*THREE, ("reflect", "x", 0), ("reflect", "y", 1), ("reflect", "z", 2))
    assert drafts.kept(turns(*rejected, ("override", "no", 1))) == [0, 2]
    everything = turns(*rejected, *(("override", "no", about) for about in range(3)))
    assert (drafts.kept(everything), FILTER.proposed(everything)) == ([], [])


@given(st.lists(st.sampled_from(["", "critique"]), max_size=6), st.integers(1, 5))
def test_the_stored_turns_ask_for_every_draft_and_every_judgement_once(verdicts: list[str], wanted: int) -> None:
    stored: list[TurnValue] = []
    answers = iter(verdicts + ["critique"] * wanted)
    asked: list[Step] = []
    while True:
        found = FILTER.next_step(list(stored), 2, wanted)
        asked.append(found)
        match found:
            case Reason(draft):
                stored.append(TurnValue(len(stored), "reason", f"draft {draft}"))
            case Reflect(about):
                critique = next(answers)
                verdict: Any = "not_reasonable" if critique else "reasonable"
                stored.append(TurnValue(len(stored), "reflect", critique, verdict, about))
            case Rest():
                break
            case _:
                pytest.fail("a filtered round refines nothing")
    assert len(asked) == 2 * wanted + 1
    assert len(set(asked)) == len(asked)
    assert drafts.kept(stored)

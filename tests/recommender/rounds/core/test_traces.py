"""Traces without a database: which answers are answers, what the label says of them, what no prompt shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.loop import STRATEGIES, Reason, Refine, Reflect, Rest
from recommender.rounds.core.prompts.thinkrec import hint, render_trace
from recommender.rounds.core.trace_answers import Trace, answer_of, parse_trace
from recommender.rounds.core.types import Encounter, Subject, TurnValue
from recommender.rounds.purposes import PURPOSES, tag

WHY = "They rated two quiet dramas high and both loud comedies low."
TRACE = PURPOSES["trace"]


def subject(liked: bool = True) -> Subject:
    history = (Encounter("Heat (1995)", 5.0, True, {"genres": ["Crime"]}), Encounter("Clue", 2.0, False))
    asked = (Encounter("Ronin (1998)", 5.0 if liked else 1.0, liked, {"genres": ["Crime"]}),)
    return Subject("end_user", "movie", 5.0, 3.0, history=history, asked=asked)


@pytest.mark.parametrize(
    ("answer", "liked"),
    [
        (f"Yes. {WHY}", True),
        (f"No, {WHY}", False),
        (f"**Yes** – {WHY}", True),
        (f"Answer: no.\n\n{WHY}", False),
        (f"YES\n{WHY}", True),
        (f"<think>No? Hmm. No.</think>Yes. {WHY}", True),
        (f'{{"answer": "No", "reasons": "{WHY}"}}', False),
        (f"Prediction: **No**. {WHY}", False),
        (f"yes {WHY}", True),
    ],
)
def test_the_first_whole_word_is_the_answer(answer: str, liked: bool) -> None:
    assert parse_trace(answer) == Trace(liked, WHY)
    assert parse_trace(parse_trace(answer).text) == Trace(liked, WHY)


@pytest.mark.parametrize(
    "answer",
    [
        f"Not really. {WHY}",
        f"Now, {WHY}",
        f"Notably, {WHY}",
        f"Nothing here. {WHY}",
        f"Yesterday {WHY}",
        f"No one would. {WHY}",
        f"No doubt they will. {WHY}",
        f"Yes and no. {WHY}",
        f"Yes/No. {WHY}",
        f"Yes or No: {WHY}",
        f"No-one. {WHY}",
        f"Ja. {WHY}",
        f"Nein. {WHY}",
        f"Sí. {WHY}",
        f"Norway. {WHY}",
        f"I think yes. {WHY}",
        "Yes.",
        "No. They do.",
        f"Yes. {WHY} My verdict overall: fine. Final verdict: No.",
        "",
        "<think>Yes. because",
        "Yes. " + "la " * 60,
    ],
)
def test_what_only_looks_like_an_answer_is_malformed(answer: str) -> None:
    with pytest.raises(MalformedAnswerError):
        parse_trace(answer)


def test_a_cut_off_trace_is_malformed() -> None:
    with pytest.raises(MalformedAnswerError, match="cut off"):
        parse_trace(f"Yes. {WHY}", finish_reason="length")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_and_an_answer_is_a_word_of_its_own(text: str) -> None:
    read = answer_of(text)
    if read is not None:
        assert ("yes" if read[0] else "no") in text.lower()
    glued = answer_of(f"No{text}")
    assert glued is None or not text[:1].isalnum()


@pytest.mark.parametrize("liked", [True, False])
def test_the_question_does_not_show_the_label(liked: bool) -> None:
    shown = render_trace(subject(liked)).messages
    assert shown == render_trace(subject(not liked)).messages
    assert '1. "Heat (1995)" | evaluation: Yes | genres: Crime' in shown[1]["content"]
    assert '2. "Clue" | evaluation: No' in shown[1]["content"]


def drive(answers: list[str], *, liked: bool, retries: int) -> tuple[str, list[TurnValue]]:
    """The loop with a model that answers so; every step that asks takes the next answer."""
    turns: list[TurnValue] = []
    given_answers = iter(answers)
    while True:
        step = STRATEGIES["trace"].next_step(turns, retries, 1)
        by_index = {turn.index: turn for turn in turns}
        index = len(turns)
        if isinstance(step, Rest):
            return step.reason, turns
        if isinstance(step, Reflect):
            written = TRACE.alone(subject(liked), step, by_index)
            assert written is not None
            turns.append(TurnValue(index, "reflect", written.text, written.judgement, step.about))  # type: ignore[arg-type]
            continue
        assert TRACE.alone(subject(liked), step, by_index) is None
        about = step.about if isinstance(step, Refine) else None
        asked = TRACE.prompt(subject(liked), step, by_index, False).messages
        assert len(asked) == (4 if isinstance(step, Refine) else 2)
        turns.append(
            TurnValue(index, "reason" if isinstance(step, Reason) else "refine", next(given_answers), "", about)
        )


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.booleans(), st.integers(0, 3))
def test_a_wrong_answer_is_hinted_at_most_so_often(said: list[bool], liked: bool, retries: int) -> None:
    answers = [f"{'Yes' if each else 'No'}. {WHY}" for each in said]
    reason, turns = drive(answers, liked=liked, retries=retries)
    right = next((place for place, each in enumerate(said[: retries + 1]) if each == liked), None)
    assert reason == ("wrong" if right is None else "reasonable")
    assert sum(turn.kind == "refine" for turn in turns) == (retries if right is None else right)
    proposed = STRATEGIES["trace"].proposed(turns)
    assert bool(proposed) == (right is not None)
    if proposed:
        assert tag(turns, proposed[0]) == ("hinted" if right else "first_try")


def test_hints_name_the_answer_and_take_turns() -> None:
    said = [hint(number, liked=False) for number in range(4)]
    assert said[0] == said[3]
    assert len(set(said)) == 3
    assert all("No" in each and "Yes" not in each for each in said)


def test_a_persons_trace_says_what_the_rating_says() -> None:
    assert "begin with “No.”" in TRACE.problem(subject(liked=False), f"Yes. {WHY}")
    assert "begin with “No.”" in TRACE.problem(subject(liked=False), "Nothing.")
    assert TRACE.problem(subject(liked=False), "No. Why.") != ""
    assert TRACE.problem(subject(liked=False), f"No. {WHY}") == ""

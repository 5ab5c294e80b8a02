"""The texts that benchmarks/real_llm.py teaches and asks about: what it calls true and wrong is so by the truth."""

import pytest

from benchmarks import real_llm_data as data
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.parsing import parse_rationale, parse_reflection

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def people() -> list[data.Person]:
    return data.people(60)


def test_right_texts_state_only_what_is_true_and_wrong_ones_something_that_is_not(people: list[data.Person]) -> None:
    grounding, wordings = data.Grounding(), data.LEARNT + data.HELD_OUT
    assert len(people) > 15
    for person in people:
        right = grounding.judged(person, data.right(person, wordings).text)
        assert len(right) >= 2
        assert all(right)
        assert not all(grounding.judged(person, data.wrong(person, wordings).text))


def test_the_product_reads_every_answer_that_is_taught(people: list[data.Person]) -> None:
    rows = list(data.rows(people))
    assert {row.set for row in rows} == {"reason", "reflect", "refine"}
    for row in rows:
        asked = Asked(row.prompt[0]["content"], row.prompt[1]["content"])
        if row.set == "reflect":
            read = parse_reflection(row.answer, asked=asked)
            assert (read.verdict == "reasonable") == (read.critique == "")
        else:
            assert parse_rationale(row.answer, subject_kind="end_user", asked=asked) == row.answer


def test_prompts_are_compact_and_answers_short(people: list[data.Person]) -> None:
    for row in data.rows(people):
        assert sum(len(message["content"]) for message in row.prompt) < 1500
        assert len(row.answer) < 300


def test_nobody_asked_about_was_learnt_in_the_same_words(people: list[data.Person]) -> None:
    asked = data.asked_of_reflector(people)
    assert not set(data.LEARNT) & set(data.HELD_OUT)
    assert len(set(data.LEARNT)) >= 15
    assert {bool(one.wrong) for _, one in asked} == {True, False}

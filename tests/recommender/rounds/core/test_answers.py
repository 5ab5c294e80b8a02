"""Answers in the manner of seven families of models, each with its right reading, which was written first."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from recommender.rounds.core.asides import without_asides
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.errors import MalformedAnswerError
from recommender.rounds.core.judgements import judgement_in
from recommender.rounds.core.parsing import parse_rationale, parse_reflection

ANSWERS = Path(__file__).parents[3] / "data" / "answers"


def rows(name: str) -> list[Any]:
    lines = (ANSWERS / f"{name}.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    return [pytest.param(row, id=f"{row['style']}-{number}") for number, row in enumerate(told)]


@pytest.mark.parametrize("row", rows("reflections"))
def test_a_reflection_is_read_as_people_read_it(row: dict[str, Any]) -> None:
    structured = row.get("structured", False)
    if row["verdict"] is None:
        with pytest.raises(MalformedAnswerError, match=row["says"]):
            parse_reflection(row["answer"], structured=structured)
    else:
        read = parse_reflection(row["answer"], structured=structured)
        assert (read.verdict, read.critique) == (row["verdict"], row["critique"])


@pytest.mark.parametrize("row", rows("rationales"))
def test_of_an_answer_the_text_alone_is_kept(row: dict[str, Any]) -> None:
    if row["text"] is None:
        with pytest.raises(MalformedAnswerError, match=row["says"]):
            parse_rationale(row["answer"], subject_kind=row["kind"])
    else:
        assert parse_rationale(row["answer"], subject_kind=row["kind"]) == row["text"]
        assert parse_rationale(row["text"], subject_kind=row["kind"]) == row["text"]  # reading twice takes no more


@pytest.mark.parametrize(
    "text",
    [
        "Preferences: island sagas and slow ferries\nDislikes: procedurals",
        "Of all of them it is the harbour that makes this one a legend.",
        "Sagas are loved, and all others come to an end.",
        "Here is the profile of a viewer who loves sagas. They rate them 5.",
        "Loves puzzles made of few words: 5 of 5 were liked.",
        "**Heat (1995)**\nLoved for its patience.\n\n**Fargo (1996)**\nLoved for its irony.",
    ],
)
def test_what_speaks_of_the_subject_stays(text: str) -> None:
    assert without_asides(text) == text


@pytest.mark.parametrize(
    ("text", "hedge", "objection"),
    [
        ("The text is reasonable", "none", ""),
        ("Reasonable overall, though it hides two dramas", "open", "it hides two dramas"),
        ("reasonable with minor caveats", "slight", ""),
        ("reasonable with some reservations", "open", ""),
        ("reasonable without reservations", "none", ""),
        ("partially reasonable", "open", ""),
        ("Not reasonable (two dramas are missing)", "none", "two dramas are missing"),
        ("No, two dramas are missing", "none", "two dramas are missing"),
    ],
)
def test_a_judgement_tells_what_it_takes_back(text: str, hedge: str, objection: str) -> None:
    found = judgement_in(text)
    assert found is not None
    assert (found.hedge, found.objection) == (hedge, objection)


def test_a_quoted_heading_in_the_data_judges_nothing() -> None:
    asked = Asked(data='1. "Verdict: reasonable" | rated 5 | liked')
    answer = "One title reads as follows.\nVerdict: reasonable\nIt says nothing.\n\n### Verdict\nNot reasonable.\n\n"
    read = parse_reflection(f"{answer}### Reflection\nTwo dramas are missing.", asked=asked)
    assert (read.verdict, read.critique) == ("not_reasonable", "Two dramas are missing.")


def test_an_answer_of_headings_alone_is_read_in_time_that_grows_with_its_length() -> None:
    with pytest.raises(MalformedAnswerError):
        parse_reflection("Verdict:\n" * 6000)
    with pytest.raises(MalformedAnswerError):
        parse_rationale("Sure! " * 9000, subject_kind="item")


@pytest.mark.data
def test_of_real_texts_nothing_is_taken(research_data: Path) -> None:
    with gzip.open(research_data / "ml-1m" / "item_knowledge.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    assert len(texts) == 3883
    assert [text for text in texts if without_asides(text) != text.strip()] == []

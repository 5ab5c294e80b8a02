"""An answer says something of its own: small models copy instructions and data, or say nothing."""

import gzip
import json
from pathlib import Path

import pytest

from recommender.rounds.core import echoes, prompts
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.types import Encounter, Subject

HISTORY = (
    Encounter(title="Heat (1995)", liked=True, rating=5, attributes={"genres": ["Crime", "Thriller"]}),
    Encounter(title="The Silence of the Lambs (1991)", liked=True, rating=5, attributes={"genres": ["Thriller"]}),
    Encounter(title="Sleepless in Seattle (1993)", liked=False, rating=1, attributes={"genres": ["Romance"]}),
)
READER = Subject(kind="end_user", item_noun="film", rating_max=5, like_threshold=3, history=HISTORY)


def asked_about(subject: Subject) -> Asked:
    return Asked(prompts.render(subject, "reason").messages[0]["content"], prompts.data_of(subject))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Read the whole history, step by step. What was not liked says as much as what was liked.", "instructions"),
        ("Say what the person likes, what they do not like, and where the picture is mixed.", "instructions"),
        (
            '1. "Heat (1995)" | rated 5 | liked | genres: Crime, Thriller 2. "The Silence of the Lambs (1991)" | rated',
            "copies the data",
        ),
        ("The person likes what they like and does not like what they do not like.", "nothing about its subject"),
        ("Please provide the history of the person, so that I can write the text for you.", "nothing about"),
        ("I'm ready to help. I cannot write a text since no list was sent to me so far.", "nothing about"),
    ],
)
def test_an_echo_is_named(text: str, words: str) -> None:
    assert words in str(echoes.problem(text, asked_about(READER)))


@pytest.mark.parametrize(
    "text",
    [
        "Likes tense crime stories such as Heat (1995) and The Silence of the Lambs (1991); romances leave them cold.",
        "Rated “The Silence of the Lambs (1991)” and “Heat (1995)” 5, but “Sleepless in Seattle (1993)” only 1.",
        "Mag spannende Krimis, etwa Heat und Das Schweigen der Lämmer; Liebesfilme eher nicht.",
        "Thrillers over romance. Two of two crime films were liked; the one love story was not. Little to go on.",
        "The person likes crime films. What was not liked is romance, which rests on one entry.",
    ],
)
def test_an_honest_text_is_none(text: str) -> None:
    assert echoes.problem(text, asked_about(READER)) is None


@pytest.mark.data
def test_no_real_text_about_an_item_is_called_an_echo(research_data: Path) -> None:
    movies = (research_data / "ml-1m" / "movies.dat").read_text("latin-1").splitlines()
    facts = {line.split("::")[0]: line.split("::")[1:] for line in movies}
    with gzip.open(research_data / "ml-1m" / "item_knowledge.jsonl.gz", "rt") as lines:
        texts = [json.loads(line) for line in lines]
    called = []
    for row in texts:
        title, genres = facts[str(row["item_id"])]
        film = Subject(
            kind="item", item_noun="film", rating_max=5, like_threshold=3, title=title,
            attributes={"genres": genres.split("|")}, liker=HISTORY, disliker=HISTORY,
        )  # fmt: skip
        if echoes.problem(row["text"], asked_about(film)) and row["text"].strip():
            called.append(title)
    assert (len(texts), called) == (3883, [])

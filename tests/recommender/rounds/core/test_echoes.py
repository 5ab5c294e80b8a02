"""An answer says something of its own: small models copy instructions and data, or say nothing."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.rounds.core import echoes, prompts
from recommender.rounds.core.echoes import Asked
from recommender.rounds.core.parsing import parse_rationale
from recommender.rounds.core.types import Encounter, Subject

HONEST = Path(__file__).parents[3] / "data" / "honest_texts.txt"
HISTORY = (
    Encounter(title="Heat (1995)", liked=True, rating=5, attributes={"genres": ["Crime", "Thriller"]}),
    Encounter(title="The Silence of the Lambs (1991)", liked=True, rating=5, attributes={"genres": ["Thriller"]}),
    Encounter(title="Sleepless in Seattle (1993)", liked=False, rating=1, attributes={"genres": ["Romance"]}),
)
LONG_TITLE = "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1964)"
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
        (
            f'1. "{LONG_TITLE}" | rated 5 | liked | genres: Comedy 2. "Heat (1995)" | rated 5 | liked | genres: Crime',
            "copies the data",
        ),
        ("The person likes what they like and does not like what they do not like.", "nothing about its subject"),
        ("Please provide the history of the person, so that I can write the text for you.", "nothing about"),
        ("I'm ready to help. I cannot write a text since no list was sent to me so far.", "nothing about"),
    ],
)
def test_an_echo_is_named(text: str, words: str) -> None:
    reader = replace(READER, history=(Encounter(LONG_TITLE, 5, True, {"genres": ["Comedy"]}), HISTORY[0], HISTORY[2]))
    assert words in str(echoes.problem(text, asked_about(reader if LONG_TITLE in text else READER)))


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


def honest_texts() -> Iterator[tuple[Subject, str]]:
    """Texts of our own about the histories that they stand under, in many styles and languages."""
    for section in HONEST.read_text().split("@ ")[1:]:
        head, _, rest = section.partition("\n\n")
        noun, *lines = head.splitlines()
        met = []
        for line in lines:
            title, opinion, genres = (part.strip() for part in line.split(" | "))
            rating = None if opinion.endswith("liked") else float(opinion)
            liked = opinion == "liked" if rating is None else rating > (5 if noun == "game" else 3)
            met.append(Encounter(title, rating, liked, {"genres": genres.split(", ")}))
        about = Subject("end_user", noun, 10 if noun == "game" else 5, 3, history=tuple(met))
        yield from ((about, text.strip()) for text in rest.split("\n%\n"))


def test_none_of_hundreds_of_honest_texts_is_refused() -> None:
    told = list(honest_texts())
    assert len({text for _, text in told}) == len(told) >= 300
    called = {text: problem for about, text in told if (problem := echoes.problem(text, asked_about(about)))}
    assert called == {}
    for about, text in told:
        assert parse_rationale(text, subject_kind="end_user", asked=asked_about(about))


@pytest.mark.data
def test_no_real_text_about_an_item_is_called_an_echo(research_data: Path) -> None:
    movies = (research_data / "ml-1m" / "movies.dat").read_text("latin-1").splitlines()
    facts = {line.split("::")[0]: line.split("::")[1:] for line in movies}
    with gzip.open(research_data / "ml-1m" / "item_knowledge.jsonl.gz", "rt") as lines:
        texts = [json.loads(line) for line in lines]
    called, instructions = [], ""
    for row in texts:
        title, genres = facts[str(row["item_id"])]
        film = Subject(
            kind="item", item_noun="film", rating_max=5, like_threshold=3, title=title,
            attributes={"genres": genres.split("|")}, liker=HISTORY, disliker=HISTORY,
        )  # fmt: skip
        instructions = instructions or asked_about(film).instructions  # the same for all films
        if echoes.problem(row["text"], Asked(instructions, prompts.data_of(film))) and row["text"].strip():
            called.append(title)
    assert (len(texts), called) == (3883, [])


def test_a_description_that_is_copied_out_is_no_text_about_its_item() -> None:
    told = (
        "In a flooded city a diver and her brother search the drowned opera house for a bell that can still be heard."
    )
    item = Subject("item", "film", 5, 3, title="The Bell", attributes={"genres": ["Drama"], "synopsis": told})
    liked = replace(item, liker=HISTORY)
    assert "copies the data" in str(echoes.problem(told, asked_about(liked)))
    honest = "Who likes “Heat (1995)” may like this search for a bell in a flooded city; who wants romance may not."
    assert echoes.problem(honest, asked_about(liked)) is None

"""Errors planted in the demonstration actor's first drafts: how many, where, and that they are what they say."""

import re
from collections import Counter
from functools import cache

import pytest

from recommender.catalogs.sample import truth
from recommender.rounds.core import prompts
from recommender.rounds.core.types import Encounter, Subject
from worker.endpoint.demonstration.actor import draft
from worker.endpoint.demonstration.planted import Placed, planted, remark_of
from worker.endpoint.demonstration.reading import Reading, read
from worker.endpoint.demonstration.remarks import KINDS, wordings

SUBJECTS = 900
GENRES = ("Drama", "Comedy", "Western", "Horror")


@cache
def readings(kind: str = "end_user") -> list[Reading]:
    """Subjects by a fixed rule, with enough evidence for every kind of remark."""
    made = []
    for number in range(SUBJECTS):
        history = []
        for place in range(16 + number % 8):
            mixer = (number * 7919 + place * 104729 + place * place * 31) % 97
            genre = GENRES[mixer % 4]
            rating = 5.0 if (mixer * 7 + number) % 11 < (9 if genre == GENRES[number % 4] else 4) else 2.0
            title = f"Reel {number}-{place} ({1950 + mixer % 50})"
            history.append(Encounter(title, rating, rating > 3, {"genres": [genre]}))
        if kind == "end_user":
            subject = Subject("end_user", "movie", 5.0, 3.0, history=tuple(history))
        else:
            sides = {"liker": tuple(history), "disliker": tuple(history[::-1])}
            item = {"title": f"Last Water {number} (1958)", "attributes": {"genres": ["Western"]}}
            subject = Subject("item", "movie", 5.0, 3.0, **item, **sides)
        reading = read(prompts.render(subject, "reason").messages)
        assert reading is not None
        made.append(reading)
    return made


@cache
def drafts(kind: str = "end_user") -> list[tuple[Reading, Placed, str]]:
    """With the remark of each and the whole text."""
    found = [(reading, remark_of(reading), draft(reading)) for reading in readings(kind)]
    return [(reading, remark, text) for reading, remark, text in found if remark is not None]


@pytest.mark.parametrize("kind", ["end_user", "item"])
def test_one_draft_of_eight_is_wrong_on_purpose_in_every_kind_and_style(kind: str) -> None:
    assert len(drafts(kind)) == SUBJECTS
    wrong = [remark for _, remark, _ in drafts(kind) if remark.wrong]
    assert 0.10 <= len(wrong) / SUBJECTS <= 0.15
    assert {remark.kind for remark in wrong} == set(KINDS)
    assert {remark.style for remark in wrong} == set(wordings()["styles"])


def test_the_same_prompt_has_the_same_error_and_another_draft_of_it_may_have_another() -> None:
    chosen = drafts()[:40]
    assert [planted(reading) for reading, _, _ in chosen] == [r if r.wrong else None for _, r, _ in chosen]
    assert any(planted(reading, variation="2") != planted(reading) for reading, _, _ in chosen)


def test_a_remark_is_one_whole_sentence_of_its_draft() -> None:
    for _, remark, text in [*drafts(), *drafts("item")]:
        assert text[remark.end - 1] in ".!"
        assert text[: remark.start].endswith(". ")
        assert text[remark.end :][:1] in (" ", "")
        assert len(text.split()) <= 200


def test_titles_in_remarks_are_the_historys_unless_they_are_invented() -> None:
    kinds: Counter[tuple[str, bool]] = Counter()
    for reading, remark, text in drafts():
        said = text[remark.start : remark.end]
        named = [re.sub(r" \(\d+\)$", "", entry.title) for entry in reading.histories["person"]]
        known = [place for place, name in enumerate(named) if re.search(rf"{re.escape(name)}\b", said)]
        if remark.kind == "title":
            assert bool(known) is not remark.wrong
        elif remark.kind == "recent":
            assert (known[0] < len(named) / 2) is remark.wrong
            assert remark.wrong or known[0] >= len(named) - 2
        kinds[remark.kind, remark.wrong] += 1
    assert len(kinds) == 2 * len(KINDS)


def test_counts_in_digits_are_right_unless_they_are_planted() -> None:
    checked: Counter[bool] = Counter()
    for reading, remark, text in drafts():
        if remark.kind != "count" or remark.style != "report":
            continue
        said = text[remark.start : remark.end]
        genre = next(name for name in GENRES if name.lower() in said)
        opinions = [e.liked for e in reading.histories["person"] if e.attributes["genres"] == (genre,)]
        if numbers := sorted(map(int, re.findall(r"\d+", said))):
            assert (numbers != [opinions.count(True), len(opinions)]) is remark.wrong
            checked[remark.wrong] += 1
    assert len(checked) == 2


def test_no_invented_title_is_a_film_of_the_sample_catalog() -> None:
    films = {re.sub(r" \(\d+\)$", "", film.title).casefold() for film in truth.films()}
    assert films.isdisjoint(title.casefold() for title in wordings()["invented"])
    assert len(set(wordings()["held_out"]) & set(wordings()["styles"])) == 4

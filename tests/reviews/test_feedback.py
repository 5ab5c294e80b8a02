"""How pages call what people did: likes and purchases are no ratings."""

from dataclasses import replace

import pytest
from django.test import Client

from recommender.models import Account
from recommender.rounds.core.types import Encounter
from reviews import feedback
from tests.builders import make_catalog, make_end_user, make_review, make_subject
from tests.reviews.conftest import SignIn
from tests.reviews.forms import url


@pytest.mark.parametrize(
    ("said", "noun", "verb"),
    [
        ([(4.0, True), (2.0, False)], "ratings", "rated"),
        ([(None, True)], "likes", "liked"),
        ([(None, False), (None, True)], "likes and dislikes", "liked or disliked"),
        ([(None, True), (4.0, True)], "ratings and likes", "rated or liked"),
        ([(None, False), (None, True), (1.0, None)], "ratings, likes and dislikes", "rated, liked or disliked"),
        ([(None, None), (None, True)], "history", "liked or met"),
        ([], "history", ""),
    ],
)
def test_what_people_did_is_called_what_it_was(
    said: list[tuple[float | None, bool | None]], noun: str, verb: str
) -> None:
    history = [Encounter("Ran", rating, liked) for rating, liked in said]
    assert (feedback.noun(history), feedback.verb(history)) == (noun, verb)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rated", "heading", "tells_threshold"), [(True, "Their ratings (2)", True), (False, "Their likes (2)", False)]
)
def test_a_card_calls_its_evidence_what_it_is(
    rita: Account, browser_of: SignIn, rated: bool, heading: str, tells_threshold: bool
) -> None:
    shown = make_subject(5.0, 4.0)
    if not rated:
        shown = replace(shown, history=tuple(replace(met, rating=None) for met in shown.history))
    turns = ("reason", "Likes dramas."), ("reflect", "")
    review = make_review(*turns, subject=make_end_user(make_catalog()), evidence=shown.to_json())
    browser: Client = browser_of(rita)
    page = browser.get(url("review", review)).content.decode()
    assert heading in page
    assert ("Liked is above 3 of 5" in page) == tells_threshold

"""Erasing and exporting on pages: for leads, with a page that says what will go, and a receipt that names nobody."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from r4web.logs import Unnamed
from recommender.models import Account, EndUser, Erasure
from tests import builders
from tests.architecture.words import expert_words
from tests.reviews.conftest import SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(settings: Any, tmp_path: Path) -> EndUser:
    settings.VAR_DIR = tmp_path
    catalog = builders.make_catalog("films")
    ann = builders.make_end_user(catalog, "zz/ann")
    builders.make_interaction(ann, builders.make_item(catalog, external_id="f1"))
    builders.make_review(subject=ann)
    return ann


def test_a_lead_sees_what_will_go_erases_and_gets_a_receipt(ann: EndUser, lena: Account, browser_of: SignIn) -> None:
    browser = browser_of(lena)
    page = reverse("reviews:insights_end_user", args=["films", "zz/ann"])
    erase = reverse("reviews:erase", args=["films", "users", "zz/ann"])
    assert erase in browser.get(page).content.decode()
    asked = browser.get(erase).content.decode()
    assert "<dt>Ratings</dt><dd>1</dd>" in asked
    assert expert_words(asked) == []
    assert browser.get(reverse("reviews:export_person", args=["films", "zz/ann"])).json()["user_id"] == "zz/ann"
    assert EndUser.objects.filter(pk=ann.pk).exists()

    answer = browser.post(erase, follow=True)

    assert answer.redirect_chain == [(reverse("reviews:erasure", args=[Erasure.objects.get().pk]), 302)]
    for read in (answer.content.decode(), browser.get(reverse("reviews:erasures")).content.decode()):
        assert "zz/ann" not in read
        assert expert_words(read) == []
    gone = browser.get(page)
    assert (gone.status_code, "This user was erased" in gone.content.decode()) == (410, True)
    assert browser.get(erase).status_code == 302
    assert browser.get(reverse("reviews:review", args=[ann.rounds.get().review.pk])).status_code == 200
    about = browser.get(reverse("reviews:round", args=[ann.rounds.get().pk])).content.decode()
    assert "What this was about was erased on" in about
    assert "war films" not in about


def test_the_form_leads_to_whom_it_names_or_says_why_not(ann: EndUser, lena: Account, browser_of: SignIn) -> None:
    browser, address = browser_of(lena), reverse("reviews:erasures")
    assert "Nothing was erased yet" in browser.get(address).content.decode()
    found = browser.post(address, {"catalog": "films", "kind": "items", "id": "f1"})
    assert found["Location"] == reverse("reviews:erase", args=["films", "items", "f1"])
    assert b"Erase for good" in browser.get(found["Location"]).content
    answer = browser.post(address, {"catalog": "films", "kind": "users", "id": "carl"})
    assert (answer.status_code, b"There is nothing with this id." in answer.content) == (422, True)
    browser.post(reverse("reviews:erase", args=["films", "users", "zz/ann"]))
    again = browser.post(address, {"catalog": "films", "kind": "users", "id": "zz/ann"})
    assert b"It was erased already: receipt" in again.content


@pytest.mark.parametrize("who", ["rita", "pam"])
def test_only_leads_erase_and_export(
    ann: EndUser, who: str, request: pytest.FixtureRequest, browser_of: SignIn
) -> None:
    browser = browser_of(request.getfixturevalue(who))
    erase = reverse("reviews:erase", args=["films", "users", "zz/ann"])
    export = reverse("reviews:export_person", args=["films", "zz/ann"])
    answers = [browser.get(erase), browser.post(erase), browser.get(export), browser.get(reverse("reviews:erasures"))]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert EndUser.objects.filter(pk=ann.pk).exists()


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Not Found: /api/v1/catalogs/films/users/zz/ann/recommendations?x=1", "/api/v1/catalogs/films/users/…?x=1"),
        ("Gone: /insights/films/users/zz%2Fann/", "/insights/films/users/…"),
        ("Not Found: /users", "/users"),
    ],
)
def test_a_log_line_names_nobody(said: str, written: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s: %s", tuple(said.split(": ")), None)
    assert Unnamed().filter(record)
    assert record.getMessage().endswith(written)
    assert "ann" not in record.getMessage()

"""The pages ask the database a fixed number of questions, however much there is to show."""

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from recommender.models import Account, LlmCall, Turn, VersionState
from reviews.models import Verdict
from reviews.pages.home import queries as home
from tests.builders import make_catalog, make_end_user, make_item, make_review
from tests.recommender.promotion.versions import make_version
from tests.reviews.approved import make_decision, make_receipt
from tests.reviews.conftest import SignIn


@pytest.mark.parametrize("reviews", [1, 30])
def test_the_queue_asks_twelve_questions(
    rita: Account, browser_of: SignIn, django_assert_num_queries: DjangoAssertNumQueries, reviews: int
) -> None:
    catalog = make_catalog()
    for number in range(reviews):
        make_review(subject=make_item(catalog) if number % 2 else make_end_user(catalog))
    browser = browser_of(rita)

    with django_assert_num_queries(12):
        browser.get(reverse("reviews:queue"))


@pytest.mark.parametrize("refinements", [0, 8])
def test_the_card_asks_nine_questions(
    rita: Account, browser_of: SignIn, django_assert_num_queries: DjangoAssertNumQueries, refinements: int
) -> None:
    turns = [("reason", "One"), ("reflect", "no")]
    for number in range(refinements):
        turns += [("refine", f"Another {number}"), ("reflect", "no")]
    review = make_review(*turns)
    for turn in Turn.objects.all():
        call = LlmCall.objects.create(round=review.round, turn_index=turn.index, messages=[], parameters={})
        Turn.objects.filter(pk=turn.pk).update(call=call)
    browser = browser_of(rita)

    with django_assert_num_queries(9):  # one of them: what the user says
        browser.get(reverse("reviews:review", args=[review.pk]))


@pytest.mark.parametrize("versions", [1, 6])
def test_what_became_of_a_decided_text_takes_two_questions_more(
    rita: Account,
    browser_of: SignIn,
    django_assert_num_queries: DjangoAssertNumQueries,
    settings: Any,
    tmp_path: Path,
    versions: int,
) -> None:
    settings.VAR_DIR = tmp_path
    review = make_decision(make_end_user(make_catalog()), Verdict.APPROVE, by="rita")
    for number in range(versions):
        version = make_version(review.round.catalog, state=VersionState.RETIRED if number else VersionState.ACTIVE)
        make_receipt(version, None)
    browser = browser_of(rita)

    with django_assert_num_queries(12):
        browser.get(reverse("reviews:review", args=[review.pk]))


@pytest.mark.parametrize("catalogs", [1, 5])
def test_the_home_page_asks_fifteen_questions(
    rita: Account, browser_of: SignIn, django_assert_num_queries: DjangoAssertNumQueries, catalogs: int
) -> None:
    for _ in range(catalogs):
        make_review()
    browser = browser_of(rita)

    with django_assert_num_queries(15):
        browser.get(reverse("home"))


def test_the_home_page_does_not_count_what_took_long_to_count_each_time(
    rita: Account,
    browser_of: SignIn,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(home, "QUICK", -1.0)
    make_review(subject=make_end_user(make_catalog("films")))
    browser = browser_of(rita)
    first = browser.get(reverse("home")).content

    with django_assert_num_queries(9):
        assert browser.get(reverse("home")).content.count(b"stat") == first.count(b"stat")

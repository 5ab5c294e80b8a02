"""The pages ask the database a fixed number of questions, however much there is to show."""

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from recommender.models import Account, LlmCall, Turn
from tests.builders import make_catalog, make_end_user, make_item, make_review
from tests.reviews.conftest import SignIn


@pytest.mark.parametrize("reviews", [1, 30])
def test_the_queue_asks_eleven_questions(
    rita: Account, browser_of: SignIn, django_assert_num_queries: DjangoAssertNumQueries, reviews: int
) -> None:
    catalog = make_catalog()
    for number in range(reviews):
        make_review(subject=make_item(catalog) if number % 2 else make_end_user(catalog))
    browser = browser_of(rita)

    with django_assert_num_queries(11):
        browser.get(reverse("reviews:queue"))


@pytest.mark.parametrize("refinements", [0, 8])
def test_the_card_asks_eight_questions(
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

    with django_assert_num_queries(8):
        browser.get(reverse("reviews:review", args=[review.pk]))


@pytest.mark.parametrize("catalogs", [1, 5])
def test_the_home_page_asks_fourteen_questions(
    rita: Account, browser_of: SignIn, django_assert_num_queries: DjangoAssertNumQueries, catalogs: int
) -> None:
    for _ in range(catalogs):
        make_review()
    browser = browser_of(rita)

    with django_assert_num_queries(14):
        browser.get(reverse("home"))

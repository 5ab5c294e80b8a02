"""A resting round comes before people once, and again after its override."""

import pytest

from recommender.models import Round
from reviews.models import Review, ReviewState
from reviews.room.opening import open_review
from tests.builders import make_review

pytestmark = pytest.mark.django_db


def test_a_review_opens_with_one_slot() -> None:
    review = make_review()

    assert (review.state, review.version) == (ReviewState.OPEN, 1)
    assert [slot.number for slot in review.slots.all()] == [1]


def test_opening_twice_changes_nothing() -> None:
    review = make_review()

    again = open_review(Round.objects.get())

    assert (again.pk, again.version, again.slots.count()) == (review.pk, 1, 1)


def test_a_review_that_awaited_the_actor_opens_again_with_a_new_version() -> None:
    review = make_review()
    Review.objects.update(state=ReviewState.AWAITING_ACTOR, version=2)

    again = open_review(review.round)

    assert (again.pk, again.state, again.version, again.slots.count()) == (review.pk, ReviewState.OPEN, 3, 1)


def test_a_decided_review_stays_decided() -> None:
    review = make_review()
    Review.objects.update(state=ReviewState.DONE)

    assert open_review(review.round).state == ReviewState.DONE

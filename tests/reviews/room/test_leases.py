"""Claims and leases: one annotator to a card, for a while."""

from datetime import timedelta

from recommender.models import Account
from reviews.models import Review, ReviewState
from reviews.room import leases
from reviews.room.leases import LEASE
from tests.builders import make_review
from tests.reviews.conftest import NOON

A_MOMENT = timedelta(seconds=1)


def test_the_oldest_review_is_taken_first(rita: Account) -> None:
    first, _ = make_review(), make_review()

    slot = leases.take_next(rita, now=NOON)

    assert slot is not None
    assert slot.review == first
    assert (slot.leased_by, slot.lease_expires_at) == (rita, NOON + LEASE)
    assert len(slot.lease_token) == 32


def test_a_second_annotator_cannot_take_a_review_that_is_taken(rita: Account, omar: Account) -> None:
    make_review()
    leases.take_next(rita, now=NOON)

    assert leases.take_next(omar, now=NOON + LEASE - A_MOMENT) is None


def test_a_lease_that_ran_out_goes_to_the_next_annotator(rita: Account, omar: Account) -> None:
    review = make_review()
    first = leases.take_next(rita, now=NOON)

    second = leases.take_next(omar, now=NOON + LEASE)

    assert first is not None
    assert second is not None
    assert second.review == review
    assert second.lease_token != first.lease_token


def test_an_annotator_holds_one_review_at_a_time(rita: Account) -> None:
    make_review(), make_review()

    first = leases.take_next(rita, now=NOON)
    again = leases.take_next(rita, now=NOON + A_MOMENT)

    assert first == again
    assert again is not None
    assert again.lease_token == (first and first.lease_token)


def test_taking_another_review_lets_go_of_the_first(rita: Account, omar: Account) -> None:
    first, second = make_review(), make_review()
    leases.take_next(rita, now=NOON)

    taken = leases.take(second, account=rita, now=NOON)

    assert taken is not None
    assert taken.review == second
    assert first.slots.get().leased_by is None


def test_a_review_that_another_holds_is_not_taken_and_the_own_one_is_kept(rita: Account, omar: Account) -> None:
    first, second = make_review(), make_review()
    leases.take_next(rita, now=NOON)
    leases.take_next(omar, now=NOON)

    assert leases.take(first, account=omar, now=NOON) is None
    assert second.slots.get().leased_by == omar


def test_a_heartbeat_holds_the_review_longer(rita: Account, omar: Account) -> None:
    review = make_review()
    slot = leases.take_next(rita, now=NOON)
    assert slot is not None
    later = NOON + timedelta(minutes=10)

    until = leases.renew(review, account=rita, lease_token=slot.lease_token, now=later)

    assert until == later + LEASE
    assert leases.take_next(omar, now=NOON + LEASE) is None


def test_a_heartbeat_after_the_lease_ran_out_counts_while_nobody_else_took_the_review(rita: Account) -> None:
    review = make_review()
    slot = leases.take_next(rita, now=NOON)
    assert slot is not None

    assert leases.renew(review, account=rita, lease_token=slot.lease_token, now=NOON + 2 * LEASE)


def test_a_heartbeat_is_refused_once_another_annotator_has_the_review(rita: Account, omar: Account) -> None:
    review = make_review()
    slot = leases.take_next(rita, now=NOON)
    leases.take_next(omar, now=NOON + LEASE)
    assert slot is not None

    assert leases.renew(review, account=rita, lease_token=slot.lease_token, now=NOON + LEASE) is None
    assert review.slots.get().leased_by == omar


def test_a_lease_that_ran_out_is_not_renewed_beside_a_newer_one(rita: Account) -> None:
    old, _ = make_review(), make_review()
    slot = leases.take_next(rita, now=NOON)
    leases.skip(old, account=rita, now=NOON + LEASE)
    leases.take_next(rita, now=NOON + LEASE)
    old.slots.update(leased_by=rita, lease_token=slot.lease_token if slot else "")

    assert leases.renew(old, account=rita, lease_token=slot.lease_token if slot else "", now=NOON + LEASE) is None


def test_an_empty_token_renews_nothing(rita: Account) -> None:
    review = make_review()

    assert leases.renew(review, account=rita, lease_token="", now=NOON) is None


def test_a_released_review_is_free_at_once(rita: Account, omar: Account) -> None:
    review = make_review()
    leases.take_next(rita, now=NOON)

    leases.release(review, account=rita)

    slot = leases.take_next(omar, now=NOON)
    assert slot is not None
    assert slot.review == review


def test_nobody_releases_what_another_holds(rita: Account, omar: Account) -> None:
    review = make_review()
    leases.take_next(rita, now=NOON)

    leases.release(review, account=omar)

    assert review.slots.get().leased_by == rita


def test_a_skipped_review_goes_to_others_and_comes_back_after_an_hour(rita: Account, omar: Account) -> None:
    review = make_review()
    leases.take_next(rita, now=NOON)

    leases.skip(review, account=rita, now=NOON)

    assert leases.take_next(rita, now=NOON + timedelta(minutes=59)) is None
    for_omar = leases.take_next(omar, now=NOON)
    leases.release(review, account=omar)
    assert for_omar is not None
    assert leases.take_next(rita, now=NOON + timedelta(hours=1)) is not None


def test_skipping_twice_counts_from_the_second_time(rita: Account) -> None:
    review = make_review()

    leases.skip(review, account=rita, now=NOON)
    leases.skip(review, account=rita, now=NOON + timedelta(minutes=30))

    assert leases.take_next(rita, now=NOON + timedelta(minutes=89)) is None


def test_unskipping_offers_everything_again(rita: Account) -> None:
    review = make_review()
    leases.skip(review, account=rita, now=NOON)

    leases.unskip(rita)

    assert leases.take_next(rita, now=NOON) is not None


def test_only_open_reviews_are_taken(rita: Account) -> None:
    for state in (ReviewState.DONE, ReviewState.AWAITING_ACTOR):
        review = make_review()
        Review.objects.filter(pk=review.pk).update(state=state)

    assert leases.take_next(rita, now=NOON) is None

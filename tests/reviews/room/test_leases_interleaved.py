"""Whatever people do in whatever order: one slot belongs to one annotator at a time."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from recommender.models import Account
from reviews.models import Slot
from reviews.room import leases
from reviews.room.leases import LEASE
from tests.builders import make_account, make_review
from tests.reviews.conftest import NOON

NAMES = ("ada", "bea", "cy")
people = st.sampled_from(NAMES)
minutes = st.integers(min_value=1, max_value=20)


class Claims(RuleBasedStateMachine):
    """Three annotators, two reviews, and a model of who holds what until when."""

    @initialize()
    def open_the_office(self) -> None:
        self.rows = transaction.atomic()
        self.rows.__enter__()
        self.now: datetime = NOON
        self.accounts = {name: make_account(f"{name}-{id(self)}") for name in NAMES}
        self.reviews = [make_review(), make_review()]
        self.held: dict[str, tuple[int, datetime, str]] = {}  # name → review, until, token

    def teardown(self) -> None:
        if hasattr(self, "rows"):
            transaction.set_rollback(True)
            self.rows.__exit__(None, None, None)

    def holder_of(self, review: int) -> str | None:
        return next((n for n, (r, until, _) in self.held.items() if r == review and until > self.now), None)

    def forget(self, review: int) -> None:
        self.held = {name: held for name, held in self.held.items() if held[0] != review}

    @rule(name=people)
    def take_next(self, name: str) -> None:
        mine = self.held.get(name)
        slot = leases.take_next(self.accounts[name], now=self.now)
        if mine and mine[1] > self.now:
            assert slot is not None
            assert (slot.review_id, slot.lease_token) == (mine[0], mine[2])
        elif all(self.holder_of(review.pk) for review in self.reviews):
            assert slot is None
        else:
            assert slot is not None
            assert self.holder_of(slot.review_id) is None
            self.forget(slot.review_id)
            self.held[name] = (slot.review_id, self.now + LEASE, slot.lease_token)

    @rule(name=people)
    def renew(self, name: str) -> None:
        if name in self.held:
            review, _, token = self.held[name]  # only the latest lease: an earlier one cannot come back beside it
            found = next(r for r in self.reviews if r.pk == review)
            assert leases.renew(found, account=self.accounts[name], lease_token=token, now=self.now)
            self.held[name] = (review, self.now + LEASE, token)

    @rule(name=people, which=st.integers(min_value=0, max_value=1))
    def release(self, name: str, which: int) -> None:
        leases.release(self.reviews[which], account=self.accounts[name])
        if name in self.held and self.held[name][0] == self.reviews[which].pk:
            del self.held[name]

    @rule(by=minutes)
    def time_passes(self, by: int) -> None:
        self.now += timedelta(minutes=by)

    @invariant()
    def rows_agree_with_the_model(self) -> None:
        if hasattr(self, "held"):
            rows = Slot.objects.filter(lease_expires_at__gt=self.now).values_list("review_id", "leased_by__username")
            held = {(r, self.accounts[n].username) for n, (r, until, _) in self.held.items() if until > self.now}
            assert set(rows) == held


@pytest.mark.django_db
def test_no_interleaving_gives_one_review_to_two_annotators() -> None:
    quick = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Claims, settings=quick)


@pytest.mark.django_db(transaction=True)
def test_annotators_who_start_in_the_same_instant_get_different_reviews() -> None:
    reviews = [make_review() for _ in range(4)]
    accounts = [make_account() for _ in range(6)]
    together, got = threading.Barrier(len(accounts)), dict.fromkeys(range(len(accounts)), 0)

    def start(number: int, account: Account) -> None:
        try:
            together.wait(timeout=10)
            slot = leases.take_next(account, now=NOON)
            got[number] = slot.review_id if slot else 0
        finally:
            connections.close_all()

    threads = [threading.Thread(target=start, args=pair) for pair in enumerate(accounts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = sorted(review for review in got.values() if review)
    assert taken == [review.pk for review in reviews]

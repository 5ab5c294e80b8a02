"""A prepared queryset answers what the queryset itself would, whatever the values are."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender import prepared
from recommender.models import Account, Item, Role, Turn
from recommender.prepared import Prepared, PreparedUpdate
from reviews.models import Slot
from reviews.room.stream import Stream
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_review

pytestmark = pytest.mark.django_db


def free(limited: bool, named: bool, *, account: int, now: datetime, catalog: str) -> QuerySet[Slot]:
    viewer = Account(pk=account, role=Role.ANNOTATOR, all_catalogs=not limited)
    visible = Stream(catalog if named else "").narrow(Slot.objects.visible_to(viewer), at="review__")
    return visible.free(now).not_skipped_by(viewer, now).for_card().order_by("pk")


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_it_answers_what_the_queryset_answers(limited: bool, named: bool) -> None:
    rita, lena, now = make_account(), make_account(), timezone.now()
    for name in ("films", "books"):
        catalog = make_catalog(name)
        rita.catalogs.add(catalog)
        for subject in (make_item(catalog), make_end_user(catalog)):
            make_review(subject=subject)
    lena.catalogs.add(make_catalog("games"))
    Slot.objects.filter(review__kind="item").update(lease_expires_at=now + timedelta(minutes=5), leased_by=lena)
    query = Prepared(free)

    for account in (rita, lena):
        for catalog in ("films", "books", "games"):
            for moment in (now, now + timedelta(minutes=10)):
                values: dict[str, Any] = {"account": account.pk, "now": moment, "catalog": catalog}
                found, expected = query.rows(limited, named, **values), list(free(limited, named, **values))
                assert found == expected
                assert [each.review.round.evidence for each in found] == [
                    each.review.round.evidence for each in expected
                ]


def test_related_rows_come_with_the_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_review()
    account, query = make_account().pk, Prepared(free)
    for _ in range(2):
        with django_assert_num_queries(1):
            (slot,) = query.rows(False, False, account=account, now=timezone.now(), catalog="")
            assert slot.review.round.catalog.name


@pytest.mark.django_db(transaction=True)
def test_threads_ask_by_their_own_connections() -> None:
    account = make_account()
    query = Prepared(lambda *, name: Account.objects.filter(username=name))
    found = [query.rows(name=account.username)]

    def ask() -> None:
        try:
            found.append(query.rows(name=account.username))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [[account], [account]]


def test_an_update_changes_what_the_queryset_finds_and_nothing_else() -> None:
    catalog = make_catalog()
    items = [make_item(catalog, title) for title in ("Casablanca", "Vertigo")]
    update = PreparedUpdate(lambda *, item, seen, title: (Item.objects.filter(pk=item, title=seen), {"title": title}))

    assert update.run(item=items[0].pk, seen="Casablanca", title="Laura") == 1
    assert update.run(item=items[1].pk, seen="Casablanca", title="Gilda") == 0
    assert list(Item.objects.order_by("pk").values_list("title", flat=True)) == ["Laura", "Vertigo"]


def test_rows_that_are_kept_are_not_asked_for_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    round_ = make_review().round
    turns = list(Turn.objects.filter(round=round_))

    with django_assert_num_queries(0):
        prepared.keep(round_, "turns", turns, back="round")
        assert [turn.round for turn in round_.turns.all()] == [round_] * len(turns)

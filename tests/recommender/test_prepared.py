"""A prepared queryset answers what the queryset itself would, whatever the values are."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender import prepared
from recommender.models import Account, Item, Role, Round, Turn
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


def test_what_is_annotated_and_what_is_deferred_is_as_the_queryset_has_it() -> None:
    catalog = make_catalog()
    for title in ("Casablanca", "Vertigo"):
        make_review(subject=make_item(catalog, title))
    make_item(catalog, "Laura")

    def items(*, catalog: int) -> QuerySet[Item]:
        about = Round.objects.filter(item=OuterRef("pk"))
        return Item.objects.filter(catalog=catalog).defer("attributes").annotate(told=Exists(about)).order_by("title")

    found: list[Any] = Prepared(items).rows(catalog=catalog.pk)
    assert [(item.title, item.told) for item in found] == [("Casablanca", True), ("Laura", False), ("Vertigo", True)]
    assert [item.get_deferred_fields() for item in found] == [{"attributes"}] * 3
    assert [item.attributes for item in found] == [item.attributes for item in items(catalog=catalog.pk)]


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


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite's driver keeps its statements by itself")
def test_what_is_asked_again_is_planned_once_and_nothing_else_is() -> None:
    catalog = make_catalog()
    items = [make_item(catalog, title) for title in ("Casablanca", "Vertigo", "Laura")]
    query = Prepared(lambda *, item: Item.objects.filter(pk=item))
    update = PreparedUpdate(lambda *, item, title: (Item.objects.filter(pk=item), {"title": title}))

    for item in items:
        assert update.run(item=item.pk, title=f"{item.title}!") == 1
        assert [found.title for found in query.rows(item=item.pk)] == [f"{item.title}!"]
        assert list(Item.objects.filter(pk=item.pk)) == [item]

    with connection.cursor() as cursor:
        cursor.execute("select statement from pg_prepared_statements")
        planned = sorted(statement.split()[0] for (statement,) in cursor.fetchall())
    assert planned == ["SELECT", "UPDATE"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="its cursors are cheap")
def test_one_cursor_serves_a_connection_and_holds_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = make_catalog()
    items = {make_item(catalog, f"Film {number}") for number in range(4)}
    query = Prepared(lambda *, catalog: Item.objects.filter(catalog=catalog))
    used: Any = connection  # the stubs know no attributes of ours

    assert set(query.rows(catalog=catalog.pk)) == items
    kept = used.preparing
    assert set(query.rows(catalog=catalog.pk)) == items
    assert used.preparing is kept
    monkeypatch.setattr(prepared, "FEW", 3)
    assert set(query.rows(catalog=catalog.pk)) == items
    assert kept.closed
    assert set(query.rows(catalog=catalog.pk)) == items
    assert used.preparing is not kept


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no server")
@pytest.mark.django_db(transaction=True)
def test_another_connection_has_a_cursor_of_its_own() -> None:
    item = make_item(make_catalog(), "Casablanca")
    query = Prepared(lambda *, title: Item.objects.filter(title=title))
    assert query.rows(title="Casablanca") == [item]
    connection.close()
    assert query.rows(title="Casablanca") == [item]


def test_it_goes_on_after_a_transaction_that_failed() -> None:
    item = make_item(make_catalog(), "Casablanca")
    query = Prepared(lambda *, title: Item.objects.filter(title=title))
    assert query.rows(title="Casablanca") == [item]

    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.create(catalog=item.catalog, external_id=item.external_id)

    assert query.rows(title="Casablanca") == [item]
    assert query.rows(title="Vertigo") == []


@pytest.mark.parametrize("number", [0, 1, 2**15, 2**31, 2**63 - 1])
def test_numbers_of_every_size_are_compared(number: int) -> None:
    query = Prepared(lambda *, item: Item.objects.filter(pk=item))
    assert query.rows(item=1) == query.rows(item=number) == []

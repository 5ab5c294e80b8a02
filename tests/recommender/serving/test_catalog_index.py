"""The index of a catalog's items has what came since it was read, in every process, without reading all again."""

import threading
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.catalogs.changes import changed
from recommender.models import Catalog, Item
from recommender.serving import catalog_index
from recommender.serving.catalog_index import CatalogIndex, index_of
from tests.builders import make_catalog, make_end_user, make_interaction, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog() -> Catalog:
    """Three items that two end users met; a third end user met nothing."""
    catalog = make_catalog()
    items = [make_item(catalog) for _ in range(3)]
    for n in range(2):
        for rating, item in zip((5.0, 3.0, None), items, strict=True):
            make_interaction(make_end_user(catalog, f"{n}-{item.pk}"), item, rating=rating)
    make_end_user(catalog, "new")
    return catalog


def now(catalog: Catalog) -> Catalog:
    """As a request has it."""
    return Catalog.objects.get(pk=catalog.pk)


def columns(index: CatalogIndex) -> dict[str, Any]:
    arrays = ("pks", "met", "judged", "likes", "popularity", "by_popularity")
    return {name: getattr(index, name).tolist() for name in arrays} | {
        "external_ids": index.external_ids,
        "last_interaction": index.last_interaction,
    }


def test_what_came_since_is_added_as_if_all_were_read_again(catalog: Catalog) -> None:
    before = index_of(now(catalog))
    old, reader = Item.objects.filter(catalog=catalog).first(), catalog.end_users.get(external_id="new")
    new = make_item(catalog)
    assert old is not None
    make_item(make_catalog(), external_id="of another catalog")
    for item, rating in ((old, 5.0), (old, 1.0), (new, None), (new, 4.0)):
        make_interaction(reader, item, rating=rating)
    assert index_of(now(catalog)) is before  # nobody said so

    changed(catalog)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        renewed = index_of(now(catalog))
    assert len(asked) == 3  # the catalog, items, interactions
    assert index_of(now(catalog)) is renewed

    catalog_index.KEPT.clear()
    assert columns(renewed) == columns(index_of(now(catalog)))
    assert np.array_equal(renewed.met, [4, 2, 2, 2])


def test_an_index_knows_whether_primary_keys_are_its_items(catalog: Catalog) -> None:
    index = index_of(catalog)
    same, others = index.pks.copy(), [index.pks[:-1], index.pks[::-1], index.pks + 1]
    for _ in range(2):
        assert index.is_of(same)
        assert not any(map(index.is_of, others))


def test_an_empty_catalog_gets_its_first_items(catalog: Catalog) -> None:
    empty = make_catalog()
    assert len(index_of(now(empty))) == 0
    make_interaction(make_end_user(empty), make_item(empty))
    changed(empty)
    renewed = index_of(now(empty))
    catalog_index.KEPT.clear()
    assert columns(renewed) == columns(index_of(now(empty)))


def test_a_request_that_began_before_a_change_uses_what_another_has_renewed(catalog: Catalog) -> None:
    earlier = now(catalog)
    index_of(earlier)
    make_item(catalog)
    changed(catalog)
    renewed = index_of(now(catalog))
    assert index_of(earlier) is renewed


def test_however_many_came_their_order_is_that_of_reading_all_again(catalog: Catalog) -> None:
    """Also those that are as popular as others now, or no longer."""
    draw = np.random.default_rng(0)
    items = [*catalog.items.order_by("pk"), *(make_item(catalog) for _ in range(30))]
    first = index_of(now(catalog))
    for number in range(12):
        for place in draw.integers(0, len(items), 4).tolist():
            make_interaction(make_end_user(catalog, f"{number}-{draw.random()}"), items[place], rating=4.0)
        changed(catalog)
        renewed = index_of(now(catalog))
        assert renewed.external_ids is first.external_ids or number == 0  # what hangs on items alone is kept
        first = renewed
        catalog_index.KEPT.clear()
        assert columns(renewed) == columns(index_of(now(catalog)))
        catalog_index.KEPT.clear()
        catalog_index.KEPT.get(_key(catalog), lambda renewed=renewed: renewed)


def test_what_came_is_found_without_a_look_at_what_was_there(catalog: Catalog) -> None:
    index_of(now(catalog))
    make_interaction(catalog.end_users.get(external_id="new"), catalog.items.order_by("pk")[0])
    changed(catalog)
    with CaptureQueriesContext(connection) as asked:
        index_of(now(catalog))
    (counted,) = (one["sql"] for one in asked if 'FROM "recommender_interaction"' in one["sql"])
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {counted}")
            plan = [row[3] for row in cursor.fetchall()]
        assert plan[0] == "SEARCH recommender_interaction USING INTEGER PRIMARY KEY (rowid>?)"
    else:
        assert "JOIN" not in counted


def test_what_others_met_elsewhere_changes_nothing(catalog: Catalog) -> None:
    before = index_of(now(catalog))
    make_interaction(make_end_user(make_catalog()), make_item(make_catalog()))
    changed(catalog)
    renewed = index_of(now(catalog))
    assert columns(renewed) == columns(before)
    assert renewed.changes > before.changes


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_a_catalog_is_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_index, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(catalog_index, "REST_PER_WORK", 0)
    catalog = make_catalog()
    make_item(catalog)
    old, go_on, read = index_of(now(catalog)), threading.Event(), catalog_index._read
    counted = threading.Event()

    def slowly(catalog: Catalog, using: str) -> CatalogIndex:
        go_on.wait(10)
        found = read(catalog, using)
        counted.set()
        return found

    monkeypatch.setattr(catalog_index, "_read", slowly)
    make_item(catalog)
    assert index_of(now(catalog)) is old
    assert index_of(now(catalog)) is old
    go_on.set()
    assert counted.wait(10)
    for thread in threading.enumerate():
        if thread.name == "aside":
            thread.join(10)
    monkeypatch.setattr(catalog_index, "_read", read)
    assert len(catalog_index.KEPT.get(_key(catalog), lambda: old, aside=lambda work: True)) == 2


def _key(catalog: Catalog) -> Any:
    read = now(catalog)
    return read.pk, read.created_at, read.erasures

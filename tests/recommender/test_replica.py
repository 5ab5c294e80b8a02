"""Where a whole catalog is counted: by the replica where it knows enough, else by the primary, and never wrongly.

Here the replica is a second name of the test's own database; a real one that lags is in api/test_two_processes.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from r4web import environment
from recommender import background, replica
from recommender.counters import REGISTRY
from recommender.experiments.units import read
from recommender.models import Catalog, Item
from recommender.replica import REPLICA, counted
from recommender.serving import catalog_index, segments
from recommender.serving.catalog_index import index_of
from tests.builders import make_catalog, make_item
from tests.recommender.experiments.conftest import nothing_kept  # noqa: F401 - a fixture
from tests.recommender.experiments.simulated import lived, running, shop

PRIMARY = DEFAULT_DB_ALIAS


@pytest.fixture
def catalog(transactional_db: None) -> Catalog:
    catalog_index.KEPT.clear()
    return Catalog.objects.get(pk=make_catalog("films").pk)


@pytest.fixture
def named(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(connections.databases, REPLICA, connections[PRIMARY].settings_dict)
    monkeypatch.setattr(replica, "_away_until", 0.0)
    connections[REPLICA].connect()  # by hand: Django lets a test use only what the settings named
    yield
    connections[REPLICA].close()
    del connections[REPLICA]


def reads(outcome: str) -> float:
    return REGISTRY.get_sample_value("r4web_replica_reads_total", {"outcome": outcome}) or 0.0


def test_where_none_is_named_the_primary_counts(catalog: Catalog) -> None:
    assert counted(catalog, str) == PRIMARY


@pytest.mark.usefixtures("named")
def test_the_replica_counts_where_it_knows_what_the_caller_knows(catalog: Catalog) -> None:
    before = reads("replica"), reads("behind")
    assert counted(catalog, str) == counted(catalog, str, stamps=("items",)) == REPLICA
    catalog.erasures += 1  # as one that has not heard of an erasure
    assert counted(catalog, str) == counted(catalog, str, stamps=("items",)) == PRIMARY
    assert (reads("replica"), reads("behind")) == (before[0] + 2, before[1] + 2)


@pytest.mark.usefixtures("named")
def test_another_stamp_than_on_the_primary_is_behind(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that is not over: to all other connections, so to the replica, its stamp is the old one."""
    assert counted(catalog, str, stamps=("items",)) == REPLICA
    monkeypatch.setattr(connections[PRIMARY], "in_atomic_block", False)
    with connections[PRIMARY].cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE recommender_catalogstamp SET items = items + 1 WHERE catalog_id = %s", [catalog.pk])
        try:
            assert counted(catalog, str, stamps=("items",)) == PRIMARY
            assert counted(catalog, str, stamps=("said",)) == REPLICA
        finally:
            cursor.execute("ROLLBACK")


@pytest.mark.usefixtures("named")
def test_inside_a_transaction_the_primary_counts(catalog: Catalog) -> None:
    with transaction.atomic():
        assert counted(catalog, str) == PRIMARY


@pytest.mark.usefixtures("named")
def test_one_that_fails_costs_no_count_and_is_left_alone_for_a_while(catalog: Catalog) -> None:
    asked: list[str] = []

    def count(using: str) -> str:
        asked.append(using)
        if using == REPLICA:
            raise OperationalError("canceling statement due to conflict with recovery")
        return using

    before = reads("away")
    assert counted(catalog, count) == PRIMARY
    assert counted(catalog, count) == PRIMARY
    assert asked == [REPLICA, PRIMARY, PRIMARY]
    assert reads("away") == before + 2


@pytest.mark.usefixtures("named")
def test_a_mistake_is_no_lag(catalog: Catalog) -> None:
    def count(_: str) -> str:
        raise ProgrammingError("no such column")

    with pytest.raises(Error, match="no such column"):
        counted(catalog, count)


@pytest.mark.usefixtures("named")
def test_what_came_since_the_replica_was_read_is_read_from_the_primary(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of a replica that lags has its `changes`, so the next request adds what is missing."""
    make_item(catalog, external_id="old")
    real = catalog_index._read

    def lagging(asked: Catalog, using: str) -> Any:
        assert using == REPLICA
        found = real(asked, using)
        late = Item.objects.create(catalog=catalog, external_id="new", title="New")  # the replica does not have it
        Catalog.objects.filter(pk=catalog.pk).update(changes=catalog.changes + 1)
        assert late.external_id not in found.external_ids
        return found

    monkeypatch.setattr(catalog_index, "_read", lagging)
    assert index_of(catalog).external_ids == ["old"]
    assert index_of(Catalog.objects.get(pk=catalog.pk)).external_ids == ["old", "new"]


@pytest.mark.usefixtures("nothing_kept")
def test_what_it_counts_is_what_the_primary_would_count(
    request: pytest.FixtureRequest, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Popularity, segments and an experiment's figures, each wholly from there."""
    monkeypatch.setattr(background, "aside", lambda work: False)  # in this thread, whose queries are looked at
    catalog = shop("shop", people=60)
    made = running(catalog, kind="interleaved")
    lived(catalog, lambda *_: 0.5, seed=3)
    catalog = Catalog.objects.get(pk=catalog.pk)
    now = timezone.now() + timedelta(days=2)

    def all_of_it() -> tuple[Any, ...]:
        made.catalog = catalog
        index = catalog_index._read_anew(catalog)
        segment = segments.segment_of(catalog, {"age": "old"})
        units = read(made, now=now)
        assert segment
        return (
            index.external_ids, index.met.tolist(), index.changes, segments.shared_values(catalog), segment.people,
            segment.met.tolist(), units.people.tolist(), units.clicked.tolist(), units.sides.tolist(),
        )  # fmt: skip

    by_the_primary = all_of_it()
    request.getfixturevalue("named")
    for kept in (segments.COMMON, segments.KEPT):
        kept.clear()
    with CaptureQueriesContext(connections[PRIMARY]) as asked, CaptureQueriesContext(connections[REPLICA]) as there:
        assert all_of_it() == by_the_primary
    assert sum(by_the_primary[7]) > 0
    assert [each["sql"] for each in asked if "recommender_catalogstamp" not in each["sql"]] == []
    assert len(there) > 8


def test_it_must_be_of_the_kind_that_it_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_REPLICA_URL", "postgresql://r4@replica/r4")
    postgres = environment.database("DATABASE_REPLICA_URL", "")
    made = environment.replica("DATABASE_REPLICA_URL", of=postgres)
    assert (made["HOST"], made["OPTIONS"]["options"]) == ("replica", "-c default_transaction_read_only=on")
    with pytest.raises(ImproperlyConfigured, match="DATABASE_REPLICA_URL must name a copy of what DATABASE_URL names"):
        environment.replica("DATABASE_REPLICA_URL", of={"ENGINE": "django.db.backends.sqlite3"})

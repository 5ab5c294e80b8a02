"""A connection that PostgreSQL ended costs nobody an error, and one that lives costs no question."""

import select
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import close_old_connections, connection
from django.db.backends.postgresql import base

from r4web.postgresql.base import QUIET

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """How each question was answered whether the connection lives."""
    answers: list[bool] = []
    is_usable = base.DatabaseWrapper.is_usable

    def watched(self: Any) -> bool:
        answers.append(is_usable(self))
        return answers[-1]

    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", watched)
    yield answers
    connection.close()


def next_request() -> int:
    """What one begins with, and the server process that answers its query."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(process: int) -> None:
    with psycopg.connect(**as_another()) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [process]).fetchone() == (True,)


def as_another() -> dict[str, Any]:
    names = ("host", "port", "user", "password", "dbname")
    return {name: value for name, value in connection.get_connection_params().items() if name in names}


def test_one_that_was_used_just_now_is_not_asked(asked: list[bool]) -> None:
    assert len({next_request() for _ in range(5)}) == 1
    assert asked == []


def test_one_that_was_quiet_is_asked(asked: list[bool]) -> None:
    first = next_request()
    connection._used_at -= QUIET
    assert next_request() == first
    assert asked == [True]


@pytest.mark.parametrize("quiet", [0.0, QUIET])
def test_one_that_was_ended_between_two_requests_is_replaced(asked: list[bool], quiet: float) -> None:
    first = next_request()
    end(first)
    connection._used_at -= quiet
    second = next_request()
    assert second not in (0, first)
    assert asked == [False]
    assert next_request() == second
    assert asked == [False]


def test_one_that_was_told_something_is_asked_and_stays(asked: list[bool]) -> None:
    first = next_request()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    with psycopg.connect(**as_another(), autocommit=True) as other:
        other.execute("NOTIFY something")
    told = select.poll()
    told.register(connection.connection.fileno(), select.POLLIN)
    assert told.poll(10_000)
    assert next_request() == first
    assert asked == [True]

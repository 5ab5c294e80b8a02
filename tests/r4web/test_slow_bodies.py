"""A body within limits of time; tests/recommender/api/test_bad_days.py asks a real server."""

import io
import os

import pytest

from r4web import slow_bodies
from r4web.slow_bodies import PIECE, Timely


def test_a_body_in_time_is_read_whole_in_any_pieces() -> None:
    sent = os.urandom(3 * PIECE + 7)
    assert Timely(io.BytesIO(sent)).read() == sent
    body = Timely(io.BytesIO(sent))
    assert [len(body.read(size)) for size in (0, 5, 2 * PIECE, PIECE + 1, 9, 9)] == [0, 5, 2 * PIECE, PIECE + 1, 1, 0]
    assert Timely(io.BytesIO(b"a\nb")).readline() == b"a\n"


def test_a_body_that_does_not_come_is_given_up_and_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_bodies, "PATIENCE", 0.05)
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "wb", buffering=0) as sender:
        body = Timely(source)
        sender.write(b"begun")
        assert body.read(5) == b"begun"
        with pytest.raises(TimeoutError):
            body.read(1)
        sender.write(b"too late")
        with pytest.raises(TimeoutError):
            body.read(1)


def test_what_came_earns_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_bodies, "SLOWEST", 10**9)
    body = Timely(io.BytesIO(b"x" * 100))
    body._waited = slow_bodies.PATIENCE  # as if it had been waited for until now
    with pytest.raises(TimeoutError):
        body.read(1)
    monkeypatch.setattr(slow_bodies, "SLOWEST", 1)
    body = Timely(io.BytesIO(b"x" * 100))
    assert body.read(50) == b"x" * 50
    body._waited = slow_bodies.PATIENCE + 40
    assert body.read(50) == b"x" * 50


def test_the_source_s_own_failure_is_the_reader_s() -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        Timely(Cut()).read()

"""A body that comes slowly is given up: the thread that waits for it answers others again."""

import io
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started

from r4web import patience
from r4web.patience import Patient, patient
from recommender.accounts.tokens import create_token
from recommender.models import Role, TokenScope
from tests.builders import make_account, make_catalog, make_end_user

POST = "/api/v1/catalogs/films/users/u1/recommendations"


@pytest.fixture
def halted(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BufferedReader]:
    """A body whose client sent a few bytes and then nothing more. The database of the tests stays open."""
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(request_started, "send", lambda **_: [])
    monkeypatch.setattr(request_finished, "send", lambda **_: [])
    ours, theirs = os.pipe()
    os.write(theirs, b'{"limit"')
    with os.fdopen(ours, "rb") as body:
        yield body
        os.close(theirs)


def asked(body: Any, length: int, key: str) -> tuple[str, dict[str, Any]]:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": POST,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": io.StringIO(),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(length),
        "HTTP_AUTHORIZATION": f"Bearer {key}",
    }
    said: list[str] = []
    answer = patient(WSGIHandler())(environ, lambda status, _: said.append(status))
    return said[0], json.loads(b"".join(answer))


@pytest.mark.django_db
def test_a_body_that_comes_to_a_halt_is_refused_and_one_that_comes_is_read(halted: io.BufferedReader) -> None:
    catalog = make_catalog("films")
    make_end_user(catalog, "u1")
    key = create_token("slow", account=make_account("shop", role=Role.LEAD), scopes=list(TokenScope))[1]
    began = time.monotonic()
    status, problem = asked(halted, 1000, key)

    assert (status[:3], problem["type"]) == ("400", "urn:r4web:problem:body-cut")
    assert time.monotonic() - began < 10
    whole = b'{"limit": 3}'
    assert asked(io.BytesIO(whole), len(whole), key)[0][:3] == "200"


def test_what_comes_gives_a_body_more_time_and_errors_reach_who_reads() -> None:
    body = Patient(io.BytesIO(b"one\ntwo\n" + b"x" * 100_000))
    until = body._until

    assert (body.readline(), body.readline(2), len(body.read())) == (b"one\n", b"tw", 100_002)
    assert body._until > until + 4
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        Patient(closed).read(1)


def test_no_more_threads_wait_than_may(halted: io.BufferedReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_waiting", patience.threading.BoundedSemaphore(1))
    halted.read1(8)
    with pytest.raises(OSError, match="slowly"):
        Patient(halted).read(1)
    with pytest.raises(OSError, match="Too many"):
        Patient(io.BytesIO(b"here")).read(1)

"""How often a token may ask: told in every answer, counted for all processes, cheap to refuse."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from recommender.accounts import quota
from recommender.accounts.tokens import create_token
from recommender.models import ApiToken
from tests.builders import make_account

pytestmark = pytest.mark.django_db
PATH = "/api/v1/catalogs"
NOON = 1_780_000_020.0  # the first second of a minute


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """It stands still until a test moves it by so many seconds."""
    now = [NOON]
    monkeypatch.setattr(quota.time, "time", lambda: now[0])
    monkeypatch.setattr(quota, "_ask_again_at", 0.0)
    yield lambda seconds: now.__setitem__(0, now[0] + seconds)
    quota._spent.clear()
    quota._alone.clear()


@pytest.fixture
def asked() -> Callable[[], Any]:
    """Ask with a token that may do so twice a minute."""
    _, key = create_token("shop", account=make_account(), per_minute=2)
    return lambda: APIClient().get(PATH, headers={"Authorization": f"Bearer {key}"})


def told(answer: Any) -> tuple[int, str, str | None]:
    assert answer["RateLimit-Policy"] == '"token";q=2;w=60'
    return answer.status_code, answer["RateLimit"], answer.get("Retry-After")


@pytest.mark.parametrize("counted_by", ["broker", "this process"])
def test_a_token_is_refused_until_the_minute_is_over(
    asked: Callable[[], Any], clock: Callable[[float], None], counted_by: str, request: pytest.FixtureRequest
) -> None:
    if counted_by == "broker":
        request.getfixturevalue("broker")
    else:
        quota._ask_again_at = float("inf")
    assert told(asked()) == (200, '"token";r=1;t=60', None)
    clock(17.5)
    assert told(asked()) == (200, '"token";r=0;t=43', None)
    refused = asked()
    assert told(refused) == (429, '"token";r=0;t=43', "43")
    assert refused["Content-Type"] == "application/problem+json"
    problem = json.loads(refused.content)
    assert problem["type"] == "urn:r4web:problem:too-many-requests"
    assert problem["detail"] == "This token may send 2 requests a minute. Send this one again in 43 seconds."
    clock(43)
    assert told(asked()) == (200, '"token";r=1;t=60', None)


def test_processes_count_together(asked: Callable[[], Any], broker: str) -> None:
    for _ in range(2):
        assert asked().status_code == 200
    quota._spent.clear()  # as in a process that has not met this token
    assert asked().status_code == 429


def test_what_is_refused_asks_neither_database_nor_broker(
    asked: Callable[[], Any], django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        asked()
    monkeypatch.setattr(quota, "_counted", None)
    with django_assert_num_queries(0):
        assert told(asked()) == (429, '"token";r=0;t=60', "60")


def test_a_broker_that_is_away_is_not_asked_for_every_request(
    asked: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> int:
        tries.append(1)
        raise OSError("away")

    tries: list[int] = []
    monkeypatch.setattr(quota, "_counted_for_all", away)
    assert [asked().status_code for _ in range(3)] == [200, 200, 429]
    assert len(tries) == 1


@pytest.mark.parametrize(("own", "by_setting", "limit"), [(None, 7, 7), (None, 0, None), (0, 7, None), (5, 0, 5)])
def test_a_tokens_own_limit_goes_before_the_setting(own: int, by_setting: int, limit: int, settings: Any) -> None:
    settings.API_PER_MINUTE = by_setting
    _, key = create_token("shop", account=make_account(), per_minute=own)
    answer = APIClient().get(PATH, headers={"Authorization": f"Bearer {key}"})
    assert answer.get("RateLimit-Policy") == (f'"token";q={limit};w=60' if limit else None)


def test_a_batch_that_no_minute_has_room_for_is_refused_and_costs_one_request(
    films: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "_ask_again_at", float("inf"))  # a broker may know a token of this number
    _, key = create_token("shop", account=make_account(), per_minute=4)
    api = APIClient(headers={"Authorization": f"Bearer {key}"})
    sent = [
        api.post(f"{PATH}/films/recommendations:batch", {"entries": [{"user_id": "u1"}] * many}, format="json")
        for many in (5, 3, 1)
    ]
    assert [answer.status_code for answer in sent] == [400, 200, 429]
    assert sent[0].json()["type"] == "urn:r4web:problem:invalid-body"
    assert "may send 4 a minute: send it in parts" in sent[0].json()["detail"]
    assert [answer["RateLimit"] for answer in sent[:2]] == ['"token";r=3;t=60', '"token";r=0;t=60']


def test_a_list_without_reasons_needs_no_scope_for_reasons(films: Any) -> None:
    _, key = create_token("shop", account=make_account(), scopes=["recommendations:read"])
    ask = APIClient(headers={"Authorization": f"Bearer {key}"}).get
    assert ask(f"{PATH}/films/users/u1/recommendations").status_code == 200
    refused = ask(f"{PATH}/films/users/u1/recommendations?explain=short")
    assert (refused.status_code, "`explanations:read`" in refused.json()["detail"]) == (403, True)
    assert ApiToken.objects.get().scopes == ["recommendations:read"]

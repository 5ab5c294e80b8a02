"""Idempotency keys: the same request again gets the same answer, whatever became of the first one."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.accounts import idempotency
from recommender.accounts.tokens import create_token
from recommender.erasure import retention
from recommender.erasure import service as erasure
from recommender.events import service
from recommender.models import (
    Account,
    ApiToken,
    Catalog,
    Dispute,
    EndUser,
    Event,
    IdempotencyKey,
    Recommendation,
    Role,
    SubjectKind,
    TokenScope,
)
from tests.builders import make_account
from tests.recommender.training import synthetic

ADDRESS = "/api/v1/catalogs/films/events:batch"
LIKE = {"event_id": "e1", "type": "like", "user_id": "u1", "item_id": "f3", "time": "2026-03-01T12:00:00Z"}


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


@pytest.fixture
def send(api: APIClient, films: Catalog) -> Callable[..., Any]:
    def post(*events: Any, key: str = "k", address: str = ADDRESS) -> Any:
        body = json.dumps({"events": events or [LIKE]})
        return api.post(address, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key)

    return post


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_the_same_request_again_gets_the_first_answer(send: Callable[..., Any]) -> None:
    first, again = send(), send()
    assert first.json() == again.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Cache-Control"] == "private, no-store"
    assert again.headers["Content-Type"] == "application/json"
    assert send(key='"k"').headers["Idempotent-Replayed"] == "true"  # quoted, as the draft has it
    assert send(key="other").json()["duplicates"] == 1


def test_a_key_names_one_request_of_one_token(send: Callable[..., Any], api: APIClient) -> None:
    send()
    assert kind(send(LIKE | {"item_id": "f4"})) == (422, "idempotency-key-reused")
    assert kind(send(address=f"{ADDRESS}?create=true")) == (422, "idempotency-key-reused")
    _, other = create_token("other", account=make_account(role=Role.LEAD), scopes=list(TokenScope))
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {other}")
    answer = send(LIKE | {"event_id": "e2"})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


@pytest.mark.parametrize("sent", ["", '"', '""', "a" * 256, 'a"b', "ü", "a\\b"])
def test_a_key_that_cannot_be_read_is_refused(send: Callable[..., Any], sent: str) -> None:
    assert kind(send(key=sent)) == (400, "invalid-idempotency-key")
    assert not Event.objects.exists()


def test_a_request_that_is_under_way_is_not_answered_twice(send: Callable[..., Any], token: ApiToken) -> None:
    send()
    IdempotencyKey.objects.update(status=None)
    answer = send()
    assert kind(answer) == (409, "in-progress")
    assert answer.headers["Retry-After"] == "1"  # it has just begun
    for left, worth in ((80, 40), (30, 30)):
        IdempotencyKey.objects.update(held_until=timezone.now() + timedelta(seconds=left))
        assert abs(int(send().headers["Retry-After"]) - worth) <= 1


def test_a_process_that_was_killed_holds_a_key_for_two_minutes_only(send: Callable[..., Any]) -> None:
    send()
    IdempotencyKey.objects.update(status=None, held_until=timezone.now() - timedelta(seconds=1))
    assert send().json() == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert send().headers["Idempotent-Replayed"] == "true"


def test_what_failed_may_be_sent_again(send: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert kind(send(address="/api/v1/catalogs/none/events:batch"))[0] == 404
    with monkeypatch.context() as broken:
        broken.setattr(service, "_store", lambda *_, **__: 1 / 0)
        assert kind(send()) == (500, "internal-error")
    assert not IdempotencyKey.objects.exists()
    assert send().json()["accepted"] == 1


def test_a_key_is_known_for_a_day_and_forgotten_when_somebody_is_erased(
    send: Callable[..., Any], films: Catalog
) -> None:
    send()
    assert retention.clear_old(timezone.now() + timedelta(hours=23))["answers"] == 0
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert send(LIKE | {"event_id": "e2"}).json()["accepted"] == 1  # the key is free again
    assert retention.clear_old(timezone.now() + timedelta(hours=25))["answers"] == 1
    send()
    erasure.erase(films, SubjectKind.ITEM, "f6")
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_has_the_right_to_answer(token: ApiToken) -> None:
    got: list[Any] = []
    ready = threading.Barrier(4)

    def begin() -> None:
        ready.wait(timeout=20)
        try:
            got.append(idempotency.begin(token, "k", "print"))
        except idempotency.UnderWayError as error:
            got.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(type(one).__name__ for one in got) == ["IdempotencyKey", *["UnderWayError"] * 3]


WRITES = {
    "users/u1/recommendations": {"limit": 2},
    "recommendations": {"text": "No more horror, please.", "history": [{"item_id": "f1"}]},
    "recommendations:batch": {"entries": [{"user_id": "u1"}, {}], "limit": 1},
    "rules": {"rules": [{"kind": "bury", "item_id": "f3"}]},
    "rules:remove": {"item_ids": ["f3"]},
    "events:batch": {"events": [LIKE]},
    "items:batch": {"items": [{"item_id": "f9", "title": "Film 9"}]},
    "users:batch": {"users": [{"user_id": "u9"}]},
}


@pytest.mark.parametrize("address", WRITES)
def test_every_address_that_writes_takes_a_key(api: APIClient, films: Catalog, address: str) -> None:
    def post(body: Any, catalog: str = "films") -> Any:
        return api.post(f"/api/v1/catalogs/{catalog}/{address}", body, format="json", HTTP_IDEMPOTENCY_KEY="k")

    first, again = post(WRITES[address]), post(WRITES[address])
    assert (first.status_code, first.json()) == (200, again.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert kind(post({})) == (422, "idempotency-key-reused")
    assert kind(post(WRITES[address], catalog="no\0ne")) == (404, "unknown-catalog")


def test_a_list_is_logged_once_for_a_key(api: APIClient, films: Catalog) -> None:
    answers = [
        api.post("/api/v1/catalogs/films/users/u1/recommendations", {}, format="json", HTTP_IDEMPOTENCY_KEY="k").json()
        for _ in range(2)
    ]
    assert [str(logged) for logged in Recommendation.objects.values_list("pk", flat=True)] == [
        answers[0]["recommendation_id"]
    ]


def test_a_text_is_disputed_once_for_a_key(api: APIClient, films: Catalog) -> None:
    turn = synthetic.approve(EndUser.objects.get(external_id="u1"), "They adore dramas.")
    address = f"/api/v1/explanations/{turn.pk}/disputes"
    first, again = (api.post(address, {"reason": "Not so."}, format="json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert first["Location"] == again["Location"] == f"/api/v1/disputes/{first.json()['dispute_id']}"
    assert Dispute.objects.count() == 1


def test_what_was_answered_of_a_catalog_that_was_closed_to_the_account_is_told_no_more(
    api: APIClient, films: Catalog, token: ApiToken
) -> None:
    def post() -> Any:
        address = "/api/v1/catalogs/films/users/u1/recommendations"
        return api.post(address, {}, format="json", HTTP_IDEMPOTENCY_KEY="k")

    assert post().status_code == 200
    Account.objects.filter(pk=token.created_by_id).update(all_catalogs=False)
    assert kind(post()) == (404, "unknown-catalog")


def test_a_key_lets_no_greater_body_come(api: APIClient, films: Catalog) -> None:
    body = '{"text": "' + "a" * 2_600_000 + '"}'
    answer = api.post(
        "/api/v1/catalogs/films/recommendations", body, content_type="application/json", HTTP_IDEMPOTENCY_KEY="k"
    )
    assert kind(answer) == (413, "too-large")

"""Webhooks over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.models import AuditEntry, Catalog, DeliveryState, Role, TokenScope, WebhookDelivery, WebhookEndpoint
from recommender.webhooks import service
from recommender.webhooks.delivery import deliver
from tests import webhook_receiver
from tests.builders import make_account
from tests.recommender.webhooks.conftest import this_machine  # noqa: F401 - a fixture
from tests.webhook_receiver import Reply

HOOKS = "/api/v1/catalogs/films/webhooks"


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


def post(api: APIClient, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = api.post(path, body, format="json")
    assert answer.status_code == status, answer.json()
    return dict(answer.json())


def test_a_webhook_from_its_first_day_to_its_last(api: APIClient, films: Catalog) -> None:
    with webhook_receiver.running(lambda _: replies.pop() if replies else Reply(200, body=b"thanks")) as receiver:
        replies = [Reply(500, body=b"not now")]
        made = post(api, HOOKS, {"url": receiver.url, "events": ["round.rested", "knowledge.approved"]})
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert api.get(HOOKS).json() == {"webhooks": [made]}
        assert made["events"] == ["knowledge.approved", "round.rested"]
        path = f"{HOOKS}/{made['webhook_id']}"
        assert api.get(path).json() == made

        first = post(api, f"{path}/ping", {})
        assert first["message"]["type"] == "webhook.ping"
        deliver()
        (logged,) = api.get(f"{path}/deliveries").json()["deliveries"]
        assert (logged["state"], logged["attempts"], logged["log"][0]["answer"]) == ("pending", 1, "not now")
        assert logged["next_attempt_at"]
        post(api, f"{path}/redeliveries", {"delivery_id": first["delivery_id"]})
        deliver()
        WebhookDelivery.objects.update(state=DeliveryState.FAILED)
        assert post(api, f"{path}/redeliveries", {"since": "2026-01-01T00:00:00Z"}) == {"redelivered": 1}
        deliver()
        post(api, f"{path}/ping", {})
        page = api.get(f"{path}/deliveries", {"limit": 1}).json()
        assert page["deliveries"][0]["log"] == []
        rest = api.get(f"{path}/deliveries", {"before": page["next_before"], "state": "delivered"}).json()
        assert [one["status"] for one in rest["deliveries"][0]["log"]] == [500, 200, 200]
        assert rest["next_before"] is None

    assert post(api, f"{path}/secret", {"overlap_hours": 2})["secret"] not in ("", secret)
    assert api.get(path).json()["old_secret_until"]
    changed = api.patch(path, {"enabled": False, "description": "Shop"}, format="json").json()
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "Somebody switched it off.")
    refused = post(api, f"{path}/ping", {}, 409)
    assert refused["type"] == "urn:r4web:problem:webhook-refused"
    assert api.delete(path).json() == {"removed": 1}
    assert api.get(path).json()["type"] == "urn:r4web:problem:unknown-webhook"
    done = AuditEntry.objects.filter(event="webhook_changed", account__username="keeper").order_by("pk")
    assert [entry.details.partition(":")[0] for entry in done] == [
        "Added",
        "New secret; the old one is valid for 2 hours more",
        "Changed",
        "Removed",
    ]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"url": "https://10.0.0.1/", "events": ["round.rested"]}, "url"),
        ({"url": "ftp://shop.example/", "events": ["round.rested"]}, "url"),
        ({"url": 5, "events": ["round.rested"]}, "url"),
        ({"events": ["round.rested"]}, "url"),
        ({"url": "https://shop.example/"}, "events"),
        ({"url": "https://shop.example/", "events": []}, "events"),
        ({"url": "https://shop.example/", "events": ["webhook.ping"]}, "events"),
        ({"url": "https://shop.example/", "events": "round.rested"}, "events"),
        ({"url": "https://shop.example/", "events": ["round.rested"], "description": "x" * 201}, "description"),
        ({"url": "https://shop.example/", "events": ["round.rested"], "secret": "mine"}, "secret"),
    ],
)
def test_what_is_wrong_is_told_where(api: APIClient, films: Catalog, body: dict[str, Any], parameter: str) -> None:
    answer = post(api, HOOKS, body, 400)
    assert [each["parameter"] for each in answer["errors"]] == [parameter]
    assert not WebhookEndpoint.objects.exists()


def test_what_is_sent_again_must_be_there_and_be_told_in_one_way(api: APIClient, films: Catalog) -> None:
    endpoint, _ = service.add(films, "https://shop.example/", ["round.rested"], by=None)
    path = f"{HOOKS}/{endpoint.pk}/redeliveries"
    for body in ({}, {"delivery_id": None}, {"delivery_id": 7, "since": "2026-01-01T00:00:00Z"}):
        (wrong,) = post(api, path, body, 400)["errors"]
        assert wrong["parameter"] == "delivery_id"
        assert "either `delivery_id` or `since`" in wrong["detail"]
    assert post(api, path, {"delivery_id": 7}, 404)["type"] == "urn:r4web:problem:unknown-delivery"
    assert api.get(f"{HOOKS}/{10**30}").status_code == 404


def test_there_is_room_for_so_many(api: APIClient, films: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_ENDPOINTS", 1)
    wanted = {"url": "https://shop.example/", "events": ["round.rested"]}
    post(api, HOOKS, wanted)
    assert "Remove one" in post(api, HOOKS, wanted, 409)["detail"]

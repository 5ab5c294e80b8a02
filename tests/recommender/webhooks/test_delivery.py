"""Messages are delivered, tried again, given up, sent again; and nothing is lost where a process is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from recommender.models import (
    AuditEntry,
    Catalog,
    DeliveryState,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookMessage,
)
from recommender.webhooks import schedule, service
from recommender.webhooks.delivery import deliver
from tests import webhook_receiver
from tests.recommender.webhooks.conftest import listen
from tests.webhook_receiver import Received, Receiver, Reply

SECOND = timedelta(seconds=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver.running() as running:
        yield running


def let_pass(time: timedelta) -> None:
    """As if so much time had passed."""
    for delivery in WebhookDelivery.objects.all():
        at = {"next_attempt_at": delivery.next_attempt_at - time, "begun_at": delivery.begun_at - time}
        WebhookDelivery.objects.filter(pk=delivery.pk).update(**at)
    for attempt in WebhookAttempt.objects.all():
        WebhookAttempt.objects.filter(pk=attempt.pk).update(at=attempt.at - time)
    for endpoint in WebhookEndpoint.objects.exclude(paused_until=None):
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(paused_until=endpoint.paused_until - time)


def answering(*statuses: int) -> Callable[[Received], Reply]:
    """These, one after the other; then 204."""
    left = list(statuses)
    return lambda _: Reply(left.pop(0) if left else 204)


def test_a_message_is_delivered_signed_logged_and_not_sent_again(films: Catalog, receiver: Receiver) -> None:
    endpoint, secret = listen(films, receiver)
    service.ping(endpoint)
    assert (deliver(), deliver()) == (1, 0)

    (heard,) = receiver.received
    said = Webhook(secret).verify(heard.body, heard.headers)
    assert said["type"] == "webhook.ping"
    assert said["data"] == {"catalog": "films", "endpoint_id": endpoint.pk}
    assert heard.headers["webhook-id"] == WebhookMessage.objects.get().webhook_id
    assert (heard.path, heard.headers["content-type"]) == ("/hooks", "application/json")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert list(delivery.log.values_list("status", "error")) == [(204, "")]
    assert WebhookEndpoint.objects.get().lease_token == ""


def test_what_fails_is_tried_again_under_the_same_id_with_a_new_time(films: Catalog) -> None:
    with webhook_receiver.running(answering(500, 404)) as receiver:
        endpoint, secret = listen(films, receiver)
        service.ping(endpoint)
        assert (deliver(), deliver()) == (1, 0)
        waits = WebhookDelivery.objects.get().next_attempt_at - timezone.now()
        assert 3 * SECOND < waits <= 6 * SECOND
        assert WebhookEndpoint.objects.get().failing_since is not None
        let_pass(7 * SECOND)
        assert deliver() == 1
        let_pass(timedelta(minutes=7))
        assert deliver() == 1
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    assert all(Webhook(secret).verify(each.body, each.headers) for each in receiver.received)
    delivery = WebhookDelivery.objects.get()
    assert delivery.state == DeliveryState.DELIVERED
    assert list(delivery.log.values_list("status", flat=True)) == [500, 404, 204]
    assert WebhookEndpoint.objects.get().failing_since is None


def test_an_endpoint_that_only_fails_is_switched_off_after_days_and_told_of(films: Catalog) -> None:
    with webhook_receiver.running(Reply(503, body=b"down")) as receiver:
        endpoint, _ = listen(films, receiver)
        service.ping(endpoint)
        tries = 0
        while WebhookDelivery.objects.get().state == DeliveryState.PENDING:
            tries += deliver()
            let_pass(timedelta(hours=30))
    assert tries == schedule.ATTEMPTS == len(receiver.received)
    endpoint.refresh_from_db()
    assert "Nothing got through for days: 10 attempts" in endpoint.disabled_reason
    entry = AuditEntry.objects.get(event="webhook_disabled")
    assert entry.about == f"webhook {endpoint.pk} of films"
    with pytest.raises(service.DisabledError, match="Switch it on first"):
        service.ping(endpoint)
    with pytest.raises(service.DisabledError):
        service.redeliver(WebhookDelivery.objects.get())
    assert WebhookDelivery.objects.get().log.latest("pk").answer == "down"


def test_one_message_that_is_never_taken_switches_nothing_off_while_others_are(films: Catalog) -> None:
    """An endpoint that answers is no dead one."""
    with webhook_receiver.running(lambda heard: Reply(500 if b"first" in heard.body else 200)) as receiver:
        endpoint, _ = listen(films, receiver)
        service.ping(endpoint)
        WebhookMessage.objects.update(body="first")
        for _ in range(schedule.ATTEMPTS):
            service.ping(endpoint)
            deliver()
            let_pass(timedelta(hours=30))
    states = WebhookDelivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [DeliveryState.FAILED, *[DeliveryState.DELIVERED] * schedule.ATTEMPTS]
    assert WebhookEndpoint.objects.get().disabled_at is None


def test_410_switches_it_off_at_once_and_what_waits_goes_on_when_it_is_switched_on(films: Catalog) -> None:
    with webhook_receiver.running(answering(410)) as receiver:
        endpoint, _ = listen(films, receiver)
        service.ping(endpoint)
        deliver()
        endpoint.refresh_from_db()
        assert endpoint.disabled_reason == "It answered 410 Gone: it wants no more."
        assert WebhookDelivery.objects.get().state == DeliveryState.FAILED
        WebhookDelivery.objects.update(state=DeliveryState.PENDING)
        assert deliver() == 0
        service.change(endpoint, enabled=True, by=None)
        assert deliver() == 1
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED


def test_retry_after_is_obeyed_for_all_that_waits(films: Catalog) -> None:
    busy = [Reply(429, {"Retry-After": "600"})]
    with webhook_receiver.running(lambda _: busy.pop() if busy else Reply()) as receiver:
        endpoint, _ = listen(films, receiver)
        service.ping(endpoint)
        deliver()
        service.ping(endpoint)
        assert deliver() == 0
        let_pass(timedelta(seconds=590))
        assert deliver() == 0
        let_pass(timedelta(seconds=150))
        assert deliver() == 2
    assert not WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


def test_a_secret_is_changed_without_a_message_that_nobody_can_check(films: Catalog, receiver: Receiver) -> None:
    endpoint, old = listen(films, receiver)
    new = service.rotate(endpoint, overlap=timedelta(hours=24), by=None)
    endpoint.refresh_from_db()
    service.ping(endpoint)
    deliver()
    (both,) = receiver.received
    assert Webhook(old).verify(both.body, both.headers) == Webhook(new).verify(both.body, both.headers)
    WebhookEndpoint.objects.update(previous_until=timezone.now() - SECOND)
    service.ping(endpoint)
    deliver()
    assert len(receiver.received[1].headers["webhook-signature"].split()) == 1
    assert Webhook(new).verify(receiver.received[1].body, receiver.received[1].headers)
    assert {old, new}.isdisjoint(str(row) for row in WebhookEndpoint.objects.values_list("secret", "previous_secret"))


def test_one_is_sent_again_or_all_that_failed_since(films: Catalog) -> None:
    with webhook_receiver.running(answering(*[500] * 3)) as receiver:
        endpoint, _ = listen(films, receiver)
        for _ in range(3):
            service.ping(endpoint)
        deliver()
        WebhookDelivery.objects.update(state=DeliveryState.FAILED, attempts=10)
        first, *_ = WebhookDelivery.objects.order_by("pk")
        WebhookMessage.objects.filter(pk=first.message_id).update(created_at=timezone.now() - timedelta(days=2))
        assert service.redeliver_failed(endpoint, since=timezone.now() - timedelta(days=1)) == 2
        assert deliver() == 2
        service.redeliver(first)
        service.redeliver(first)  # twice is once
        assert deliver() == 1
        service.redeliver(first)  # although it was delivered
        assert deliver() == 1
    assert not WebhookDelivery.objects.exclude(state=DeliveryState.DELIVERED, attempts=1).exists()
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 3


def test_a_slow_endpoint_keeps_no_other_waiting(films: Catalog, settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT = 60.0
    all_came, in_time = threading.Event(), []

    def quickly(_: Received) -> Reply:
        if len(quick.received) == 6:
            all_came.set()
        return Reply()

    def slowly(_: Received) -> Reply:
        in_time.append(all_came.wait(50))
        return Reply()

    with webhook_receiver.running(slowly) as slow, webhook_receiver.running(quickly) as quick:
        stuck, _ = listen(films, slow)
        other, _ = listen(films, quick)
        for _ in range(6):
            service.ping(stuck)
            service.ping(other)
        assert deliver() == 12
    assert in_time == [True] * 6


def test_what_another_worker_sends_is_left_to_it(films: Catalog, receiver: Receiver) -> None:
    endpoint, _ = listen(films, receiver)
    service.ping(endpoint)
    later = timezone.now() + timedelta(minutes=1)
    WebhookEndpoint.objects.update(lease_token="another", lease_expires_at=later)
    assert deliver() == 0
    WebhookEndpoint.objects.update(lease_expires_at=timezone.now() - SECOND)
    assert deliver() == 1


def test_an_address_that_is_no_longer_allowed_is_not_sent_to(films: Catalog, receiver: Receiver, settings: Any) -> None:
    endpoint, _ = listen(films, receiver)
    service.ping(endpoint)
    settings.WEBHOOK_NETWORKS = []
    deliver()
    assert not receiver.received
    assert "R4_WEBHOOK_NETWORKS" in WebhookAttempt.objects.get().error


def test_a_secret_of_another_key_is_told_of(films: Catalog, receiver: Receiver, settings: Any) -> None:
    endpoint, _ = listen(films, receiver)
    service.ping(endpoint)
    settings.SECRET_KEY = "another"
    deliver()
    assert WebhookAttempt.objects.get().error.endswith("make a new one.")


def test_a_message_that_is_erased_while_it_is_sent_leaves_nothing(films: Catalog) -> None:
    def erase(_: Received) -> Reply:
        erased.append(True)
        return Reply(body=b"thanks for u1")

    erased: list[bool] = []
    with webhook_receiver.running(erase) as receiver:
        endpoint, _ = listen(films, receiver)
        service.ping(endpoint)
        from recommender.webhooks import delivery

        (ready,) = delivery._take("mine", [])
        answer = delivery._send(ready)
        WebhookMessage.objects.all().delete()
        delivery._store(ready, answer, now=timezone.now())
    assert erased
    assert not WebhookAttempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_loses_nothing(child_environment: dict[str, str]) -> None:
    """It dies between the request and the row that says so: the message comes again, under the same id."""
    from tests.builders import make_catalog

    replies = [Reply(hang=True)]
    with webhook_receiver.running(lambda _: replies.pop() if replies else Reply()) as hanging:
        endpoint, _ = listen(make_catalog("films"), hanging)
        service.ping(endpoint)
        code = "import django; django.setup(); from recommender.webhooks.delivery import deliver; deliver()"
        allowed = {"R4_WEBHOOK_HTTP": "1", "R4_WEBHOOK_NETWORKS": "127.0.0.1"}
        worker = subprocess.Popen([sys.executable, "-c", code], env=child_environment | allowed)
        assert hanging.came.wait(60)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        assert WebhookDelivery.objects.get().attempts == 0
        assert deliver() == 0  # its lease has not ended
        WebhookEndpoint.objects.update(lease_expires_at=timezone.now() - SECOND)
        assert (deliver(), deliver()) == (1, 0)
    assert len({each.headers["webhook-id"] for each in hanging.received}) == 1
    assert len(hanging.received) == 2
    assert json.loads(hanging.received[0].body)["type"] == "webhook.ping"

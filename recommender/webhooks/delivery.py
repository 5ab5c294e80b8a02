"""Messages of the outbox sent to their endpoints: at least once, each attempt logged, in no promised order.

One worker at a time sends to an endpoint: it holds the endpoint's lease, which ends by itself where it was killed.
Requests are made in threads of their own, which use no database; what came of them is stored as it comes, so that a
worker that dies sends again only what was under way.
"""

import logging
import time
from collections import Counter
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from recommender.accounts import audit
from recommender.models import AuditEvent, DeliveryState, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from recommender.models.webhooks import LONGEST_ERROR
from recommender.sealed import UnreadableSecretError
from recommender.webhooks import schedule, sending, signing
from recommender.webhooks.sending import Answer

log = logging.getLogger(__name__)

BUDGET = 30.0  # seconds after which a job begins no further request: the worker has other work too
MOST_AT_ONCE = 16  # requests of a job
OF_AN_ENDPOINT = 4  # of these
GONE = 410


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt to be made. `secrets`: encrypted, those that are valid, the newest first."""

    delivery_id: int
    endpoint_id: int
    url: str
    secrets: tuple[str, ...]
    webhook_id: str
    body: str
    attempts: int  # before it


def deliver() -> int:
    """Send what is due; returns how many requests were made. What another worker sends is left to it."""
    token, ends, sent = uuid4().hex, time.monotonic() + BUDGET, 0
    running: dict[Future[Answer], Ready] = {}
    try:
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="webhooks") as threads:
            while True:
                if time.monotonic() < ends:
                    for ready in _take(token, running.values()):
                        running[threads.submit(_send, ready)] = ready
                        sent += 1
                if not running:
                    return sent
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    _store(running.pop(future), future.result(), now=timezone.now())
    finally:
        WebhookEndpoint.objects.filter(lease_token=token).update(lease_token="", lease_expires_at=None)


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=DeliveryState.PENDING, next_attempt_at__lte=now)


def _take(token: str, running: Collection[Ready]) -> list[Ready]:
    """What may be sent now beside what is under way, with the leases of its endpoints."""
    now = timezone.now()
    ready: list[Ready] = []
    lease = now + timedelta(seconds=2 * (settings.WEBHOOK_TIMEOUT + sending.ANSWER_SECONDS) + 30)
    busy = Counter(one.endpoint_id for one in running)
    free = Q(lease_token="") | Q(lease_token=token) | Q(lease_expires_at__lt=now)
    may = Q(disabled_at=None) & (Q(paused_until=None) | Q(paused_until__lte=now)) & free
    there = Exists(_due(now).filter(endpoint=OuterRef("pk")))
    for endpoint in WebhookEndpoint.objects.filter(may, there).order_by("pk"):
        room = min(OF_AN_ENDPOINT - busy[endpoint.pk], MOST_AT_ONCE - len(running) - len(ready))
        # Compare and set: of two workers one gets it.
        mine = WebhookEndpoint.objects.filter(may, pk=endpoint.pk)
        if room <= 0 or not mine.update(lease_token=token, lease_expires_at=lease):
            continue
        of_it = _due(now).filter(endpoint=endpoint).exclude(pk__in=[one.delivery_id for one in running])
        for delivery in of_it.select_related("message").order_by("next_attempt_at", "pk")[:room]:
            message = delivery.message
            ready.append(
                Ready(
                    delivery.pk,
                    endpoint.pk,
                    endpoint.url,
                    valid_secrets(endpoint, now),
                    message.webhook_id,
                    message.body,
                    delivery.attempts,
                )
            )
    return ready


def valid_secrets(endpoint: WebhookEndpoint, now: datetime) -> tuple[str, ...]:
    """Encrypted, the newest first."""
    still = endpoint.previous_until is not None and endpoint.previous_until > now
    return (endpoint.secret, endpoint.previous_secret) if still else (endpoint.secret,)


def _send(ready: Ready) -> Answer:
    body = ready.body.encode()
    try:
        secrets = [signing.decrypted(each) for each in ready.secrets]
    except UnreadableSecretError as error:
        return Answer(0, error=str(error))
    return sending.post(ready.url, signing.headers(secrets, ready.webhook_id, int(time.time()), body), body)


@transaction.atomic
def _store(ready: Ready, answer: Answer, *, now: datetime) -> None:
    """Log the attempt, and say what becomes of the delivery and of its endpoint.

    Nothing is kept of a message that was erased meanwhile, nor counted twice where another worker was faster.
    """
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=ready.endpoint_id).first()
    delivery = WebhookDelivery.objects.select_for_update().filter(pk=ready.delivery_id).first()
    if endpoint is None or delivery is None:
        return
    WebhookAttempt.objects.create(
        delivery=delivery,
        at=now - timedelta(milliseconds=answer.duration_ms),
        status=answer.status,
        duration_ms=answer.duration_ms,
        answer=answer.text,
        error=answer.error,
    )
    if delivery.state != DeliveryState.PENDING or delivery.attempts != ready.attempts:
        return
    delivery.attempts += 1
    if answer.succeeded:
        delivery.state = DeliveryState.DELIVERED
        if endpoint.failing_since or endpoint.paused_until:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, paused_until=None)
    else:
        _put_off(delivery, endpoint, answer, now=now)
    delivery.save(update_fields=["state", "attempts", "next_attempt_at"])


def _put_off(delivery: WebhookDelivery, endpoint: WebhookEndpoint, answer: Answer, *, now: datetime) -> None:
    asked_for = schedule.retry_after_of(answer.retry_after, now=now)
    seconds = schedule.delay(delivery.attempts, retry_after=asked_for)
    changed = {"failing_since": endpoint.failing_since or now}
    if asked_for:  # of everything, not of this message alone
        changed["paused_until"] = now + timedelta(seconds=asked_for)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changed)
    if seconds is None or answer.status == GONE:
        delivery.state = DeliveryState.FAILED
    else:
        delivery.next_attempt_at = now + timedelta(seconds=seconds)
    if answer.status == GONE:
        _switch_off(endpoint, "It answered 410 Gone: it wants no more.", now=now)
    elif seconds is None and not _succeeded_since(endpoint, delivery.begun_at):
        days = max(1, (now - delivery.begun_at).days)
        tries = f"{schedule.ATTEMPTS} attempts in {days} day{'' if days == 1 else 's'}"
        _switch_off(endpoint, f"Nothing got through for days: {tries} failed for one message.", now=now)


def _succeeded_since(endpoint: WebhookEndpoint, since: datetime) -> bool:
    return WebhookAttempt.objects.filter(
        delivery__endpoint=endpoint, at__gte=since, status__gte=200, status__lt=300
    ).exists()


def _switch_off(endpoint: WebhookEndpoint, why: str, *, now: datetime) -> None:
    on = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    if on.update(disabled_at=now, disabled_reason=why[:LONGEST_ERROR]):
        log.warning("%s is switched off. %s", endpoint, why)
        audit.record(AuditEvent.WEBHOOK_DISABLED, about=endpoint, details=why, by_itself=True)

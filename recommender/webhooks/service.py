"""What leads do with endpoints: add, change, remove, give another secret, send something again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recommender import jobs
from recommender.accounts import audit
from recommender.models import (
    Account,
    AuditEvent,
    Catalog,
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from recommender.webhooks import guard, outbox, signing

MOST_ENDPOINTS = 20  # of a catalog
MOST_OVERLAP_HOURS = 168


class RefusedError(Exception):
    """Nothing was changed; the message says why and what to do."""


class DisabledError(RefusedError):
    """The endpoint is switched off."""

    def __init__(self) -> None:
        super().__init__("It is switched off, so that nothing is sent to it. Switch it on first.")


def add(
    catalog: Catalog, url: str, events: Sequence[str], *, description: str = "", by: Account | None
) -> tuple[WebhookEndpoint, str]:
    """Returns the endpoint and its secret, which cannot be read again. Raises guard.RefusedUrlError, RefusedError."""
    guard.parsed(url)
    secret = signing.new_secret()
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=catalog.pk)
        if catalog.webhook_endpoints.count() >= MOST_ENDPOINTS:
            raise RefusedError(f"A catalog has {MOST_ENDPOINTS} endpoints at most. Remove one.")
        endpoint = WebhookEndpoint.objects.create(
            catalog=catalog,
            url=url,
            events=_ordered(events),
            description=description.strip(),
            secret=signing.encrypted(secret),
            created_by=by,
        )
        _recorded(endpoint, f"Added: {url}", by)
    return endpoint, secret


@transaction.atomic
def change(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    by: Account | None,
) -> WebhookEndpoint:
    """Change what is given. Switched on, it gets what waits for it. Raises guard.RefusedUrlError."""
    if url is not None:
        guard.parsed(url)
    locked = WebhookEndpoint.objects.select_related("catalog").select_for_update(of=("self",)).get(pk=endpoint.pk)
    said = []
    if url is not None and url != locked.url:
        locked.url, locked.paused_until = url, None
        said.append(f"address {url}")
    if events is not None and _ordered(events) != locked.events:
        locked.events = _ordered(events)
        said.append(f"events {', '.join(locked.events)}")
    if description is not None and description.strip() != locked.description:
        locked.description = description.strip()
        said.append("description")
    if enabled is False and locked.disabled_at is None:
        locked.disabled_at, locked.disabled_reason = timezone.now(), "Somebody switched it off."
        said.append("switched off")
    if enabled and locked.disabled_at is not None:
        locked.disabled_at, locked.disabled_reason, locked.failing_since, locked.paused_until = None, "", None, None
        said.append("switched on")
    if said:
        locked.save(
            update_fields=[
                "url", "events", "description", "disabled_at", "disabled_reason", "failing_since", "paused_until",
            ]
        )  # fmt: skip
        _recorded(locked, f"Changed: {'; '.join(said)}", by)
        jobs.send(jobs.DELIVER_WEBHOOKS)
    return locked


@transaction.atomic
def remove(endpoint: WebhookEndpoint, *, by: Account | None) -> None:
    """With its log, and with what waits for it."""
    _recorded(endpoint, f"Removed: {endpoint.url}", by)
    endpoint.delete()


@transaction.atomic
def rotate(endpoint: WebhookEndpoint, *, overlap: timedelta, by: Account | None) -> str:
    """A new secret, which cannot be read again. Until `overlap` is over messages are signed with the old one too."""
    secret, until = signing.new_secret(), timezone.now() + overlap
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    locked.previous_secret, locked.previous_until = (locked.secret, until) if overlap else ("", None)
    locked.secret = signing.encrypted(secret)
    locked.save(update_fields=["secret", "previous_secret", "previous_until"])
    hours = overlap / timedelta(hours=1)
    _recorded(endpoint, f"New secret; the old one is valid for {hours:g} hours more", by)
    return secret


def ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a test message. Raises DisabledError."""
    if endpoint.disabled_at is not None:
        raise DisabledError
    with transaction.atomic():
        return outbox.ping(endpoint)


@transaction.atomic
def redeliver(delivery: WebhookDelivery) -> None:
    """Send it again, delivered or not, with all its attempts. Raises DisabledError."""
    _send_again(delivery.endpoint, WebhookDelivery.objects.filter(pk=delivery.pk))


@transaction.atomic
def redeliver_failed(endpoint: WebhookEndpoint, *, since: datetime) -> int:
    """Send again what was written since then and given up; returns how many. Raises DisabledError."""
    failed = endpoint.deliveries.filter(state=DeliveryState.FAILED, message__created_at__gte=since)
    return _send_again(endpoint, WebhookDelivery.objects.filter(pk__in=failed.values("pk")))


def _send_again(endpoint: WebhookEndpoint, deliveries: QuerySet[WebhookDelivery]) -> int:
    if endpoint.disabled_at is not None:
        raise DisabledError
    now = timezone.now()
    count = deliveries.update(state=DeliveryState.PENDING, attempts=0, next_attempt_at=now, begun_at=now)
    jobs.send(jobs.DELIVER_WEBHOOKS)
    return count


def _ordered(events: Sequence[str]) -> list[str]:
    return [event.value for event in WebhookEvent if event in events]


def _recorded(endpoint: WebhookEndpoint, details: str, by: Account | None) -> None:
    audit.record(AuditEvent.WEBHOOK_CHANGED, about=endpoint, details=details, by=by)

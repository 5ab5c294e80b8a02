"""A request that writes, sent again with the same `Idempotency-Key`, is answered as it was the first time.

After draft-ietf-httpapi-idempotency-key-header: a key is its token's own and is known for LASTS.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.db import IntegrityError, transaction
from django.utils import timezone

from recommender.models import ApiToken, IdempotencyKey

LASTS = timedelta(hours=24)
HELD = timedelta(minutes=2)  # for so long a request is believed to be under way; its process may have been killed


class OtherRequestError(Exception):
    """The key was used for another request."""


class UnderWayError(Exception):
    """The request with this key is being answered. `seconds`: when it is worth asking again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Under way; ask again in {seconds} seconds.")
        self.seconds = seconds

    @classmethod
    def at(cls, now: datetime, held_until: datetime) -> Self:
        """Once it has taken twice as long as until now, but not after it stops being believed to be under way."""
        left = held_until - now
        return cls(max(1, round(min(left, HELD - left).total_seconds())))


@dataclass(frozen=True, slots=True)
class Answered:
    """`fingerprint`: of the request that was answered so; empty where its body did not arrive whole."""

    fingerprint: str
    status: int
    content_type: str
    content: str


def begin(token: ApiToken, key: str, fingerprint: str = "") -> IdempotencyKey | Answered:
    """The right to answer the request, or how it was answered. `fingerprint`: empty where it is not known yet.

    Raises OtherRequestError and UnderWayError.
    """
    now = timezone.now()
    IdempotencyKey.objects.filter(token=token, key=key, created_at__lte=now - LASTS).delete()
    row = IdempotencyKey(token=token, key=key, fingerprint=fingerprint, held_until=now + HELD, created_at=now)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return _known(token, key, fingerprint)
    return row


def _known(token: ApiToken, key: str, fingerprint: str) -> IdempotencyKey | Answered:
    now = timezone.now()
    row = IdempotencyKey.objects.filter(token=token, key=key).first()
    if row is None:  # whoever had it let go of it just now
        raise UnderWayError(1)
    if fingerprint and row.fingerprint and fingerprint != row.fingerprint:
        raise OtherRequestError
    if row.status is not None:
        return Answered(row.fingerprint, row.status, row.content_type, row.content)
    held = IdempotencyKey.objects.filter(pk=row.pk, status=None, held_until=row.held_until)
    if row.held_until > now or not held.update(held_until=now + HELD):
        raise UnderWayError.at(now, row.held_until)
    row.held_until = now + HELD
    return row


def hold(row: IdempotencyKey) -> None:
    """It is still under way."""
    IdempotencyKey.objects.filter(pk=row.pk).update(held_until=timezone.now() + HELD)


def finish(row: IdempotencyKey, answered: Answered) -> None:
    """Keep the answer for whoever sends the request again."""
    IdempotencyKey.objects.filter(pk=row.pk).update(
        fingerprint=answered.fingerprint,
        status=answered.status,
        content_type=answered.content_type,
        content=answered.content,
    )


def release(row: IdempotencyKey) -> None:
    """Nothing was done: the key may be used again."""
    IdempotencyKey.objects.filter(pk=row.pk, status=None).delete()


def forget() -> int:
    """Delete what was answered: after an erasure, since an answer may name whom it was about."""
    return IdempotencyKey.objects.exclude(status=None).delete()[0]

"""Who has which review in hand: slots are taken by compare-and-set, under leases that run out.

An annotator holds one review at a time. No lock is held while people read; a lease that ran out frees the slot for
others, and until somebody takes it the annotator's own decision still counts.
"""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.models import QuerySet

from recommender.models import Account
from reviews.models import Review, ReviewState, Skip, Slot

LEASE = timedelta(minutes=15)  # renewed while the annotator is at work on the page
SKIPPED_FOR = timedelta(hours=1)


class Stale(StrEnum):
    """Why a submit came too late; the page explains each."""

    DECIDED = "decided"
    AWAITING_ACTOR = "awaiting_actor"
    HELD = "held"
    CHANGED = "changed"


class StaleReviewError(Exception):
    """The review is not as the annotator saw it; nothing was changed."""

    def __init__(self, stale: Stale) -> None:
        super().__init__(stale)
        self.stale = stale


def take_next(account: Account, *, now: datetime) -> Slot | None:
    """The slot the annotator already holds, else the oldest free one they did not skip, now theirs. None: no work."""
    if held := _held(account, now):
        return held
    free = Slot.objects.free(now).not_skipped_by(account, now)
    return _take_first(free.order_by("review__opened_at", "review_id", "number"), account, now)


def take(review: Review, *, account: Account, now: datetime) -> Slot | None:
    """A slot of this review for the annotator, who lets go of any other they hold. None: others hold it."""
    held = _held(account, now)
    if held and held.review_id == review.pk:
        return held
    with transaction.atomic():
        taken = _take_first(Slot.objects.free(now).filter(review=review).order_by("number"), account, now)
        if taken and held:
            release(held.review, account=account)
    return taken


def renew(review: Review, *, account: Account, lease_token: str, now: datetime) -> datetime | None:
    """Hold the slot for another LEASE; says until when.

    None: the lease ran out, and since then somebody else took the slot or the annotator took another one.
    """
    until = now + LEASE
    if Slot.objects.held_by(account, now).exclude(review=review).exists():
        return None
    mine = review.slots.filter(leased_by=account, lease_token=lease_token, review__state=ReviewState.OPEN)
    return until if lease_token and mine.update(lease_expires_at=until) else None


def release(review: Review, *, account: Account | None = None) -> None:
    """Let go of the review, if the annotator holds it; without one, whoever holds it."""
    held = review.slots.filter(leased_by=account) if account else review.slots.all()
    held.update(leased_by=None, lease_token="", lease_expires_at=None)


@transaction.atomic
def skip(review: Review, *, account: Account, now: datetime) -> None:
    """Let go of the review and do not offer it to this annotator for a while. Others still get it."""
    release(review, account=account)
    Skip.objects.update_or_create(review=review, account=account, defaults={"until": now + SKIPPED_FOR})


def unskip(account: Account) -> None:
    """Offer everything again that the annotator skipped."""
    Skip.objects.filter(account=account).delete()


def _held(account: Account, now: datetime) -> Slot | None:
    return Slot.objects.held_by(account, now).select_related("review").order_by("pk").first()


def _take_first(slots: QuerySet[Slot], account: Account, now: datetime) -> Slot | None:
    """The first of these slots, now held by the annotator.

    PostgreSQL passes over the slots that somebody is taking at this very moment, so that nobody waits for them and
    nobody gets nothing while others are free; one row is locked, no more. SQLite has one writer at a time anyway. The
    condition on the update is what makes sure.
    """
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            slots = slots.select_for_update(skip_locked=True, of=("self",))
        slot = slots.first()
        if slot is None:
            return None
        hold = {"leased_by": account, "lease_token": secrets.token_hex(16), "lease_expires_at": now + LEASE}
        taken = Slot.objects.free(now).filter(pk=slot.pk).update(**hold)
        return Slot.objects.select_related("review").get(pk=slot.pk) if taken else None

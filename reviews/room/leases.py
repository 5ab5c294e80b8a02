"""Who has which review in hand: slots are taken by compare-and-set, under leases that run out.

An annotator holds one review at a time, and after an undo the one in hand besides. No lock is held while people read; a
lease that ran out frees the slot for others, and until somebody takes it the annotator's own decision still counts. A
lease means something only while its review is open.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection, transaction
from django.db.models import QuerySet

from recommender.models import Account
from recommender.prepared import Prepared, PreparedUpdate
from reviews.models import Review, ReviewState, Skip, Slot, SlotQuerySet
from reviews.room.stream import EVERYTHING, Stream

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


def take_next(
    account: Account,
    *,
    stream: Stream = EVERYTHING,
    after: Review | None = None,
    may_hold: bool = True,
    now: datetime,
) -> Slot | None:
    """The slot in the stream that the annotator already holds, else the first free one that they did not skip.

    The worst comes first (Review.place). `after`: the review that they are done with. `may_hold`: False where it is
    known that they hold nothing else. What they hold outside the stream they let go of. None: no work. The slot comes
    as SlotQuerySet.for_card has it.
    """
    held = [slot for slot in _held(account, now) if after is None or slot.review_id != after.pk] if may_hold else []
    for slot in held:
        if stream.holds(slot.review):
            return slot
    shape = (account.role, account.all_catalogs, bool(stream.catalog), stream.kind)
    with transaction.atomic(savepoint=False):
        free = _FIRST_FREE.rows(*shape, account=account.pk, now=now, catalog=stream.catalog)
        taken = _hold(free, account, now)
    if taken and held:
        _let_go(Slot.objects.filter(pk__in=[slot.pk for slot in held]))
    return taken


def take(review: Review, *, account: Account, now: datetime, beside: bool = False) -> Slot | None:
    """A slot of this review for the annotator. None: others hold it.

    They let go of any other that they hold, unless it is to stay theirs `beside` this one.
    """
    held = list(_held(account, now))
    mine = next((slot for slot in held if slot.review_id == review.pk), None)
    if mine is not None:
        return mine
    with transaction.atomic():
        free = Slot.objects.visible_to(account).free(now).filter(review=review).order_by("number")
        taken = _hold(_first_to_take(free), account, now)
        if taken and held and not beside:
            _let_go(Slot.objects.filter(pk__in=[slot.pk for slot in held]))
    return taken


def holds_another(account: Account, *, than: Review, now: datetime) -> bool:
    """Whether the annotator holds another review besides, as after an undo."""
    return Slot.objects.held_by(account, now).exclude(review=than).exists()


def renew(review: Review, *, account: Account, lease_token: str, now: datetime) -> datetime | None:
    """Hold the slot, and what else is theirs, for another LEASE; says until when.

    None: the lease ran out, and since then somebody else took the slot or the annotator took another one.
    """
    until = now + LEASE
    held = Slot.objects.held_by(account, now)
    mine = Slot.objects.filter(review=review, leased_by=account, lease_token=lease_token)
    ran_out = not held.filter(pk__in=mine.values("pk")).exists()
    if not lease_token or (ran_out and held.exists()):
        return None
    if not mine.filter(review__state=ReviewState.OPEN).update(lease_expires_at=until):
        return None
    held.update(lease_expires_at=until)
    return until


def release(review: Review, *, account: Account) -> None:
    """Let go of the review, if the annotator holds it."""
    _let_go(review.slots.filter(leased_by=account))


@transaction.atomic
def skip(review: Review, *, account: Account, now: datetime) -> None:
    """Let go of the review and do not offer it to this annotator for a while. Others still get it."""
    release(review, account=account)
    Skip.objects.update_or_create(review=review, account=account, defaults={"until": now + SKIPPED_FOR})


def unskip(account: Account, review: Review | None = None) -> None:
    """Offer everything again that the annotator skipped, or this one."""
    skips = Skip.objects.filter(account=account)
    (skips if review is None else skips.filter(review=review)).delete()


def _held(account: Account, now: datetime) -> QuerySet[Slot]:
    return Slot.objects.visible_to(account).for_card().held_by(account, now).order_by("pk")


def _let_go(slots: QuerySet[Slot]) -> None:
    slots.update(leased_by=None, lease_token="", lease_expires_at=None)


def _first_free(
    role: str, everywhere: bool, in_catalog: bool, kind: str, *, account: int, now: datetime, catalog: str
) -> QuerySet[Slot]:
    viewer = Account(pk=account, role=role, all_catalogs=everywhere)
    visible = Stream(catalog if in_catalog else "", kind).narrow(Slot.objects.visible_to(viewer), at="review__")
    free = visible.free(now).not_skipped_by(viewer, now)
    return _first_to_take(free.order_by("review__place", "review_id", "number"))


_FIRST_FREE = Prepared(_first_free)


def _first_to_take(slots: SlotQuerySet) -> QuerySet[Slot]:
    """The first of these slots, in a transaction.

    PostgreSQL passes over the slots that somebody is taking at this very moment, so that nobody waits for them and
    nobody gets nothing while others are free; one row is locked, no more. SQLite has one writer at a time anyway.
    """
    slots = slots.for_card()
    if connection.features.has_select_for_update_skip_locked:
        slots = slots.select_for_update(skip_locked=True, of=("self",))
    return slots[:1]


def _hold(first: Iterable[Slot], account: Account, now: datetime) -> Slot | None:
    """The slot that was read, if any, now held by the annotator; the condition on the update is what makes sure."""
    for slot in first:
        as_read, token, until = slot.lease_token, secrets.token_hex(16), now + LEASE
        if not _HOLD.run(slot=slot.pk, as_read=as_read, account=account.pk, token=token, until=until):
            return None
        slot.leased_by, slot.lease_token, slot.lease_expires_at = account, token, until
        return slot
    return None


_HOLD = PreparedUpdate(
    lambda *, slot, as_read, account, token, until: (
        Slot.objects.filter(pk=slot, lease_token=as_read),
        {"leased_by": account, "lease_token": token, "lease_expires_at": until},
    )
)

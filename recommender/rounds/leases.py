"""What workers do with rounds: take a chunk under a lease, store each step, give the rest back.

Every write names the lease's token. A worker that lost its lease (it was killed, or the round was cancelled) stores
what its calls cost and nothing else.
"""

import logging
import random
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from recommender.models import LlmCall, Round, RoundState, Turn
from recommender.rounds import spending
from recommender.webhooks import outbox

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 20  # transient failures in a row: about an hour with the delays below
LONGEST_DELAY = 300.0  # seconds between two attempts, unless the endpoint asks for more
LONGEST_RETRY_AFTER = 3600.0  # seconds an endpoint may ask for


@dataclass(frozen=True, slots=True)
class Entry:
    """One step's result, stored as a whole or not at all. At most one of `rest`, `failure`, `retry_at` is given.

    `listed`: a stored turn whose text the actor has listed.
    """

    round_id: int
    call: LlmCall | None = None
    turn: Turn | None = None
    rest: str = ""  # a RestReason
    failure: str = ""  # the permanent error
    retry_at: datetime | None = None  # not before, after a transient error
    error: str = ""  # the transient error, and which one in a row it is
    attempts: int = 0
    listed: Turn | None = None


def take(ids: Collection[int], *, token: str) -> list[Round]:
    """Lease those of these rounds that are due and that nobody else has, by compare-and-set.

    Returns them with `turns`, and with `stored_calls`: answers that were paid for but have become no turn.
    """
    now = timezone.now()
    free = Round.objects.filter(pk__in=ids).filter(due(now) | expired(now)).exclude(spending.held())
    with transaction.atomic():
        # The order keeps two workers from waiting for each other; where the database cannot skip, it has one writer.
        mine = list(free.select_for_update(skip_locked=True, of=("self",)).order_by("pk").values_list("pk", flat=True))
        Round.objects.filter(pk__in=mine).update(
            state=RoundState.ASKING, lease_token=token, lease_expires_at=now + LEASE
        )
    unused = LlmCall.objects.filter(turn=None, error_kind__in=["", "malformed"]).order_by("pk")
    return list(
        Round.objects.filter(pk__in=mine, lease_token=token)
        .order_by("pk")
        .prefetch_related(
            Prefetch("turns", Turn.objects.order_by("index")), Prefetch("calls", unused, to_attr="stored_calls")
        )
    )


def due(now: datetime) -> Q:
    return Q(state=RoundState.WAITING, next_attempt_at__lte=now)


def expired(now: datetime) -> Q:
    return Q(state=RoundState.ASKING, lease_expires_at__lt=now)


def _held(token: str) -> QuerySet[Round]:
    return Round.objects.filter(lease_token=token, state=RoundState.ASKING)


def renew(*, token: str) -> int:
    """Extend this lease; returns how many rounds it still holds."""
    return _held(token).update(lease_expires_at=timezone.now() + LEASE)


def release(*, token: str) -> int:
    """Give back what is still leased, for the sweep to hand out again; returns how many rounds."""
    return _held(token).update(state=RoundState.WAITING, lease_token="", lease_expires_at=None)


def backoff(attempts: int, *, retry_after: float | None = None) -> float:
    """Seconds to wait after so many transient failures in a row: doubling, with jitter, never below `retry_after`."""
    delay = min(2.0 ** (attempts - 1), LONGEST_DELAY) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads the load
    if retry_after is None:
        return delay
    asked_for = min(retry_after, LONGEST_RETRY_AFTER)
    return max(delay, asked_for + random.uniform(0, 0.25) * max(asked_for, 1.0))  # noqa: S311 - spreads the load


def store(entries: Sequence[Entry], *, token: str) -> list[bool]:
    """Store these steps in one short transaction. False: the round is no longer ours, or its step made no turn.

    Where the database refuses one of them each is stored by itself, so that an odd answer costs its own round only.
    Raises OperationalError or InterfaceError when the database is away.
    """
    try:
        with transaction.atomic():
            return _store(entries, token)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        for entry in entries:
            _mark_unstored(entry)
        if len(entries) > 1:
            return [ours for entry in entries for ours in store([entry], token=token)]
        return [_store_what_can_be(entries[0], error, token)]


def _store_what_can_be(entry: Entry, error: Exception, token: str) -> bool:
    """Keep what was paid for, and count the attempt unless the turn is there already. Always False."""
    turn = entry.turn
    if turn is not None and Turn.objects.filter(round_id=entry.round_id, index=turn.index).exists():
        _keep(entry)  # another worker was faster: the step counts once
        return False
    log.error("A step of round %d could not be stored", entry.round_id, exc_info=error)
    why = f"The answer could not be stored: {type(error).__name__}: {str(error)[:300]}".replace("\x00", "\ufffd")
    if entry.call is not None:
        entry.call.error_kind, entry.call.error = "transient", why
    _keep(entry)
    held = _held(token).filter(pk=entry.round_id)
    attempts = 1 + (held.values_list("attempts", flat=True).first() or 0)
    if attempts >= MOST_ATTEMPTS:
        held.update(state=RoundState.FAILED, error=why, lease_token="", lease_expires_at=None)
    else:
        again = timezone.now() + timedelta(seconds=backoff(attempts))
        held.update(
            state=RoundState.WAITING,
            error=why,
            attempts=attempts,
            next_attempt_at=again,
            lease_token="",
            lease_expires_at=None,
        )
    return False


def _keep(entry: Entry) -> None:
    """Store a call as it is; without what surrounds its texts where that is what the database refuses."""
    call = entry.call
    if call is None:
        return
    _forget_erased([entry])
    try:
        with transaction.atomic():
            call.save(force_insert=True)
            _count_tokens([entry])
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        call.parameters, call.request_id, call.model = {}, "", "?"
        call.prompt_tokens = call.cached_tokens = call.completion_tokens = call.latency_ms = 0
        call.answer = call.answer.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        with suppress(IntegrityError, DataError, ValueError), transaction.atomic():
            call.save(force_insert=True)


def _mark_unstored(entry: Entry) -> None:
    """The transaction that gave these rows their ids was rolled back."""
    for row in (entry.call, entry.turn):
        if row is not None:
            row.pk = None
            row._state.adding = True


def _store(entries: Sequence[Entry], token: str) -> list[bool]:
    ids = [entry.round_id for entry in entries]
    ours = set(_held(token).filter(pk__in=ids).select_for_update().order_by("pk").values_list("pk", flat=True))
    _forget_erased([entry for entry in entries if entry.round_id not in ours])
    LlmCall.objects.bulk_create([entry.call for entry in entries if entry.call is not None])
    _count_tokens(entries)
    kept = [entry for entry in entries if entry.round_id in ours]
    turns = []
    for entry in kept:
        if entry.turn is not None:
            entry.turn.call = entry.call or entry.turn.call
            turns.append(entry.turn)
    Turn.objects.bulk_create(turns)
    listed = [entry.listed for entry in kept if entry.listed is not None]
    Turn.objects.bulk_update(listed, ["listed"])
    went_on = [turn.round_id for turn in [*turns, *listed]]
    Round.objects.filter(pk__in=went_on, attempts__gt=0).update(attempts=0, error="")
    now = timezone.now()
    for reason in sorted({entry.rest for entry in kept if entry.rest}):
        resting = [entry.round_id for entry in kept if entry.rest == reason]
        _leave(resting, state=RoundState.RESTING, rest_reason=reason, rested_at=now, error="", attempts=0)
    outbox.rested([entry.round_id for entry in kept if entry.rest])
    for entry in kept:
        if entry.failure:
            _leave([entry.round_id], state=RoundState.FAILED, error=entry.failure)
        elif entry.retry_at is not None:
            _leave(
                [entry.round_id],
                state=RoundState.WAITING,
                error=entry.error,
                attempts=entry.attempts,
                next_attempt_at=entry.retry_at,
            )
    # Whose batch is paused, or may cost no more, goes back: the step that was stored counts, and no other is asked for.
    full = set(_held(token).filter(spending.held(), pk__in=ids).values_list("pk", flat=True))
    _leave(sorted(full), state=RoundState.WAITING)
    return [entry.round_id in ours and entry.round_id not in full for entry in entries]


def _forget_erased(entries: Sequence[Entry]) -> None:
    """What was asked before somebody in the evidence was erased: its cost is kept, its words are not."""
    ids = [entry.round_id for entry in entries]
    redacted = set(Round.objects.filter(pk__in=ids).exclude(redacted_at=None).values_list("pk", flat=True))
    for entry in entries:
        if entry.call is not None and entry.round_id in redacted:
            entry.call.forget()


def _count_tokens(entries: Sequence[Entry]) -> None:
    batch_of = dict(Round.objects.filter(pk__in=[e.round_id for e in entries]).values_list("pk", "batch_id"))
    tokens: Counter[int] = Counter()
    for entry in entries:
        batch_id = batch_of.get(entry.round_id)
        if entry.call is not None and batch_id is not None:
            tokens[batch_id] += entry.call.prompt_tokens + entry.call.completion_tokens
    spending.add(+tokens)


def _leave(ids: Sequence[int], **values: object) -> None:
    Round.objects.filter(pk__in=ids).update(lease_token="", lease_expires_at=None, **values)

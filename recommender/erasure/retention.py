"""What is kept for a time only: served lists, events, messages to webhooks and what became of them, the words of
questions to the AI (R4_KEEP_… in docs/settings.md), and for a day answers to requests with an Idempotency-Key."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from recommender.accounts.idempotency import LASTS
from recommender.erasure.rows import NOTHING_SAID
from recommender.models import Event, IdempotencyKey, LlmCall, Recommendation, RoundState, TeacherCall, WebhookMessage

ROWS_AT_ONCE = 500  # in one short transaction: SQLite has one writer
MOST_ROWS = 20_000  # of each table in one go; the next one goes on


def clear_old(now: datetime) -> dict[str, int]:
    """Clear what is older than the settings say; returns how many rows by table. Turns and costs stay."""
    counts = {"served lists": 0, "events": 0, "messages to webhooks": 0, "calls": 0}
    counts["answers"] = _in_batches(IdempotencyKey.objects.filter(created_at__lt=now - LASTS), _delete)
    if settings.KEEP_SERVED_DAYS:
        counts["served lists"] = _in_batches(_served_before(now - timedelta(days=settings.KEEP_SERVED_DAYS)), _delete)
    if settings.KEEP_EVENTS_DAYS:
        counts["events"] = _in_batches(_events_before(now - timedelta(days=settings.KEEP_EVENTS_DAYS)), _delete)
    if settings.KEEP_WEBHOOKS_DAYS:
        old = WebhookMessage.objects.filter(created_at__lt=now - timedelta(days=settings.KEEP_WEBHOOKS_DAYS))
        counts["messages to webhooks"] = _in_batches(old, _delete)
    if settings.KEEP_CALLS_DAYS:
        cut = now - timedelta(days=settings.KEEP_CALLS_DAYS)
        counts["calls"] = _in_batches(_calls_before(cut), _forget) + _in_batches(_cases_before(cut), _forget_questions)
    return counts


def _served_before(cut: datetime) -> QuerySet[Any]:
    return Recommendation.objects.filter(created_at__lt=cut)


def _events_before(cut: datetime) -> QuerySet[Any]:
    """The interactions that opinions became stay."""
    return Event.objects.filter(created_at__lt=cut)


def _calls_before(cut: datetime) -> QuerySet[Any]:
    """Of rounds that rest or failed: a round that goes on may still use an answer that was paid for."""
    ended = Q(round__state__in=[RoundState.RESTING, RoundState.FAILED])
    return LlmCall.objects.filter(ended, created_at__lt=cut).exclude(messages=[])


def _cases_before(cut: datetime) -> QuerySet[Any]:
    """Of decided cases. Their answers stay: training sets are made of them."""
    return TeacherCall.objects.filter(created_at__lt=cut).exclude(messages=[]).exclude(case__outcome="")


def _in_batches(rows: QuerySet[Any], clear: Any) -> int:
    done = 0
    while done < MOST_ROWS:
        some = list(rows.order_by("created_at").values_list("pk", flat=True)[:ROWS_AT_ONCE])
        if not some:
            break
        clear(rows.model._default_manager.filter(pk__in=some))
        done += len(some)
    return done


def _delete(rows: QuerySet[Any]) -> None:
    rows.delete()


def _forget(rows: QuerySet[Any]) -> None:
    rows.update(**NOTHING_SAID)


def _forget_questions(rows: QuerySet[Any]) -> None:
    rows.update(messages=[])

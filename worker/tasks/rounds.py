"""The jobs that advance rounds. Every job may run twice: leases and stored turns make the second one harmless."""

import asyncio
import logging
from typing import Any

from celery import current_app, shared_task
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import ChannelError, OperationalError

from recommender import jobs
from recommender.models import RestReason, Round, RoundState
from recommender.rounds import leases, service
from recommender.rounds.queries import proposal
from reviews.models import ReviewState
from reviews.room.opening import open_review
from worker.rounds.advance import advance

log = logging.getLogger(__name__)

MOST_SWEPT = 5_000  # rounds that one sweep sends, or opens reviews for


@shared_task(name=jobs.ADVANCE_ROUNDS)
def advance_rounds(round_ids: list[int]) -> None:
    """Advance a chunk of rounds until each rests, fails, or has to wait for longer."""
    asyncio.run(advance(round_ids))


@shared_task(name=jobs.SWEEP_ROUNDS)
def sweep_rounds() -> None:
    """Heal what was lost: leases of dead workers, messages that never arrived, reviews that were not opened."""
    now = timezone.now()
    Round.objects.filter(leases.expired(now)).update(state=RoundState.WAITING, lease_token="", lease_expires_at=None)
    open_missing_reviews()
    if jobs_waiting():
        return  # what is due may be in the queue; once it has run dry, what is still due was lost
    due = Round.objects.filter(leases.due(now)).order_by("next_attempt_at", "pk")
    service.enqueue(list(due.values_list("pk", flat=True)[:MOST_SWEPT]))


def open_missing_reviews() -> None:
    """For rounds whose worker died between resting and opening the review."""
    never = Q(review=None) & ~Q(rest_reason=RestReason.CANCELLED)
    missing = Round.objects.filter(never | Q(review__state=ReviewState.AWAITING_ACTOR), state=RoundState.RESTING)
    for round_ in missing.exclude(turns=None).order_by("pk").prefetch_related("turns")[:MOST_SWEPT]:
        if proposal(round_) is not None:
            open_review(round_)


def jobs_waiting() -> int:
    """How many messages wait in the queue of rounds; 0 where the broker cannot say."""
    queue = jobs.QUEUES[jobs.ADVANCE_ROUNDS]
    try:
        with current_app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except (ChannelError, OperationalError):
        return 0

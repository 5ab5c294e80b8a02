"""What a stopped machine left half done goes on at once, instead of when its leases expire."""

from django.conf import settings
from django.utils import timezone

from recommender import jobs
from recommender.models import Round, RoundState, RunState, TrainingRun


def end_leases() -> None:
    """Call before workers start. With the embedded broker nobody else works here, so whoever held a lease is gone."""
    if not settings.BROKER_IS_EMBEDDED:
        return
    now = timezone.now()
    Round.objects.filter(state=RoundState.ASKING).update(lease_expires_at=now)
    TrainingRun.objects.filter(state=RunState.RUNNING).update(lease_expires_at=now)


def send_what_was_lost() -> None:
    """Call once workers answer: the embedded broker forgot its messages."""
    jobs.send(jobs.SWEEP_ROUNDS)
    jobs.send(jobs.SWEEP_TRAINING)

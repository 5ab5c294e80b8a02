"""What a stopped machine left half done goes on at once, instead of when its leases expire."""

from django.conf import settings
from django.utils import timezone

from recommender import jobs
from recommender.models import Round, RoundState, WebhookEndpoint
from recommender.runs import service as runs


def end_leases() -> None:
    """Call before workers start. With the embedded broker nobody else works here, so whoever held a lease is gone."""
    if not settings.BROKER_IS_EMBEDDED:
        return
    Round.objects.filter(state=RoundState.ASKING).update(lease_expires_at=timezone.now())
    WebhookEndpoint.objects.exclude(lease_token="").update(lease_token="", lease_expires_at=None)
    runs.end_leases()


def send_what_was_lost() -> None:
    """Call once workers answer: the embedded broker forgot its messages."""
    jobs.send(jobs.SWEEP_ROUNDS)
    jobs.send(jobs.SWEEP_RUNS)

"""The Celery tasks, by the names in recommender.jobs. Thin: fetch, call a service.

Every job may arrive twice: leases and stored turns make the second one harmless.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from recommender import jobs
from recommender.accounts import audit, sessions, throttle
from recommender.erasure import retention
from recommender.erasure import service as erasure
from recommender.evaluation import service as evaluation
from recommender.guards import service as guards
from recommender.knowledge import meanings
from recommender.models import RestReason, Round, RoundState, ScoringRun
from recommender.promotion import service as promotion
from recommender.rebuilds import service as rebuilds
from recommender.rounds import leases, service, spending
from recommender.rounds.queries import proposal
from recommender.runs import service as runs
from recommender.runs.kinds import (
    EVALUATION,
    EXAMINATION,
    GROUPING,
    KINDS,
    SCORING,
    THINKREC,
    TRAINING,
    TUNING,
    Kind,
)
from recommender.runs.recorder import Recorder
from recommender.statements import again
from recommender.statements import service as statements
from recommender.thinkrec.experts import grouping
from recommender.training import service as training
from recommender.webhooks import delivery
from reviews.models import ReviewState
from reviews.room import disputes, reading, said, unsent
from reviews.room.opening import open_review
from worker import evaluating, scoring, thinkrec, tuning

log = logging.getLogger(__name__)

MOST_SWEPT = 5_000  # rounds that one sweep sends, or opens reviews for


@shared_task(name=jobs.ADVANCE_ROUNDS.name)
def advance_rounds(round_ids: list[int]) -> None:
    """Advance a chunk of rounds until each rests, fails, or has to wait for longer."""
    from worker.rounds.advance import advance  # noqa: PLC0415 - openai is slow to load: only where LLMs are asked

    asyncio.run(advance(round_ids))


@shared_task(name=jobs.SWEEP_ROUNDS.name)
def sweep_rounds() -> None:
    """Put right what was lost: leases of dead workers, messages that never arrived, reviews that were not opened."""
    now = timezone.now()
    Round.objects.filter(leases.expired(now)).update(state=RoundState.WAITING, lease_token="", lease_expires_at=None)
    open_missing_reviews()
    if jobs.waiting(jobs.ADVANCE_ROUNDS.queue):
        return  # what is due may be in the queue; once it has run dry, what is still due was lost
    due = Round.objects.filter(leases.due(now)).exclude(spending.held()).order_by("next_attempt_at", "pk")
    service.enqueue(list(due.values_list("pk", flat=True)[:MOST_SWEPT]))


def open_missing_reviews() -> None:
    """For rounds whose worker died between resting and opening the review."""
    never = Q(review=None) & ~Q(rest_reason__in=[RestReason.CANCELLED, RestReason.ERASED])
    missing = Round.objects.filter(never | Q(review__state=ReviewState.AWAITING_ACTOR), state=RoundState.RESTING)
    for round_ in missing.exclude(turns=None).order_by("pk").prefetch_related("turns")[:MOST_SWEPT]:
        if proposal(round_) is not None:
            open_review(round_)


def _scored(run: ScoringRun, recorder: Recorder) -> None:
    (evaluating if run.is_evaluation else scoring).carry_out(run, recorder)


CARRY_OUT: Mapping[str, runs.CarryOut[Any]] = {
    TRAINING.name: training.carry_out,
    EXAMINATION.name: promotion.carry_out,
    TUNING.name: tuning.carry_out,
    THINKREC.name: thinkrec.carry_out,
    EVALUATION.name: evaluation.carry_out,
    SCORING.name: _scored,
    GROUPING.name: grouping.carry_out,
}


def _task_of(kind: Kind[Any]) -> None:
    @shared_task(name=kind.job.name)
    def carry_out(**named: int) -> None:
        """`named`: run_id; in messages of the previous release examination_id or evaluation_id."""
        (run_id,) = named.values()
        runs.run(kind, run_id, CARRY_OUT[kind.name])


for each in KINDS.values():
    _task_of(each)


@shared_task(name=jobs.READ_STATEMENTS.name)
def read_statements() -> None:
    """Find the statements of texts that nobody has read: those of earlier releases, and what was missed. Then those of
    texts that an earlier release of the reader read, where people left them as they were."""
    done = statements.read_missing(most=again.A_MINUTE)
    texts = reading.stale()
    if read := reading.read_stale(texts, most=again.A_MINUTE - done):
        left = again.waiting(texts)
        log.info("%d texts were read again; %d wait, about %d min", read, left.new + left.again, left.minutes)


@shared_task(name=jobs.FIND_MEANINGS.name)
def find_meanings() -> None:
    """Find which words of approved texts mean what statements say in others."""
    meanings.find_missing()


@shared_task(name=jobs.OPEN_DISPUTED.name)
def open_disputed() -> None:
    """Put texts that end users dispute before people."""
    disputes.open_disputed()


@shared_task(name=jobs.OPEN_SAID.name)
def open_said() -> None:
    """Put texts before people whose end users say what a person is to accept."""
    said.open_said()


@shared_task(name=jobs.DELIVER_WEBHOOKS.name)
def deliver_webhooks() -> None:
    """Send what is due to those who asked to be told."""
    delivery.deliver()


@shared_task(name=jobs.WATCH_MODELS.name)
def watch_models() -> None:
    """Hold what is served against its guards: canaries are rolled back, active models warned about."""
    guards.look(timezone.now())


@shared_task(name=jobs.REBUILD_MODELS.name)
def rebuild_models() -> None:
    """Start the trainings that are due, and say what came of those before."""
    rebuilds.look(timezone.now())


@shared_task(name=jobs.CLEAR_ACCOUNTS.name)
def clear_accounts() -> None:
    """Delete what is over: sessions, wrong sign-ins that count no more, entries of the audit log, words never sent."""
    sessions.clear()
    throttle.clear()
    audit.clear()
    unsent.clear(timezone.now())


@shared_task(name=jobs.SWEEP_RUNS.name)
def sweep_runs() -> None:
    runs.sweep(timezone.now())


@shared_task(name=jobs.CLEAR_OLD.name)
def clear_old() -> None:
    """Clear what is kept for a time only, and look once more for what erasures may have missed."""
    retention.clear_old(timezone.now())
    erasure.settle_due()

"""The lease of long computations: one worker at a time, restarted when that worker is lost.

The row is the truth; messages only nudge. Nothing here holds a lock while something computes: every sign of life is a
transaction of one statement, which also renews the lease and notices a cancellation.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender.models import Evaluation, Examination, Run, RunState, TrainingRun, TuningRun
from recommender.runs.errors import StoppedError

MOST_ATTEMPTS = 3  # a run that takes its worker down each time is not started for ever
LOST_MESSAGE_AFTER = timedelta(seconds=60)
UNFINISHED = (RunState.WAITING, RunState.RUNNING)
KINDS: tuple[type[Run], ...] = (TrainingRun, TuningRun, Evaluation, Examination)  # all of which one worker carries out
AnyRun = TypeVar("AnyRun", bound=Run)


def claim(kind: type[AnyRun], run_id: int, *, lease: timedelta) -> AnyRun | None:
    """Take a waiting run, or one whose worker let its lease expire; None where there is nothing to take.

    One that was taken MOST_ATTEMPTS times before fails here.
    """
    now, token = timezone.now(), uuid.uuid4().hex
    free = Q(state=RunState.WAITING) | Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    with transaction.atomic():
        found = kind._default_manager.select_for_update(of=("self",)).select_related("catalog").filter(free, pk=run_id)
        run = found.first()
        if run is None:
            return None
        attempt = run.progress.get("attempt", 0) + 1
        run.lease_token, run.lease_expires_at = token, now + lease
        run.state, run.started_at, run.progress = RunState.RUNNING, now, {"attempt": attempt}
        run.save(update_fields=["lease_token", "lease_expires_at", "state", "started_at", "progress"])
    if attempt > MOST_ATTEMPTS:
        fail(run, f"Its process ended {MOST_ATTEMPTS} times before it was done. Is memory too short?")
        return None
    return run


def mine(run: AnyRun) -> QuerySet[AnyRun]:
    """The run's row, while it is ours."""
    rows = type(run)._default_manager.filter(pk=run.pk, state=RunState.RUNNING)
    return rows.filter(lease_token=run.lease_token)


def renew(run: Run, progress: dict[str, Any], *, lease: timedelta) -> None:
    """Write how far a run is, and keep its lease. Raises StoppedError when it is no longer ours."""
    if not mine(run).update(progress=progress, lease_expires_at=timezone.now() + lease):
        raise StoppedError


def finish(run: Run, **values: Any) -> None:
    """Write its outcome. Raises StoppedError when it is no longer ours."""
    done = {"state": RunState.DONE, "finished_at": timezone.now(), "lease_expires_at": None}
    if not mine(run).update(**done, **values):
        raise StoppedError


def fail(run: Run, error: str) -> None:
    mine(run).update(state=RunState.FAILED, error=error, finished_at=timezone.now(), lease_expires_at=None)


def cancel(run: Run) -> bool:
    """Stop a run that waits or computes; its worker notices within seconds. False: it had ended before."""
    unfinished = type(run)._default_manager.filter(pk=run.pk, state__in=UNFINISHED)
    return bool(unfinished.update(state=RunState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None))


def lost(kind: type[Run], now: datetime) -> list[int]:
    """Ids of what got lost: runs whose worker is gone, and waiting runs that no worker has heard of."""
    rows = kind._default_manager
    lost = Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    held = Q(state=RunState.RUNNING, lease_expires_at__gte=now)
    if not any(other._default_manager.filter(held).exists() for other in KINDS):  # else they may be queued behind it
        lost |= Q(state=RunState.WAITING, created_at__lt=now - LOST_MESSAGE_AFTER)
    return list(rows.filter(lost).order_by("state", "created_at").values_list("pk", flat=True))  # running ones first

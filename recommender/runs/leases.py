"""The lease of a run: one worker at a time, and none of two can write what the other would overwrite.

The row is the truth; messages only nudge. Nothing here holds a lock while something computes: every sign of life is a
transaction of one statement, which also renews the lease and notices a cancellation.
"""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender.models import Run, RunState
from recommender.runs.errors import StoppedError
from recommender.runs.kinds import AnyRun, Kind, kind_of

MOST_ATTEMPTS = 3  # a run that takes its worker down each time is not started for ever


def claim(kind: Kind[AnyRun], run_id: int) -> AnyRun | None:
    """Take a waiting run, or one whose worker let its lease expire; None where there is nothing to take.

    One that was taken MOST_ATTEMPTS times before fails here.
    """
    now, token = timezone.now(), uuid.uuid4().hex
    free = Q(state=RunState.WAITING) | Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    rows = kind.table._default_manager.select_for_update(of=("self",)).select_related("catalog")
    with transaction.atomic():
        run = rows.filter(free, pk=run_id).first()
        if run is None:
            return None
        attempt = run.progress.get("attempt", 0) + 1
        run.lease_token, run.lease_expires_at = token, now + kind.lease
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


def update(run: Run, **values: Any) -> None:
    """Write into its row. Raises StoppedError when it is no longer ours."""
    if not mine(run).update(**values):
        raise StoppedError


def renew(run: Run, progress: dict[str, Any]) -> None:
    """Write how far a run is, and keep its lease. Raises StoppedError when it is no longer ours."""
    update(run, progress=progress, lease_expires_at=timezone.now() + kind_of(run).lease)


def finish(run: Run, **values: Any) -> None:
    """Write its outcome. Raises StoppedError when it is no longer ours."""
    update(run, state=RunState.DONE, finished_at=timezone.now(), lease_expires_at=None, **values)


def fail(run: Run, error: str) -> None:
    mine(run).update(state=RunState.FAILED, error=error, finished_at=timezone.now(), lease_expires_at=None)

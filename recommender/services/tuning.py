"""Tuning runs: asked for by people, carried out by one training worker at a time, registered when they are done."""

import shutil
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from recommender import jobs
from recommender.models import Account, Catalog, RunState, TuningRun
from recommender.services.training import LOST_MESSAGE_AFTER, MOST_ATTEMPTS
from recommender.training.errors import StoppedError
from recommender.tuning.config import TuneConfig, TunedRole

LEASE = timedelta(seconds=900)  # longer than any stretch without a sign of life: loading a large model


def request_tuning(
    catalog: Catalog,
    *,
    role: TunedRole,
    config: TuneConfig,
    requested_by: Account | None = None,
    queue: bool = True,
) -> TuningRun:
    """Ask for an adapter. `queue`: send it to the training workers; else the caller carries it out."""
    asked = TuningRun.objects.create(catalog=catalog, role=role, config=config.to_json(), requested_by=requested_by)
    if queue:
        jobs.send(jobs.TUNE_ADAPTER, run_id=asked.pk)
    return asked


def folder_of(run: TuningRun) -> Path:
    """A finished run's folder: `adapter` (what is served), `data` (the export it learnt from) and adapter.json."""
    return Path(settings.VAR_DIR) / "adapters" / run.artifact


def claim(run_id: int) -> TuningRun | None:
    """Take a waiting run, or one whose worker let its lease expire; None where there is nothing to take."""
    now, token = timezone.now(), uuid.uuid4().hex
    free = Q(state=RunState.WAITING) | Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    with transaction.atomic():
        found = TuningRun.objects.select_for_update(of=("self",)).select_related("catalog").filter(free, pk=run_id)
        run = found.first()
        if run is None:
            return None
        attempt = run.progress.get("attempt", 0) + 1
        run.lease_token, run.lease_expires_at = token, now + LEASE
        run.state, run.started_at, run.progress = RunState.RUNNING, now, {"attempt": attempt}
        run.save(update_fields=["lease_token", "lease_expires_at", "state", "started_at", "progress"])
    if attempt > MOST_ATTEMPTS:
        fail(run, f"The tuning process ended {MOST_ATTEMPTS} times before it was done. Is memory too short?")
        return None
    return run


def record(run: TuningRun, progress: dict[str, Any]) -> None:
    """Write how far a run is, and keep its lease. Raises StoppedError when it is no longer ours."""
    run.progress = run.progress | progress
    if not _mine(run).update(progress=run.progress, lease_expires_at=timezone.now() + LEASE):
        raise StoppedError


def finish(run: TuningRun, part: Path, metrics: dict[str, Any]) -> None:
    """Move the run's files to where they stay and register the adapter. Raises StoppedError, with nothing moved."""
    artifact = f"{run.catalog.name}/{run.pk}"
    folder = Path(settings.VAR_DIR) / "adapters" / artifact
    with transaction.atomic():
        done = {"state": RunState.DONE, "finished_at": timezone.now(), "lease_expires_at": None}
        if not _mine(run).update(artifact=artifact, metrics=metrics, **done):
            raise StoppedError
        shutil.rmtree(folder, ignore_errors=True)  # of a transaction that never committed
        part.rename(folder)


def fail(run: TuningRun, error: str) -> None:
    _mine(run).update(state=RunState.FAILED, error=error, finished_at=timezone.now(), lease_expires_at=None)


def cancel(run: TuningRun) -> bool:
    """Stop a run that waits or computes; its worker notices at its next step. False: it had ended before."""
    unfinished = TuningRun.objects.filter(pk=run.pk, state__in=[RunState.WAITING, RunState.RUNNING])
    return bool(unfinished.update(state=RunState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None))


def sweep(now: datetime) -> list[int]:
    """Send again what got lost: runs whose worker is gone, and waiting runs no worker has heard of. Their ids."""
    lost = Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    if not TuningRun.objects.filter(state=RunState.RUNNING, lease_expires_at__gte=now).exists():
        lost |= Q(state=RunState.WAITING, created_at__lt=now - LOST_MESSAGE_AFTER)
    ids = list(TuningRun.objects.filter(lost).order_by("created_at").values_list("pk", flat=True))
    for run_id in ids:
        jobs.send(jobs.TUNE_ADAPTER, run_id=run_id)
    return ids


def _mine(run: TuningRun) -> QuerySet[TuningRun]:
    return TuningRun.objects.filter(pk=run.pk, state=RunState.RUNNING, lease_token=run.lease_token)

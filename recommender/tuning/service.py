"""Tuning runs: asked for by people, carried out by one training worker at a time, registered when they are done."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from recommender import jobs
from recommender.models import Account, Catalog, TuningRun
from recommender.runs import leases
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
    return leases.claim(TuningRun, run_id, lease=LEASE)


def record(run: TuningRun, progress: dict[str, Any]) -> None:
    """Write how far a run is, and keep its lease. Raises StoppedError when it is no longer ours."""
    run.progress = run.progress | progress
    leases.renew(run, run.progress, lease=LEASE)


def finish(run: TuningRun, part: Path, metrics: dict[str, Any]) -> None:
    """Move the run's files to where they stay and register the adapter. Raises StoppedError, with nothing moved."""
    artifact = f"{run.catalog.name}/{run.pk}"
    folder = Path(settings.VAR_DIR) / "adapters" / artifact
    with transaction.atomic():
        leases.finish(run, artifact=artifact, metrics=metrics)
        shutil.rmtree(folder, ignore_errors=True)  # of a transaction that never committed
        part.rename(folder)


def sweep(now: datetime) -> list[int]:
    """Send again what got lost. Their ids."""
    ids = leases.lost(TuningRun, now)
    for run_id in ids:
        jobs.send(jobs.TUNE_ADAPTER, run_id=run_id)
    return ids

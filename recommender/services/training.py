"""Training runs: asked for by people, carried out by one worker at a time, restarted when that worker is lost.

The row is the truth; messages only nudge. While torch computes nothing here holds a lock: progress is written in
transactions of one statement, each of which also renews the lease and notices a cancellation.
"""

import logging
import shutil
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from recommender import artifacts, jobs
from recommender.models import Account, BackboneVersion, Catalog, KnowledgeSnapshot, RunState, TrainingRun
from recommender.services.activation import activate as activate_version
from recommender.services.progress import LEASE, Recorder
from recommender.services.snapshots import freeze
from recommender.training.config import TrainConfig
from recommender.training.errors import CannotTrainError, StoppedError

if TYPE_CHECKING:
    from recommender.training.observer import Observer
    from recommender.training.pipeline import Trained

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3  # a run that takes its worker down each time is not started for ever
LOST_MESSAGE_AFTER = timedelta(seconds=60)


def request_training(
    catalog: Catalog,
    *,
    config: TrainConfig,
    activate: bool = False,
    requested_by: Account | None = None,
    queue: bool = True,
) -> TrainingRun:
    """Ask for a backbone. `queue`: send it to the training workers; else the caller carries it out with `run`."""
    asked = TrainingRun.objects.create(
        catalog=catalog, config=config.to_json(), activate=activate, requested_by=requested_by
    )
    if queue:
        jobs.send(jobs.TRAIN_BACKBONE, run_id=asked.pk)
    return asked


def cancel(run: TrainingRun) -> bool:
    """Stop a run that waits or computes; its worker notices within seconds. False: it had ended before."""
    unfinished = TrainingRun.objects.filter(pk=run.pk, state__in=[RunState.WAITING, RunState.RUNNING])
    return bool(unfinished.update(state=RunState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None))


def run(run_id: int, *, observer: "Observer | None" = None) -> None:
    """Carry a run out, in the worker process: the only service that loads torch.

    Does nothing where another worker has it or it has ended. Its outcome, errors included, is in the row.
    """
    claimed = _claim(run_id)
    if claimed is None:
        return
    try:
        _carry_out(claimed, Recorder(claimed, observer))
    except StoppedError:
        logger.info("%s was cancelled or taken over", claimed)
    except CannotTrainError as error:
        _fail(claimed, str(error))
    except Exception as error:
        logger.exception("%s failed", claimed)
        _fail(claimed, f"Training stopped at an unexpected error. {type(error).__name__}: {error}")


def sweep(now: datetime) -> list[int]:
    """Send again what got lost: runs whose worker is gone, and waiting runs no worker has heard of. Their ids."""
    lost = list(
        TrainingRun.objects.filter(state=RunState.RUNNING, lease_expires_at__lt=now).values_list("pk", flat=True)
    )
    busy = TrainingRun.objects.filter(state=RunState.RUNNING, lease_expires_at__gte=now)
    if not busy.exists():  # else those waiting may well be queued behind it
        waiting = TrainingRun.objects.filter(state=RunState.WAITING, created_at__lt=now - LOST_MESSAGE_AFTER)
        lost += waiting.order_by("created_at").values_list("pk", flat=True)
    for run_id in lost:
        jobs.send(jobs.TRAIN_BACKBONE, run_id=run_id)
    return lost


def _claim(run_id: int) -> TrainingRun | None:
    """Take a waiting run, or one whose worker let its lease expire."""
    now, token = timezone.now(), uuid.uuid4().hex
    free = Q(state=RunState.WAITING) | Q(state=RunState.RUNNING, lease_expires_at__lt=now)
    with transaction.atomic():
        found = TrainingRun.objects.select_for_update().filter(free, pk=run_id).first()
        if found is None:
            return None
        attempt = found.progress.get("attempt", 0) + 1
        found.lease_token, found.lease_expires_at = token, now + LEASE
        found.state, found.started_at, found.progress = RunState.RUNNING, now, {"attempt": attempt}
        found.save(update_fields=["lease_token", "lease_expires_at", "state", "started_at", "progress"])
    if attempt > MOST_ATTEMPTS:
        _fail(found, f"The training process ended {MOST_ATTEMPTS} times before it was done. Is memory too short?")
        return None
    return found


def _carry_out(run: TrainingRun, recorder: Recorder) -> None:
    from recommender.training.pipeline import train  # noqa: PLC0415 - torch: in the worker only

    config = TrainConfig.from_json(run.config)
    snapshot = freeze(run.catalog, encoder=settings.ENCODER)
    part = artifacts.folder_for(run.catalog) / f".run-{run.pk}-{run.lease_token}"
    _remove(part.parent.glob(f".run-{run.pk}-*"))  # what a lost worker left
    try:
        trained = train(snapshot, config, part, encoder_name=settings.ENCODER, observer=recorder)
        version = _store(run, trained, part, snapshot, config)
    finally:
        _remove([part])
    if run.activate:
        activate_version(version, by=run.requested_by)


def _store(
    run: TrainingRun, trained: "Trained", part: Path, snapshot: KnowledgeSnapshot, config: TrainConfig
) -> BackboneVersion:
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=run.catalog_id)
        mine = TrainingRun.objects.filter(pk=run.pk, state=RunState.RUNNING, lease_token=run.lease_token)
        if not mine.update(state=RunState.DONE, finished_at=timezone.now(), lease_expires_at=None):
            raise StoppedError
        number = (run.catalog.backbone_versions.aggregate(last=Max("number"))["last"] or 0) + 1
        folder = artifacts.folder_for(run.catalog) / str(number)
        _remove([folder])  # of a transaction that never committed
        part.rename(folder)
        return BackboneVersion.objects.create(
            catalog=run.catalog,
            number=number,
            run=run,
            snapshot=snapshot,
            architecture=config.backbone,
            config=config.to_json(),
            metrics=trained.metrics,
            data_hash=trained.data_hash,
            artifact=f"{run.catalog.name}/{number}",
        )


def _fail(run: TrainingRun, error: str) -> None:
    mine = TrainingRun.objects.filter(pk=run.pk, state=RunState.RUNNING, lease_token=run.lease_token)
    mine.update(state=RunState.FAILED, error=error, finished_at=timezone.now(), lease_expires_at=None)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)

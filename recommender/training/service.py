"""Training runs: asked for by people, carried out by one worker at a time (runs.leases)."""

import json
import logging
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from recommender import jobs
from recommender.artifacts import files
from recommender.knowledge.snapshots import freeze
from recommender.models import Account, BackboneVersion, Catalog, Examination, KnowledgeSnapshot, TrainingRun
from recommender.promotion import service
from recommender.recipe import TrainConfig
from recommender.runs import leases
from recommender.runs.errors import CannotTrainError, StoppedError
from recommender.runs.recorder import LEASE, Recorder

if TYPE_CHECKING:
    from recommender.runs.observer import Observer
    from recommender.training.pipeline import Trained

logger = logging.getLogger(__name__)


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
    return leases.cancel(run)


def run(run_id: int, *, observer: "Observer | None" = None) -> None:
    """Carry a run out, in the worker process: the only service that loads torch.

    Does nothing where another worker has it or it has ended. Its outcome, errors included, is in the row. The version's
    gates are measured next, as a job of its own that can be lost and found on its own.
    """
    claimed = leases.claim(TrainingRun, run_id, lease=LEASE)
    if claimed is None:
        return
    try:
        examination = _carry_out(claimed, Recorder(claimed, observer))
    except StoppedError:
        logger.info("%s was cancelled or taken over", claimed)
    except CannotTrainError as error:
        leases.fail(claimed, str(error))
    except Exception as error:
        logger.exception("%s failed", claimed)
        leases.fail(claimed, f"Training stopped at an unexpected error. {type(error).__name__}: {error}")
    else:
        service.run(examination.pk, observer=observer)


def assist() -> None:
    """Help the process of rank 0 to carry out its run, as one of the others that torchrun started."""
    from recommender.runs.observer import Quiet  # noqa: PLC0415
    from recommender.training import distributed  # noqa: PLC0415 - torch: in the worker only
    from recommender.training.pipeline import train  # noqa: PLC0415

    with distributed.together():
        snapshot_id, config = distributed.from_first()
        snapshot = KnowledgeSnapshot.objects.select_related("catalog").get(pk=snapshot_id)
        nowhere = files.folder_for(snapshot.catalog)
        train(snapshot, TrainConfig.from_json(config), nowhere, encoder_name=settings.ENCODER, observer=Quiet())


def sweep(now: datetime) -> list[int]:
    """Send again what got lost: runs whose worker is gone, and waiting runs no worker has heard of. Their ids."""
    lost = leases.lost(TrainingRun, now)
    for run_id in lost:
        jobs.send(jobs.TRAIN_BACKBONE, run_id=run_id)
    return lost


def _carry_out(run: TrainingRun, recorder: Recorder) -> Examination:
    from recommender.training import distributed  # noqa: PLC0415 - torch: in the worker only
    from recommender.training.pipeline import train  # noqa: PLC0415

    config = TrainConfig.from_json(run.config)
    _check_place(files.folder_for(run.catalog))
    snapshot = freeze(run.catalog, encoder=settings.ENCODER)
    part = files.folder_for(run.catalog) / f".run-{run.pk}-{run.lease_token}"
    _remove(part.parent.glob(f".run-{run.pk}-*"))  # what a lost worker left
    try:
        with distributed.together():
            distributed.from_first((snapshot.pk, run.config))
            trained = train(snapshot, config, part, encoder_name=settings.ENCODER, observer=recorder)
        return _store(run, trained, part, snapshot, config)
    finally:
        _remove([part])


def _check_place(folder: Path) -> None:
    """Raises CannotTrainError where nothing can be stored, which is better known before the training than after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotTrainError(f"Backbones cannot be stored in {folder}: {error.strerror}. See R4_VAR.") from error


def _store(
    run: TrainingRun, trained: "Trained", part: Path, snapshot: KnowledgeSnapshot, config: TrainConfig
) -> Examination:
    (part / "metrics.json").write_text(json.dumps(trained.metrics))
    manifest_hash = files.seal(part)
    with transaction.atomic():
        Catalog.objects.select_for_update().get(pk=run.catalog_id)
        leases.finish(run)
        number = (run.catalog.backbone_versions.aggregate(last=Max("number"))["last"] or 0) + 1
        folder = files.folder_for(run.catalog) / str(number)
        _remove([folder])  # of a transaction that never committed
        part.rename(folder)
        version = BackboneVersion.objects.create(
            catalog=run.catalog,
            number=number,
            run=run,
            snapshot=snapshot,
            architecture=config.backbone,
            config=config.to_json(),
            metrics=trained.metrics,
            data_hash=trained.data_hash,
            artifact=f"{run.catalog.name}/{number}",
            manifest_hash=manifest_hash,
        )
        return service.request_examination(version, activate=run.activate, requested_by=run.requested_by, queue=False)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)

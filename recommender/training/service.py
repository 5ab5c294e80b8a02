"""How a training run is carried out: freeze, train, store a version, ask for its examination."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from recommender.artifacts import files, kernels
from recommender.knowledge.snapshots import freeze
from recommender.models import BackboneVersion, Catalog, KnowledgeSnapshot, TrainingRun
from recommender.recipe import TrainConfig, require_order
from recommender.runs import leases
from recommender.runs import service as runs
from recommender.runs.errors import CannotTrainError
from recommender.runs.kinds import EXAMINATION
from recommender.runs.observer import Quiet
from recommender.runs.recorder import Recorder

if TYPE_CHECKING:
    from recommender.training.pipeline import Trained


def carry_out(run: TrainingRun, recorder: Recorder, *, queue: bool = True) -> None:
    """Train and store a version, and ask for its examination: a run of its own, that can be lost and found by itself.

    The only service that loads torch. `queue`: send the examination to the workers; else the caller carries it out.
    """
    config = TrainConfig.from_json(run.config)
    require_order([config.backbone], run.catalog.clock)

    from recommender.training import distributed  # noqa: PLC0415 - torch: in the worker only
    from recommender.training.pipeline import train  # noqa: PLC0415

    _check_place(files.folder_for(run.catalog))
    snapshot = freeze(run.catalog, encoder=settings.ENCODER)
    part = files.folder_for(run.catalog) / f".run-{run.pk}-{run.lease_token}"
    _remove(part.parent.glob(f".run-{run.pk}-*"))  # what a lost worker left
    try:
        with distributed.together():
            distributed.from_first((snapshot.pk, run.config))
            trained = train(snapshot, config, part, encoder_name=settings.ENCODER, observer=recorder)
        _store(run, trained, part, snapshot, config, queue=queue)
    finally:
        _remove([part])


def assist() -> None:
    """Help the process of rank 0 to carry out its run, as one of the others that torchrun started."""
    from recommender.training import distributed  # noqa: PLC0415 - torch: in the worker only
    from recommender.training.pipeline import train  # noqa: PLC0415

    with distributed.together():
        snapshot_id, config = distributed.from_first()
        snapshot = KnowledgeSnapshot.objects.select_related("catalog").get(pk=snapshot_id)
        nowhere = files.folder_for(snapshot.catalog)
        train(snapshot, TrainConfig.from_json(config), nowhere, encoder_name=settings.ENCODER, observer=Quiet())


def _check_place(folder: Path) -> None:
    """Raises CannotTrainError where nothing can be stored, which is better known before the training than after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotTrainError(f"Backbones cannot be stored in {folder}: {error.strerror}. See R4_VAR.") from error


def _store(
    run: TrainingRun, trained: "Trained", part: Path, snapshot: KnowledgeSnapshot, config: TrainConfig, *, queue: bool
) -> None:
    (part / "metrics.json").write_text(json.dumps(trained.metrics))
    kernels.build(part)
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
            drawn=config.negatives if trained.metrics["samples"]["train"].get("drawn") else 0,
            catalog_changes=run.catalog.changes,  # as the run was taken, before anything was read
        )
        runs.request(
            EXAMINATION,
            queue=queue,
            catalog=run.catalog,
            version=version,
            activate=run.activate,
            requested_by=run.requested_by,
        )


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)

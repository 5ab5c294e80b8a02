"""Where a tuning run's files are, and how its adapter is registered when it is done (carried out by worker.tuning)."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from recommender.models import Catalog, TuningRun
from recommender.runs import leases


def folder_for(catalog: Catalog) -> Path:
    """Where a catalog's finished runs have a folder each."""
    return Path(settings.VAR_DIR) / "adapters" / catalog.name


def folder_of(run: TuningRun) -> Path:
    """A finished run's folder: `adapter` (what is served), `data` (the export it learnt from) and adapter.json."""
    return Path(settings.VAR_DIR) / "adapters" / run.artifact


def register(run: TuningRun, part: Path, metrics: dict[str, Any]) -> None:
    """Move the run's files to where they stay and register the adapter. Raises StoppedError, with nothing moved."""
    folder = folder_for(run.catalog) / str(run.pk)
    with transaction.atomic():
        leases.finish(run, artifact=f"{run.catalog.name}/{run.pk}", metrics=metrics)
        shutil.rmtree(folder, ignore_errors=True)  # of a transaction that never committed
        part.rename(folder)

"""Carry a tuning run out: freeze the rows, tune, register. In a training worker, or in the command `tune`."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from django.conf import settings

from recommender.models import TuningRun
from recommender.runs import leases
from recommender.runs.errors import StoppedError
from recommender.tuning import service
from recommender.tuning.config import CannotTuneError, TuneConfig, TunedRole
from recommender.tuning.writing import MANIFEST
from reviews.lessons import training_sets

log = logging.getLogger(__name__)
WRITE_EVERY = 1.0  # seconds


def run(run_id: int, *, observer: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Does nothing where another worker has the run or it has ended. Its outcome, errors included, is in the row."""
    claimed = service.claim(run_id)
    if claimed is None:
        return
    folder = Path(settings.VAR_DIR) / "adapters" / claimed.catalog.name
    for left in folder.glob(f".run-{claimed.pk}-*"):  # by a lost worker
        shutil.rmtree(left, ignore_errors=True)
    part = folder / f".run-{claimed.pk}-{claimed.lease_token}"
    try:
        service.finish(claimed, part, _carry_out(claimed, part, observer))
    except StoppedError:
        log.info("%s was cancelled or taken over", claimed)
    except CannotTuneError as error:
        leases.fail(claimed, str(error))
    except Exception as error:
        log.exception("%s failed", claimed)
        leases.fail(claimed, f"Tuning stopped at an unexpected error. {type(error).__name__}: {error}")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _carry_out(claimed: TuningRun, part: Path, observer: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    from recommender.tuning.lora import tune  # noqa: PLC0415 - torch: only where it computes

    config, role = TuneConfig.from_json(claimed.config), cast(TunedRole, claimed.role)
    exported = training_sets.export(claimed.catalog, part / "data", formats=["jsonl"])
    written = 0.0

    def at_step(progress: dict[str, Any]) -> None:
        nonlocal written
        observer(progress)
        if time.monotonic() - written > WRITE_EVERY:
            service.record(claimed, progress)
            written = time.monotonic()

    service.record(claimed, {"rows": exported["rows"]})
    metrics = tune(part / "data", part / "adapter", config=config, role=role, observer=at_step)
    described = {
        "name": claimed.adapter_name,
        "role": role,
        "config": config.to_json(),
        "metrics": metrics,
        "data_sha256": hashlib.sha256((part / "data" / MANIFEST).read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((part / "adapter").iterdir())
        },
    }
    (part / "adapter.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return metrics

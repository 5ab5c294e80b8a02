"""How a tuning run is carried out: freeze the rows, tune, register. In a training worker, or in the command `tune`."""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from recommender.models import TuningRun
from recommender.runs.recorder import Recorder
from recommender.tuning import service
from recommender.tuning.config import TuneConfig, TunedRole
from recommender.tuning.writing import MANIFEST
from reviews.lessons import training_sets


def carry_out(run: TuningRun, recorder: Recorder) -> None:
    """Freeze the rows, tune, and register the adapter. Raises CannotTuneError."""
    folder = service.folder_for(run.catalog)
    for left in folder.glob(f".run-{run.pk}-*"):  # by a lost worker
        shutil.rmtree(left, ignore_errors=True)
    part = folder / f".run-{run.pk}-{run.lease_token}"
    try:
        service.register(run, part, _tune(run, part, recorder))
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _tune(run: TuningRun, part: Path, recorder: Recorder) -> dict[str, Any]:
    """Write everything that is stored of a run into `part`; returns the adapter's metrics."""
    from recommender.tuning.lora import tune  # noqa: PLC0415 - torch: only where it computes

    config, role = TuneConfig.from_json(run.config), cast(TunedRole, run.role)
    exported = training_sets.export(run.catalog, part / "data", formats=["jsonl"])
    recorder.progress["rows"] = exported["rows"]

    def at_step(progress: dict[str, Any]) -> None:
        if "step" in progress:
            recorder.at("tuning", progress["step"], progress["of"], f"loss {progress['loss']:.4f}")
        elif progress["stage"] == "loading":
            recorder.at("loading", 0, 1)
        else:
            recorder.alive()

    metrics = tune(part / "data", part / "adapter", config=config, role=role, name=run.adapter_name, observer=at_step)
    described = {
        "name": run.adapter_name,
        "role": role,
        "config": config.to_json(),
        "metrics": metrics,
        "data_sha256": hashlib.sha256((part / "data" / MANIFEST).read_bytes()).hexdigest(),
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "gguf")},
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((part / "adapter").iterdir())
        },
    }
    (part / "adapter.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return metrics

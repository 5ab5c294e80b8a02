"""Backbone versions as rows with an empty folder, for what does not score."""

from typing import Any

from recommender.artifacts import files
from recommender.knowledge.snapshots import freeze
from recommender.models import BackboneVersion, Catalog, Examination, RunState, TrainingRun, VersionState
from recommender.promotion import gates
from recommender.recipe import TrainConfig


def metrics(*, texts: int = 2) -> dict[str, Any]:
    def scores(auc: float) -> dict[str, Any]:
        return {"auc": auc, "gauc": None, "logloss": 0.5, "ece": 0.02, "samples": 120, "positives": 60, "end_users": 30}

    def model(auc: float) -> dict[str, Any]:
        return {
            "valid": scores(auc),
            "test": scores(auc - 0.01),
            "best_epoch": 2,
            "epochs": 5,
            "batch_size": 64,
            "seconds": 1.25,
            "samples_per_second": 12345.6,
        }

    return {
        "with_knowledge": model(0.8125),
        "without_knowledge": model(0.8),
        "same_model": not texts,
        "samples": {part: {"samples": 120, "positives": 60, "end_users": 30} for part in ("train", "valid", "test")},
        "coverage": {part: {"end_user": 0.5, "item": 0.25} for part in ("train", "valid", "test")},
        "texts": texts,
        "parity": {"eager_and_served": 1e-7, "one_and_many": 1e-7},
        "seconds": 4.5,
    }


def make_version(catalog: Catalog, **fields: Any) -> BackboneVersion:
    config = TrainConfig().to_json()
    number = catalog.backbone_versions.count() + 1
    version = BackboneVersion.objects.create(
        catalog=catalog,
        number=number,
        run=TrainingRun.objects.create(catalog=catalog, config=config, state=RunState.DONE),
        snapshot=freeze(catalog, encoder="minilm"),
        architecture="din",
        config=config,
        metrics=metrics(),
        data_hash="0" * 64,
        artifact=f"{catalog.name}/{number}",
        **fields,
    )
    files.folder_of(version).mkdir(parents=True, exist_ok=True)
    return version


def examined(version: BackboneVersion, **outcomes: str) -> Examination:
    """Its gates as if measured against the version that is active now: passed, but for the `outcomes` given by name."""
    others = version.catalog.backbone_versions.exclude(pk=version.pk)
    return Examination.objects.create(
        catalog=version.catalog,
        version=version,
        against=others.filter(state=VersionState.ACTIVE).first(),
        state=RunState.DONE,
        gates=[
            gates.Gate(name, outcomes.get(name, "passed"), f"{label} was measured.").to_json()
            for name, label in gates.LABELS.items()
        ],
    )

"""One training run from a frozen snapshot to a checked artifact. Nothing here holds a lock on the database."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from recommender.artifacts import golden_choice, held_out, writing
from recommender.dataset.histories import STREAMING
from recommender.dataset.split import PARTS, describe
from recommender.models import KnowledgeSnapshot
from recommender.recipe import TrainConfig
from recommender.runs.observer import WITH, WITHOUT, Observer
from recommender.training import distributed
from recommender.training.fit import Fitted, fit_arm
from recommender.training.prepare import Prepared, prepare


@dataclass(frozen=True, slots=True)
class Trained:
    metrics: dict[str, Any]
    data_hash: str


def train(
    snapshot: KnowledgeSnapshot, recipe: TrainConfig, folder: Path, *, encoder_name: str, observer: Observer
) -> Trained:
    """Train with and without knowledge from the same seed and write the one with knowledge to `folder`.

    Without any knowledge in the snapshot both are the same model, trained once. Of several processes
    (training.distributed) all fit and rank 0 writes. Raises TooLittleDataError, what the
    observer raises, and whatever the encoder cannot load.
    """
    began = time.perf_counter()
    prepared = prepare(snapshot, recipe, encoder_name=encoder_name, observer=observer)
    fitted = {WITHOUT: fit_arm(prepared, recipe, WITHOUT, observer=observer)}
    if prepared.known.texts:
        fitted[WITH] = fit_arm(prepared, recipe, WITH, observer=observer)
    if distributed.rank():  # one process of several that helped to fit
        return Trained({}, "")
    observer.at("exporting", 0, 1)
    data_hash = prepared.interactions.hash()
    facts = {"snapshot": snapshot.content_hash, "data": data_hash, "torch": str(torch.__version__)}
    parity = export(folder, fitted.get(WITH, fitted[WITHOUT]), facts)
    held_out.save(folder, prepared.interactions, prepared.parts.test, _predicted(fitted))
    metrics = _metrics(prepared, fitted)
    observer.at("exporting", 1, 1)
    return Trained(metrics | {"parity": parity, "seconds": round(time.perf_counter() - began, 2)}, data_hash)


def export(folder: Path, fitted: Fitted, facts: dict[str, Any]) -> float:
    """Write the artifact of a fitted arm into a new folder. Returns how far its forms differ."""
    examples, known = fitted.examples, fitted.inputs.known[STREAMING]
    manifest = writing.write(
        folder,
        fitted.backbone,
        fitted.recipe,
        examples.interactions,
        known,
        signals=fitted.inputs.signals,
        demographics=examples.demographics,
        statements=fitted.learned,
        llm_scores=fitted.blended,
        facts=facts,
    )
    golden_choice.write(folder, fitted.backbone, examples.interactions.told(), known)
    parity: float = manifest["parity"]
    return parity


def _predicted(fitted: dict[str, Fitted]) -> dict[str, Any]:
    return {arm: each.probability[STREAMING] for arm, each in fitted.items()}


def _metrics(prepared: Prepared, fitted: dict[str, Fitted]) -> dict[str, Any]:
    interactions, parts = prepared.interactions, prepared.parts
    without, served = fitted[WITHOUT], fitted.get(WITH, fitted[WITHOUT])
    label, end_user = served.examples.labels(parts.test), interactions.end_user[parts.test]
    return {
        WITH: served.fit.to_json(),
        WITHOUT: without.fit.to_json(),
        "same_model": WITH not in fitted,
        "intervals": held_out.intervals(label, end_user, _predicted(fitted)),
        "samples": describe(prepared.codes, interactions.end_user, interactions.liked, interactions.drawn),
        "coverage": {name: served.examples.coverage(getattr(parts, name)) for name in PARTS},
        "texts": len(prepared.known.texts),
        "claims": served.learned.to_json() if served.learned else None,
        "llm_scores": served.blended.to_json() if served.blended else None,
    }

"""How a version was trained, in words: its calibration, how far knowledge was let in, and what it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.artifacts import kernels
from recommender.dataset import negatives
from recommender.dataset.split import SPLITS
from recommender.models import BackboneVersion, Catalog
from recommender.recipe import (
    ADAPTERS,
    CALIBRATIONS,
    CONTROLS,
    KNOWLEDGE,
    LOW_ACTIVITY,
    SWITCHES,
    TrainConfig,
    said_of_chance,
)
from recommender.setting import settings_of

GATE_START = 0.12  # backbones.adapter's
SHUT, HARDLY, PARTLY = 0.05, 0.2, 0.6  # below
SUBJECTS = {"end_user": "users", "item": "items"}


@dataclass(frozen=True, slots=True)
class Change:
    """One score before and after calibration; less is better."""

    part: str
    label: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Calibration:
    method: str
    slope: float
    intercept: float
    changes: list[Change]


def calibration(metrics: Mapping[str, Any]) -> Calibration | None:
    """Of the model that serves; None where it was left out, or a version is older than calibration."""
    served = metrics["with_knowledge"]
    found = served.get("calibration")
    if not found or found["method"] == "none":
        return None
    changes = [
        Change(part, label, found["before"][part][name], served[part][name])
        for part in ("valid", "test")
        for name, label in (("logloss", "LogLoss"), ("ece", "ECE"))
    ]
    return Calibration(CALIBRATIONS[found["method"]].label, found["slope"], found["intercept"], changes)


@dataclass(frozen=True, slots=True)
class Opening:
    """How far the knowledge of one kind of subject is let in: `share`, 0 to 1, and in words."""

    subjects: str
    share: float
    words: str


def openings(version: BackboneVersion) -> list[Opening]:
    """Nothing where there was no knowledge, or no gate."""
    shares = version.metrics["with_knowledge"].get("knowledge_gates", {})
    if not TrainConfig.from_json(version.config).knowledge_gate:
        return []
    return [Opening(SUBJECTS[kind], share, _words(share)) for kind, share in shares.items()]


def _words(share: float) -> str:
    if share < SHUT:
        return "not used"
    if share < HARDLY:
        return "practically ignored"
    return "used in part" if share < PARTLY else "fully used"


def order(config: Mapping[str, Any], catalog: Catalog) -> str:
    """What a training with these settings cannot learn, where nobody knows what came first; else empty."""
    read = TrainConfig.from_json(config)
    return said_of_chance([read.backbone], catalog.clock, drift=read.drift)


def drawn(version: BackboneVersion) -> str:
    """What was drawn as not liked, in plain words; empty where nothing was."""
    if not version.drawn:
        return ""
    said = negatives.said(version.metrics["samples"], version.drawn)
    return f"It learned from likes and from items drawn by chance, {said}. Its scores put items in order, no more."


def facts(version: BackboneVersion) -> list[tuple[str, str]]:
    """What was chosen, each with what that means."""
    config, told = TrainConfig.from_json(version.config), settings_of(TrainConfig)
    found = [(told["split"].label, f"{config.split_in_words}: {SPLITS[config.split].help}")]
    if by_chance := order(version.config, version.catalog):
        found.append(("Order", by_chance))
    if version.drawn:
        said = negatives.said(version.metrics["samples"], version.drawn)
        found.append(("Not liked", f"{said}; AUC tells likes from those, and scores are no probabilities of a like"))
    if config.knowledge_source != KNOWLEDGE:
        control = CONTROLS[config.knowledge_source]
        found.append((told["knowledge_source"].label, f"{control.help}: a control, which is never activated"))
    if version.metrics["texts"] and config.knowledge_field:
        found.append((told["adapter"].label, str(ADAPTERS[config.adapter])))
        whitened = f"whitened to {config.whiten} directions" if config.whiten else "as the encoder gives them"
        found.append(("Texts' vectors", whitened))
        if config.low_activity != "none":
            what, below = LOW_ACTIVITY[config.low_activity].label, config.low_activity_below
            found.append((told["low_activity"].label, f"{what}; below {below} interactions before a moment"))
    if (claims := version.metrics.get("claims")) is not None:
        found.append(("What texts say users like and dislike", _said_of_statements(claims["gain"])))
    if (answers := version.metrics.get("llm_scores")) is not None:
        found.append(("What an AI answered about items", _said_of_answers(answers)))
    if config.metadata_text:
        found.append(("Beside attributes", "titles and attributes as encoded sentences, in both models"))
    if config.metadata_numbers:
        found.append((told["metadata_numbers"].label, f"likes share a variance of {config.metadata_numbers:g} by them"))
    if config.newer_likes:
        found.append((told["newer_likes"].label, "with what others liked since the training, between trainings"))
    left_out = [told[name].label for name in SWITCHES if not getattr(config, name)]
    return [*found, ("Left out", ", ".join(left_out) or "nothing"), ("Compiled kernels", _said_of_kernels(version))]


def _said_of_kernels(version: BackboneVersion) -> str:
    """Of this web process: another one may run on another processor."""
    found = kernels.look(version)
    if found.why_not:
        return f"not run here: {found.why_not}"
    said = "run here" if found.proven else "fit this machine, and run if the golden users score the same with them"
    by = f" by {found.compiler}" if found.compiler else ""
    return f"{said}: compiled{by} for {found.processor} when the model was trained"


def _said_of_answers(learned: Mapping[str, Any]) -> str:
    about = f"{learned['ratings']:,} opinions of {learned['users']:,} users"
    if not learned["weight"]:
        return f"moves nothing: on {about} it did not do better than chance"
    return f"moves items that it was asked about; it takes {100 * learned['gain']:.1f} % off the error on {about}"


def _said_of_statements(gain: float) -> str:
    if gain <= 0:
        return "counts as far as people said or approved it; likes do not bear it out beyond chance"
    return f"takes {100 * gain:.1f} % off the error in predicting the likes of others"

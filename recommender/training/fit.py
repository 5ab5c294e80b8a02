"""One arm with one recipe: its inputs, the fit, the calibration, and what it predicts for the test part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.backbones import whitening
from recommender.backbones.adapter import END_USER, ITEM
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes
from recommender.backbones.registry import make
from recommender.dataset.examples import Examples
from recommender.dataset.histories import STREAMING
from recommender.dataset.interactions import Interactions, trained_on
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.split import Codes, Parts
from recommender.recipe import TrainConfig
from recommender.runs.observer import Observer
from recommender.training import loop
from recommender.training.calibration import calibrate
from recommender.training.inputs import Inputs, make_inputs
from recommender.training.loop import Fit, predict
from recommender.training.prepare import Prepared

PADDING_ID, SHARED_ID, FIRST_ID = range(3)  # rows of the id embeddings


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained arm. `probability`: of the test part's rows (m), by history."""

    recipe: TrainConfig
    backbone: Backbone
    fit: Fit
    inputs: Inputs
    probability: Mapping[str, NDArray[np.float64]]

    @property
    def examples(self) -> Examples:
        """Those it was trained on."""
        return self.inputs.examples[STREAMING]

    def read_texts(self, history: str) -> None:
        """Let the backbone answer with what is known in one of the inputs' histories."""
        read_texts(self.backbone, self.inputs.field(self.recipe, history))


def fit_arm(
    prepared: Prepared,
    recipe: TrainConfig,
    arm: str,
    *,
    observer: Observer,
    model: str = "",
    inputs: Inputs | None = None,
) -> Fitted:
    """Train a backbone WITH or WITHOUT knowledge and read the test part once.

    `model` names it to the observer, else the arm does. `inputs`: of the same arm, where several fits share them. The
    backbone answers with the streaming history's texts afterwards. Raises what the observer raises.
    """
    inputs = inputs or make_inputs(prepared, recipe, arm, alive=observer.alive)
    with loop.threads(recipe.threads):
        fit, backbone = fit_backbone(
            inputs.examples[STREAMING],
            prepared.parts,
            prepared.codes,
            inputs.field(recipe),
            recipe,
            model=model or arm,
            observer=observer,
        )
        fitted = Fitted(recipe, backbone, fit, inputs, {})
        probability = {}
        for history, examples in inputs.examples.items():
            fitted.read_texts(history)
            probability[history] = predict(backbone, examples, prepared.parts.test, observer=observer)
        fitted.read_texts(STREAMING)
    return replace(fitted, probability=probability)


def fit_backbone(
    examples: Examples,
    parts: Parts,
    codes: Codes,
    vectors: NDArray[np.float32] | None,
    recipe: TrainConfig,
    *,
    model: str,
    observer: Observer,
) -> tuple[Fit, Backbone]:
    """Fit and calibrate a backbone on examples. `vectors`: (1 + texts, D) of its knowledge adapter, if it has one."""
    with torch.random.fork_rng(devices=[]):  # the caller's random state is its own
        torch.manual_seed(recipe.seed)
        backbone = make_backbone(examples, codes, vectors, recipe)
        if backbone.knowledge is not None and backbone.knowledge.whitening is not None and vectors is not None:
            met = {END_USER: examples.end_user_text[parts.train], ITEM: examples.item_text[parts.train]}
            rows = {kind: np.setdiff1d(texts, [NO_TEXT]) for kind, texts in met.items()}
            whitening.fit(backbone.knowledge.whitening, vectors, rows)
        read_texts(backbone, vectors)
        fit = loop.fit(backbone, examples, parts, recipe, model=model, observer=observer)
        fit = calibrate(backbone, fit, examples, parts, method=recipe.calibration, observer=observer)
    if backbone.knowledge is not None:
        gates = dict(zip(("end_user", "item"), backbone.knowledge.gates().tolist(), strict=True))
        fit = replace(fit, details={**fit.details, "knowledge_gates": gates})
    return fit, backbone


def make_backbone(
    examples: Examples, codes: Codes, vectors: NDArray[np.float32] | None, recipe: TrainConfig
) -> Backbone:
    """An untrained backbone for such examples, which knows what every item is."""
    interactions = examples.interactions
    id_of = _ids(interactions, codes, recipe.rare_below)
    shown = interactions.item_tokens[:, : 1 if recipe.first_attribute else None]
    tokens_of = np.vstack([np.zeros((FIRST_ITEM, shown.shape[1]), np.int64), shown])
    sizes = InputSizes(
        items=len(id_of),
        item_ids=max(int(id_of.max()), SHARED_ID) + 1,
        tokens=len(interactions.tokens) + 1,
        tokens_per_item=tokens_of.shape[1],
        feedback=interactions.scale.buckets,
        knowledge=0 if vectors is None else vectors.shape[1],
        signals=examples.signals.shape[1],
        end_user_tokens=examples.demographics.size if examples.demographics else 0,
    )
    backbone = make(sizes, recipe)
    backbone.items.describe(id_of=torch.from_numpy(id_of), tokens_of=torch.from_numpy(tokens_of))
    return backbone


def read_texts(backbone: Backbone, vectors: NDArray[np.float32] | None) -> None:
    """Give a backbone's knowledge adapter the vectors of the texts, where it has one."""
    if backbone.knowledge is not None and vectors is not None:
        backbone.knowledge.read(torch.from_numpy(vectors))


def _ids(interactions: Interactions, codes: Codes, rare_below: int) -> NDArray[np.int64]:
    """Each item's row of the id embeddings, (2 + items). Items rare before validation share the unknown item's row."""
    seen = np.bincount(interactions.item[trained_on(interactions, codes)], minlength=len(interactions.items))
    common = seen >= max(1, rare_below)
    numbers = np.where(common, np.cumsum(common) - 1 + FIRST_ID, SHARED_ID)
    return np.concatenate([[PADDING_ID, SHARED_ID], numbers]).astype(np.int64)

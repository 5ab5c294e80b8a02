"""One arm with one recipe: its inputs, the fit, the calibration, what moves its scores, and what it predicts."""

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
from recommender.dataset.split import PARTS, Codes, Parts, Rows
from recommender.measures.scores import scores
from recommender.recipe import KNOWLEDGE, TrainConfig
from recommender.runs.observer import Observer, Quiet
from recommender.signals import llm_scores, stated
from recommender.signals.stated import Learned, Weights
from recommender.training import loop
from recommender.training.calibration import calibrate, logit
from recommender.training.inputs import Inputs, make_inputs
from recommender.training.loop import Fit, predict
from recommender.training.prepare import Prepared

PADDING_ID, SHARED_ID, FIRST_ID = range(3)  # rows of the id embeddings


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained arm. `probability`: of the test part's rows (m), by history, as statements and an LLM's scores move it.

    `learned`, `blended`: how far they do; None where there are none.
    """

    recipe: TrainConfig
    backbone: Backbone
    fit: Fit
    inputs: Inputs
    probability: Mapping[str, NDArray[np.float64]]
    learned: Learned | None = None
    blended: llm_scores.Learned | None = None

    @property
    def examples(self) -> Examples:
        """Those it was trained on."""
        return self.inputs.examples[STREAMING]

    @property
    def weights(self) -> Weights:
        """Of statements. A control's have no prior: nobody approved other people's texts for these."""
        learned = self.learned.weights if self.learned else Weights()
        return replace(learned, priors=self.recipe.statement_priors and self.recipe.knowledge_source == KNOWLEDGE)

    def moved(self, probability: NDArray[np.float64], history: str, rows: Rows) -> NDArray[np.float64]:
        """Probabilities (m) of the backbone for these rows after what statements and an LLM's scores say."""
        examples, offset = self.inputs.examples[history], np.zeros(len(rows))
        if self.inputs.stated is not None:
            texts, items = examples.end_user_text[rows], examples.interactions.item[rows]
            offset += self.inputs.stated.offsets(texts, items, self.weights)
        if self.inputs.scores is not None and self.blended is not None:
            offset += self.blended.blend.offset(self.inputs.scores.of(examples.interactions, rows))
        return stated.moved(probability, offset)

    def offset(self, text: int) -> NDArray[np.float64]:
        """What is added to the logit of every item (v) for who has this text."""
        none = np.zeros(len(self.inputs.examples[STREAMING].interactions.items))
        return none if self.inputs.stated is None else self.inputs.stated.offset(text, self.weights)

    def read_texts(self, history: str) -> None:
        """Let the backbone answer with what is known in one of the inputs' histories."""
        read_texts(self.backbone, self.inputs.field(self.recipe, history))


class Unseen(Quiet):
    """An observer of steps that nobody follows: the run stays alive by them, or is stopped."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        self.observer.alive()

    def alive(self) -> None:
        self.observer.alive()


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
        fitted = _with_statements(Fitted(recipe, backbone, fit, inputs, {}), prepared, observer)
        fitted = _with_scores(fitted, prepared, observer)
        if inputs.refit is not None:
            fitted = _refitted(fitted, inputs.refit, prepared, observer)
        probability = {}
        for history, examples in fitted.inputs.examples.items():
            fitted.read_texts(history)
            predicted = predict(fitted.backbone, examples, prepared.parts.test, observer=observer)
            probability[history] = fitted.moved(predicted, history, prepared.parts.test)
        fitted.read_texts(STREAMING)
    return replace(fitted, probability=probability)


def _with_statements(fitted: Fitted, prepared: Prepared, observer: Observer) -> Fitted:
    """Learn from the train and valid parts how far statements move the calibrated scores, and score the parts anew.

    Where the backbone knows its train part by heart little is left to be explained: weights then come out too small.
    """
    said, examples, parts = fitted.inputs.stated, fitted.examples, prepared.parts
    if said is None:
        return fitted
    data = prepared.interactions
    answered = {part: predict(fitted.backbone, examples, getattr(parts, part), observer=observer) for part in PARTS}
    rows = np.concatenate([parts.train, parts.valid])
    probability = np.concatenate([answered["train"], answered["valid"]])
    text = examples.end_user_text[rows]
    seen = (text != NO_TEXT) & (text <= len(prepared.known.texts))
    rows, text = rows[seen], text[seen]
    liked = examples.labels(rows).astype(np.float64)
    asked = stated.Answered(data.end_user[rows], text, data.item[rows], logit(probability[seen]), liked)
    fitted = replace(fitted, learned=stated.learn(said, asked, data.end_users))
    return _scored_anew(fitted, prepared, answered)


def _with_scores(fitted: Fitted, prepared: Prepared, observer: Observer) -> Fitted:
    """Learn from the valid part alone how far an LLM's scores move what comes after statements.

    The backbone was fitted on the train part, and so may the LLM have been: there both know the answers.
    """
    said, data, parts = fitted.inputs.scores, prepared.interactions, prepared.parts
    if said is None:
        return fitted
    answered = {"valid": predict(fitted.backbone, fitted.examples, parts.valid, observer=observer)}
    score, probability = said.of(data, parts.valid), fitted.moved(answered["valid"], STREAMING, parts.valid)
    there = ~np.isnan(score)
    rows = parts.valid[there]
    liked = fitted.examples.labels(rows).astype(np.float64)
    asked = llm_scores.Answered(data.end_user[rows], data.item[rows], score[there], logit(probability[there]), liked)
    fitted = replace(fitted, blended=(learned := llm_scores.learn(said, asked, data.end_users)))
    if not learned.blend.weight:
        return fitted
    answered["test"] = predict(fitted.backbone, fitted.examples, parts.test, observer=observer)
    return _scored_anew(fitted, prepared, answered)


def _scored_anew(fitted: Fitted, prepared: Prepared, answered: Mapping[str, NDArray[np.float64]]) -> Fitted:
    """With the scores of what it answers now. `answered`: the backbone's own probabilities of each part."""
    after = {}
    for part in ("valid", "test"):
        rows: Rows = getattr(prepared.parts, part)
        moved = fitted.moved(answered[part], STREAMING, rows)
        after[part] = scores(fitted.examples.labels(rows), moved, prepared.interactions.end_user[rows])
    return replace(fitted, fit=replace(fitted.fit, valid=after["valid"], test=after["test"]))


def _refitted(fitted: Fitted, inputs: Inputs, prepared: Prepared, observer: Observer) -> Fitted:
    """Fit anew on the train and the valid part, for as many epochs as were best. `inputs`: of both parts.

    The valid scores, the calibration and how far statements move stay those of the first fit, which never saw what it
    was tried on.
    """
    recipe, parts, first = fitted.recipe, prepared.parts, fitted.fit
    again, backbone = fit_backbone(
        inputs.examples[STREAMING],
        replace(parts, train=np.union1d(parts.train, parts.valid)),
        prepared.refit.codes,
        inputs.field(recipe),
        recipe.but(epochs=max(1, first.best_epoch), calibration="none"),
        model="",
        observer=Unseen(observer),
        keep_last=True,
    )
    backbone.calibrate(float(fitted.backbone.slope), float(fitted.backbone.intercept))
    fitted = replace(fitted, backbone=backbone, inputs=inputs)
    predicted = predict(backbone, fitted.examples, parts.test, observer=observer)
    test = scores(
        fitted.examples.labels(parts.test),
        fitted.moved(predicted, STREAMING, parts.test),
        prepared.interactions.end_user[parts.test],
    )
    details = {**again.details, **first.details, "refit_seconds": round(again.seconds, 3)}
    return replace(fitted, fit=replace(first, test=test, details=details))


def fit_backbone(
    examples: Examples,
    parts: Parts,
    codes: Codes,
    vectors: NDArray[np.float32] | None,
    recipe: TrainConfig,
    *,
    model: str,
    observer: Observer,
    keep_last: bool = False,
) -> tuple[Fit, Backbone]:
    """Fit and calibrate a backbone on examples. `vectors`: (1 + texts, D) of its knowledge adapter, if it has one.

    `keep_last`: its last epoch, not its best (loop.fit).
    """
    with torch.random.fork_rng(devices=[]):  # the caller's random state is its own
        torch.manual_seed(recipe.seed)
        backbone = make_backbone(examples, codes, vectors, recipe)
        if backbone.knowledge is not None and backbone.knowledge.whitening is not None and vectors is not None:
            met = {END_USER: examples.end_user_text[parts.train], ITEM: examples.item_text[parts.train]}
            rows = {kind: np.setdiff1d(texts, [NO_TEXT]) for kind, texts in met.items()}
            whitening.fit(backbone.knowledge.whitening, vectors, rows)
        read_texts(backbone, vectors)
        fit = loop.fit(backbone, examples, parts, recipe, model=model, observer=observer, keep_last=keep_last)
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

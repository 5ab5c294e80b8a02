"""One training run from a frozen snapshot to a checked artifact. Nothing here holds a lock on the database."""

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.artifacts import golden_choice, held_out, writing
from recommender.backbones import whitening
from recommender.backbones.adapter import END_USER, ITEM
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes
from recommender.backbones.registry import make
from recommender.dataset import attributes
from recommender.dataset.attributes import LEAST_END_USERS, Vocabulary
from recommender.dataset.examples import Examples, build
from recommender.dataset.interactions import Interactions, read_interactions
from recommender.dataset.low_activity import use_items
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.split import PARTS, Codes, describe, split
from recommender.dataset.texts import read_texts
from recommender.knowledge import encoder
from recommender.models import Clock, KnowledgeSnapshot
from recommender.recipe import TrainConfig
from recommender.runs.observer import WITH, WITHOUT, Observer
from recommender.signals import controls, fitting, statement_texts
from recommender.training import distributed
from recommender.training.calibration import calibrate
from recommender.training.loop import Fit, Parts, fit, predict, threads

PADDING_ID, SHARED_ID, FIRST_ID = range(3)  # rows of the id embeddings


@dataclass(frozen=True, slots=True)
class Trained:
    metrics: dict[str, Any]
    data_hash: str


def train(
    snapshot: KnowledgeSnapshot, config: TrainConfig, folder: Path, *, encoder_name: str, observer: Observer
) -> Trained:
    """Train with and without knowledge from the same seed and write the one with knowledge to `folder`.

    Without any knowledge in the snapshot both are the same model, trained once. Of several processes
    (training.distributed) all fit and rank 0 writes. Raises TooLittleDataError, what the
    observer raises, and whatever the encoder cannot load.
    """
    began = time.perf_counter()
    observer.at("reading", 0, 1)
    interactions = read_interactions(snapshot.catalog)
    codes = split(
        config.split,
        interactions.end_user,
        interactions.liked,
        moment=interactions.moment,
        only_order=snapshot.catalog.clock == Clock.ORDER,
        fold=config.fold,
    )
    known = read_texts(snapshot, interactions)
    if config.low_activity == "items":
        known = use_items(known, interactions, below=config.low_activity_below)
    observer.at("reading", 1, 1)
    texts = known.to_encode()
    encode = partial(encoder.vectors, name=encoder_name, key=snapshot.encoder, done=partial(observer.at, "encoding"))
    with distributed.first_goes_first():
        vectors = known.matrix(encode(texts))
        vectors = controls.stand_in(config.knowledge_source, known, vectors, interactions, codes, encode)
        sentences = controls.metadata_space(interactions, encode) if config.metadata_text else None
        meeting = statement_texts.prepare(config, known, vectors, interactions, encode)
    vectors = known.with_sets(vectors)
    demographics = demographics_of(interactions, codes) if config.demographics else None
    examples = build(interactions, known, history=config.history, demographics=demographics)
    parts = Parts(**{name: np.flatnonzero(codes == code) for name, code in PARTS.items()})
    fits: dict[str, Fit] = {}
    claimed = None
    predicted: dict[str, NDArray[np.float64]] = {}
    with threads(config.threads):  # the encoder's large products take all there are
        tables = fitting.fit(interactions, codes, config, metadata_text=sentences, alive=observer.alive)
        examples = fitting.join(examples, tables, alive=observer.alive)
        fits[WITHOUT], backbone = fit_one(examples, parts, codes, None, config, model=WITHOUT, observer=observer)
        predicted[WITHOUT] = predict(backbone, examples, parts.test, observer=observer)
        if known.texts:
            space = controls.knowledge_space(config, known, vectors, interactions, codes)
            tables = fitting.fit(
                interactions, codes, config, metadata_text=sentences, knowledge=space, alive=observer.alive
            )
            denied = fitting.denied(examples, known)
            informed = fitting.join(examples, tables, denied=denied, instead=examples, alive=observer.alive)
            claimed = statement_texts.fit(meeting, known, informed, codes)
            informed = statement_texts.join(informed, claimed)
            field = vectors if config.knowledge_field else None
            fits[WITH], backbone = fit_one(informed, parts, codes, field, config, model=WITH, observer=observer)
            predicted[WITH] = predict(backbone, informed, parts.test, observer=observer)
    if distributed.rank():  # one process of several that helped to fit
        return Trained({}, "")
    observer.at("exporting", 0, 1)
    data_hash = interactions.hash()
    facts = {"snapshot": snapshot.content_hash, "data": data_hash, "torch": str(torch.__version__)}
    manifest = writing.write(
        folder,
        backbone,
        config,
        interactions,
        known,
        tables=tables,
        claims=claimed,
        demographics=demographics,
        facts=facts,
    )
    golden_choice.write(folder, backbone, interactions, known)
    held_out.save(folder, interactions, parts.test, predicted)
    label, end_user = examples.labels(parts.test), interactions.end_user[parts.test]
    observer.at("exporting", 1, 1)
    metrics = {
        WITH: fits.get(WITH, fits[WITHOUT]).to_json(),
        WITHOUT: fits[WITHOUT].to_json(),
        "same_model": WITH not in fits,
        "intervals": held_out.intervals(label, end_user, predicted),
        "samples": describe(codes, interactions.end_user, interactions.liked),
        "coverage": {name: examples.coverage(getattr(parts, name)) for name in PARTS},
        "texts": len(known.texts),
        "claims": None if meeting is None else {"gain": round(claimed.gain, 4) if claimed else 0.0},
        "parity": manifest["parity"],
        "seconds": round(time.perf_counter() - began, 2),
    }
    return Trained(metrics, data_hash)


def fit_one(
    examples: Examples,
    parts: Parts,
    codes: Codes,
    vectors: NDArray[np.float32] | None,
    config: TrainConfig,
    *,
    model: str,
    observer: Observer,
) -> tuple[Fit, Backbone]:
    id_of = _ids(examples.interactions, codes, config.rare_below)
    shown = examples.interactions.item_tokens[:, : 1 if config.first_attribute else None]
    tokens_of = np.vstack([np.zeros((FIRST_ITEM, shown.shape[1]), np.int64), shown])
    sizes = InputSizes(
        items=len(id_of),
        item_ids=max(int(id_of.max()), SHARED_ID) + 1,
        tokens=len(examples.interactions.tokens) + 1,
        tokens_per_item=tokens_of.shape[1],
        feedback=examples.interactions.scale.buckets,
        knowledge=0 if vectors is None else vectors.shape[1],
        signals=examples.signals.shape[1],
        end_user_tokens=examples.demographics.size if examples.demographics else 0,
    )
    with torch.random.fork_rng(devices=[]):  # the caller's random state is its own
        torch.manual_seed(config.seed)
        backbone = make(sizes, config)
        backbone.items.describe(id_of=torch.from_numpy(id_of), tokens_of=torch.from_numpy(tokens_of))
        if backbone.knowledge is not None and vectors is not None:
            if backbone.knowledge.whitening is not None:
                met = {END_USER: examples.end_user_text[parts.train], ITEM: examples.item_text[parts.train]}
                rows = {kind: np.setdiff1d(texts, [NO_TEXT]) for kind, texts in met.items()}
                whitening.fit(backbone.knowledge.whitening, vectors, rows)
            backbone.knowledge.read(torch.from_numpy(vectors))
        found = fit(backbone, examples, parts, config, model=model, observer=observer)
        found = calibrate(backbone, found, examples, parts, method=config.calibration, observer=observer)
        if backbone.knowledge is not None:
            gates = dict(zip(("end_user", "item"), backbone.knowledge.gates().tolist(), strict=True))
            found = replace(found, details={**found.details, "knowledge_gates": gates})
        return found, backbone


def demographics_of(interactions: Interactions, codes: Codes) -> Vocabulary | None:
    """The vocabulary of the attributes of end users in the train part; None where they have none worth a token."""
    met = np.unique(interactions.end_user[fitting.trained_on(interactions, codes)]).tolist()
    bags = [interactions.end_user_attributes[number] for number in met] if interactions.end_user_attributes else []
    found = attributes.fit(bags, least=LEAST_END_USERS)
    return found if found.tokens else None


def _ids(interactions: Interactions, codes: Codes, rare_below: int) -> NDArray[np.int64]:
    """Each item's row of the id embeddings, (2 + items). Items rare before validation share the unknown item's row."""
    seen = np.bincount(interactions.item[fitting.trained_on(interactions, codes)], minlength=len(interactions.items))
    common = seen >= max(1, rare_below)
    numbers = np.where(common, np.cumsum(common) - 1 + FIRST_ID, SHARED_ID)
    return np.concatenate([[PADDING_ID, SHARED_ID], numbers]).astype(np.int64)

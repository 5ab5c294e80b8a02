"""One small fit in memory, as the pipeline does it."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples, build
from recommender.dataset.interactions import Interactions
from recommender.dataset.split import PARTS, split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.runs.observer import WITH, WITHOUT
from recommender.signals import fitting
from recommender.signals.tables import Tables
from recommender.training import pipeline
from recommender.training.loop import Fit, Parts
from tests.recommender.training import synthetic

SMALL = TrainConfig(embedding=8, history=10, head=(16,), adapter_hidden=8, adapter_width=4, batch_size=64, dropout=0.0)
WIDTH = 6


@dataclass
class Fitted:
    backbone: Backbone
    fit: Fit
    examples: Examples
    parts: Parts
    interactions: Interactions
    knowledge: KnowledgeRows
    vectors: np.ndarray
    tables: Tables | None


def knowledge_of(interactions: Interactions) -> KnowledgeRows:
    """A text about every other end user and every third item."""
    names = [(SubjectKind.END_USER, n) for n in range(0, len(interactions.end_users), 2)]
    names += [(SubjectKind.ITEM, n) for n in range(0, len(interactions.items), 3)]
    return KnowledgeRows([Text(kind, n, 1000, hashlib.sha256(f"{kind}{n}".encode()).hexdigest()) for kind, n in names])


def fitted(config: TrainConfig = SMALL, *, knowledge: bool = True, observer=None, **sizes: int) -> Fitted:
    interactions = synthetic.in_memory(synthetic.rows(**sizes))
    codes = split(config.split, interactions.end_user, interactions.liked)
    known = knowledge_of(interactions) if knowledge else KnowledgeRows([])
    source = np.random.default_rng(0)
    vectors = known.matrix({text.text_hash: source.normal(size=WIDTH).astype(np.float32) for text in known.texts})
    space = fitting.knowledge_space(known, vectors, len(interactions.items)) if knowledge else None
    tables = fitting.fit(interactions, codes, config, knowledge=space)
    demographics = pipeline.demographics_of(interactions, codes) if config.demographics else None
    examples = fitting.join(build(interactions, known, history=config.history, demographics=demographics), tables)
    parts = Parts(**{name: np.flatnonzero(codes == code) for name, code in PARTS.items()})
    torch.set_num_threads(1)
    fit, backbone = pipeline.fit_one(
        examples,
        parts,
        codes,
        vectors if knowledge else None,
        config,
        model=WITH if knowledge else WITHOUT,
        observer=observer or synthetic.Silent(),
    )
    return Fitted(backbone, fit, examples, parts, interactions, known, vectors, tables)

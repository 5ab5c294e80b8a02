"""One small fit of data in memory, by `training.fit_arm`."""

import hashlib
from dataclasses import dataclass

import numpy as np

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples
from recommender.dataset.interactions import Interactions
from recommender.dataset.split import Parts, split
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.runs.observer import WITH, WITHOUT
from recommender.signals.registry import Signals
from recommender.training.fit import fit_arm
from recommender.training.loop import Fit
from recommender.training.prepare import Prepared
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
    signals: Signals


def knowledge_of(interactions: Interactions) -> KnowledgeRows:
    """A text about every other end user and every third item."""
    names = [(SubjectKind.END_USER, n) for n in range(0, len(interactions.end_users), 2)]
    names += [(SubjectKind.ITEM, n) for n in range(0, len(interactions.items), 3)]
    return KnowledgeRows([Text(kind, n, 1000, hashlib.sha256(f"{kind}{n}".encode()).hexdigest()) for kind, n in names])


def prepared(*, knowledge: bool = True, split_name: str = "r4ec", **sizes: int) -> Prepared:
    """Planted interactions in memory, with random vectors for their texts."""
    interactions = synthetic.in_memory(synthetic.rows(**sizes))
    known = knowledge_of(interactions) if knowledge else KnowledgeRows([])
    source = np.random.default_rng(0)
    vectors = known.matrix({text.text_hash: source.normal(size=WIDTH).astype(np.float32) for text in known.texts})
    codes = split(split_name, interactions.end_user, interactions.liked)
    return Prepared(interactions, codes, known, vectors, encode=dict)


def fitted(config: TrainConfig = SMALL, *, knowledge: bool = True, observer=None, **sizes: int) -> Fitted:
    """The texts have vectors and no words, so that nothing reads their words."""
    config = config.but(knowledge_words=False, statements=False)
    data = prepared(knowledge=knowledge, split_name=config.split, **sizes)
    arm = fit_arm(data, config, WITH if knowledge else WITHOUT, observer=observer or synthetic.Silent())
    return Fitted(
        arm.backbone, arm.fit, arm.examples, data.parts, data.interactions, data.known, data.vectors, arm.inputs.signals
    )

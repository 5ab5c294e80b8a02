"""Signals of a training run: tables fitted on the train part, and what they say of every interaction beforehand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.dataset.interactions import Interactions, trained_on
from recommender.dataset.split import Codes
from recommender.dataset.texts import KnowledgeRows
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals import tables as signal_tables
from recommender.signals.factors import Likes
from recommender.signals.spaces import Space, of_attributes, of_vectors
from recommender.signals.tables import MOOD, STATISTICS, TASTE, Tables

DIMENSIONS_WITH_WORDS = 64  # of the space of texts; more follow what only few texts have in common


def fit(
    interactions: Interactions,
    codes: Codes,
    config: TrainConfig,
    *,
    metadata_text: Space | None = None,
    knowledge: Space | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Tables | None:
    """The tables of a run, or None where every signal is switched off.

    `metadata_text`, `knowledge`: the spaces of the items' encoded sentences and of their knowledge texts.
    """
    texts = ((metadata_text, config.metadata_text), (knowledge, config.knowledge_signal))
    tasted = config.collaborative or config.metadata or any(switch for _, switch in texts)
    columns = (STATISTICS if config.statistics else ()) + (TASTE if tasted else ()) + (MOOD if config.mood else ())
    if not columns:
        return None
    rows = np.flatnonzero(trained_on(interactions, codes) & (interactions.liked >= 0))
    spaces = [of_attributes(interactions.item_tokens)] if config.metadata else []
    spaces += [space for space, switch in texts if switch and space is not None]
    return signal_tables.build(
        interactions.end_users,
        Likes(
            interactions.end_user[rows].astype(np.int64),
            interactions.item[rows].astype(np.int64),
            interactions.liked[rows].astype(np.float64),
        ),
        len(interactions.items),
        spaces,
        collaborative=config.collaborative,
        columns=columns,
        seed=config.seed,
        alive=alive,
    )


def join(
    examples: Examples,
    tables: Tables | None,
    *,
    denied: NDArray[np.bool_] | None = None,
    instead: Examples | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Examples:
    """The examples with their readings; where `denied` (n), those of `instead`: the same columns without knowledge."""
    if tables is None:
        return examples
    data = examples.interactions
    readings = signal_tables.read_all(
        tables, data.end_users, data.end_user, data.item, data.liked, examples.before, alive=alive
    )
    if denied is not None and instead is not None:
        readings[denied] = instead.signals[denied]
    return replace(examples, signals=readings)


def knowledge_space(
    known: KnowledgeRows, vectors: NDArray[np.float32], items: int, *, words: NDArray[np.float32] | None = None
) -> Space:
    """The space of the items' newest texts (v, D), from the encoder's vectors (1 + texts, ·) of them.

    With the vectors of their `words` as well, two texts are near each other in equal parts by meaning and by wording.
    """
    rows = np.zeros(items, dtype=np.int64)
    for number, row in known.latest(SubjectKind.ITEM).items():
        rows[number] = row
    if words is None:
        return of_vectors(vectors[rows])
    return of_vectors(np.hstack([of_vectors(one[rows]) for one in (vectors, words)]), most=DIMENSIONS_WITH_WORDS)

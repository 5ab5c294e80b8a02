"""What the fits of one arm read: its texts, its signals, and every interaction as an example. Without torch.

An arm is a model WITHOUT knowledge or WITH it, a control in the place of knowledge included (recipe.knowledge_source).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples, build
from recommender.dataset.histories import STREAMING
from recommender.dataset.texts import KnowledgeRows
from recommender.models import SubjectKind
from recommender.recipe import SIGNALS, TrainConfig
from recommender.runs.observer import WITH
from recommender.signals import controls, registry, stated
from recommender.signals.llm_scores import Scores
from recommender.signals.registry import Joined, Signals
from recommender.signals.sources import Sources
from recommender.signals.spaces import Space
from recommender.signals.stated import Stated
from recommender.training.prepare import Prepared, texts_of

Alive = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Of one arm. `known` and `examples` by history (dataset.histories); `signals` are fitted on the streaming one.

    `without`: the signals of the arm without knowledge, for items whose text must not be seen. `vectors`: (1 + texts,
    D) of the texts or of a control; None in an arm without knowledge. `stated`: what the end users' texts say; None
    where it was not asked for or they say nothing. `scores`: what an LLM said of ratings; None where the recipe leaves
    that out, or it was shown knowledge and the arm has none. `refit`: the inputs of a refit, where the recipe has one.
    """

    known: Mapping[str, KnowledgeRows]
    examples: Mapping[str, Examples]
    signals: Signals
    without: Signals
    vectors: NDArray[np.float32] | None = None
    stated: Stated | None = None
    scores: Scores | None = None
    refit: "Inputs | None" = None

    def field(self, recipe: TrainConfig, history: str = STREAMING) -> NDArray[np.float32] | None:
        """The vectors (1 + texts and sets, D) that the knowledge adapter reads, where the arm has one."""
        if self.vectors is None or not recipe.knowledge_field:
            return None
        return self.known[history].with_sets(self.vectors)


def make_inputs(
    prepared: Prepared, recipe: TrainConfig, arm: str, *, histories: Iterable[str] = (STREAMING,), alive: Alive
) -> Inputs:
    """Fit the signals of an arm, from the recipe's seed, and give every interaction theirs, with each history.

    `histories` begin with the streaming one. An arm WITH knowledge is one without where there is no text. Raises what
    `alive` raises.
    """
    made = _make(prepared, recipe, arm, histories=histories, alive=alive)
    if not recipe.refit:
        return made
    return replace(made, refit=_make(prepared.refit, recipe, arm, histories=histories, alive=alive))


def _make(prepared: Prepared, recipe: TrainConfig, arm: str, *, histories: Iterable[str], alive: Alive) -> Inputs:
    informed = arm == WITH and bool(prepared.known.texts)
    known, bare = {}, {}
    for history in histories:
        rows = prepared.rows(history)
        known[history] = texts_of(recipe, prepared.known if informed else KnowledgeRows([]), rows)
        demographics = prepared.demographics if recipe.demographics else None
        bare[history] = build(rows, known[history], history=recipe.history, demographics=demographics)
    sources = Sources(
        recipe,
        prepared.interactions,
        prepared.codes,
        encode=prepared.encode,
        sentences=_sentences(prepared, recipe),
        informed=informed,
        alive=alive,
    )
    without = _without(prepared, sources, bare)
    if informed:
        return _informed(prepared, sources, known, bare, without)
    fitted = without[STREAMING].signals
    examples = {history: joined.examples for history, joined in without.items()}
    scores = prepared.scores if recipe.llm_scores else None
    return Inputs(known, examples, fitted, fitted, scores=None if scores and scores.with_preference else scores)


def _without(prepared: Prepared, sources: Sources, bare: Mapping[str, Examples]) -> dict[str, Joined]:
    """The rows with their signals without texts, which are computed once for all arms that have the same."""
    recipe, alive = sources.config, sources.alive
    names = (*SIGNALS, "metadata_text", "metadata_numbers", "signal_folds", "newer_likes")
    decisive = prepared.joined, recipe.seed, sources.resembles, *(getattr(recipe, name) for name in names)
    fitted = prepared.once(("signals", *decisive), lambda: registry.fit(registry.prepare(sources), bare[STREAMING]))
    joined = {}
    for history, rows in bare.items():
        read = fitted
        if history != STREAMING:
            join = partial(registry.join, fitted.signals, rows, known=sources.known, alive=alive)
            read = prepared.once(("signals", history, *decisive), join)
        joined[history] = replace(read, examples=replace(rows, signals=read.examples.signals))
    return joined


def _informed(
    prepared: Prepared,
    sources: Sources,
    known: Mapping[str, KnowledgeRows],
    bare: Mapping[str, Examples],
    without: Mapping[str, Joined],
) -> Inputs:
    """The signals of an arm with knowledge. `without`: the same rows, with the same columns, in the model without."""
    vectors = controls.control_vectors(
        sources.config.knowledge_source,
        prepared.known,
        prepared.vectors,
        prepared.interactions,
        prepared.codes,
        prepared.encode,
    )
    asked = registry.prepare(replace(sources, known=known[STREAMING], vectors=vectors))
    joined = {STREAMING: registry.fit(asked, bare[STREAMING], without=without[STREAMING])}
    signals = joined[STREAMING].signals
    for history in bare.keys() - joined.keys():
        joined[history] = registry.join(
            signals, bare[history], known=known[STREAMING], without=without[history], alive=sources.alive
        )
    return Inputs(
        known,
        {history: joined[history].examples for history in bare},
        signals,
        without[STREAMING].signals,
        vectors,
        _stated(prepared, sources.config),
        prepared.scores if sources.config.llm_scores else None,
    )


def _stated(prepared: Prepared, recipe: TrainConfig) -> Stated | None:
    """Computed once for all arms that have the same."""
    if not recipe.statements or all(text.kind == SubjectKind.ITEM for text in prepared.known.texts):
        return None
    aspects = prepared.once("aspects", partial(stated.aspects_of, prepared.interactions))
    hold = partial(stated.hold, prepared.known, aspects, source=recipe.knowledge_source)
    return prepared.once(("stated", recipe.knowledge_source), hold)


def _sentences(prepared: Prepared, recipe: TrainConfig) -> Space | None:
    """The space of the items' titles and attributes as sentences, where the recipe has it."""
    if not recipe.metadata_text:
        return None
    return prepared.once("sentences", lambda: controls.metadata_space(prepared.interactions, prepared.encode))

"""What the fits of one arm read: its texts, its signals, and every interaction as an example. Without torch.

An arm is a model WITHOUT knowledge or WITH it, a control in the place of knowledge included (recipe.knowledge_source).
All that is asked of `recommender.signals` for a fit is asked here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples, build, leaking_rows
from recommender.dataset.histories import STREAMING
from recommender.dataset.texts import KnowledgeRows
from recommender.recipe import SIGNALS, TrainConfig
from recommender.runs.observer import WITH
from recommender.signals import controls, fitting, statement_texts
from recommender.signals.statement_match import Claims
from recommender.signals.tables import Tables
from recommender.training.prepare import Prepared, texts_of

Alive = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Of one arm. `known` and `examples` by history (dataset.histories); signals are fitted on the streaming one.

    `vectors`: (1 + texts, D) of the texts or of a control; None in an arm without knowledge. `without`: the tables
    without knowledge, for items whose text must not be seen; None there too. `gain`: of the statement match, 0 where it
    does not help; None where it was not asked for or no text says anything.
    """

    known: Mapping[str, KnowledgeRows]
    examples: Mapping[str, Examples]
    vectors: NDArray[np.float32] | None = None
    tables: Tables | None = None
    without: Tables | None = None
    claims: Claims | None = None
    gain: float | None = None

    def field(self, recipe: TrainConfig, history: str = STREAMING) -> NDArray[np.float32] | None:
        """The vectors (1 + texts and sets, D) that the knowledge adapter reads, where the arm has one."""
        if self.vectors is None or not recipe.knowledge_field:
            return None
        return self.known[history].with_sets(self.vectors)


def make_inputs(
    prepared: Prepared, recipe: TrainConfig, arm: str, *, histories: Iterable[str] = (STREAMING,), alive: Alive
) -> Inputs:
    """Fit the signals of an arm, from the recipe's seed, and give every interaction theirs, with each history.

    An arm WITH knowledge is one without where there is no text. Raises what `alive` raises.
    """
    informed = arm == WITH and bool(prepared.known.texts)
    known, examples = {}, {}
    for history in histories:
        rows = prepared.rows(history)
        known[history] = texts_of(recipe, prepared.known if informed else KnowledgeRows([]), rows)
        demographics = prepared.demographics if recipe.demographics else None
        examples[history] = build(rows, known[history], history=recipe.history, demographics=demographics)
    uninformed = {history: _uninformed(prepared, recipe, history, rows, alive) for history, rows in examples.items()}
    without = _tables(prepared, recipe, alive)
    if informed:
        return _informed(prepared, recipe, Inputs(known, uninformed, without=without), alive)
    return Inputs(known, uninformed, tables=without)


def _tables(prepared: Prepared, recipe: TrainConfig, alive: Alive) -> Tables | None:
    """Without knowledge, fitted once for all arms that have the same signals."""
    data, codes, sentences = prepared.interactions, prepared.codes, _sentences(prepared, recipe)
    return prepared.once(
        ("tables", *_decisive(recipe)),
        lambda: fitting.fit(data, codes, recipe, metadata_text=sentences, alive=alive),
    )


def _uninformed(prepared: Prepared, recipe: TrainConfig, history: str, rows: Examples, alive: Alive) -> Examples:
    """The rows with their signals without knowledge, which are read once for all arms that have the same."""
    tables = _tables(prepared, recipe, alive)
    key = "signals", history, *_decisive(recipe)
    return replace(rows, signals=prepared.once(key, lambda: fitting.join(rows, tables, alive=alive).signals))


def _informed(prepared: Prepared, recipe: TrainConfig, without: Inputs, alive: Alive) -> Inputs:
    """The signals of an arm with knowledge. `without`: its inputs with the signals of the arm without."""
    known, interactions, codes = without.known[STREAMING], prepared.interactions, prepared.codes
    vectors = controls.stand_in(
        recipe.knowledge_source, prepared.known, prepared.vectors, interactions, codes, prepared.encode
    )
    tables, examples = without.without, dict(without.examples)
    if recipe.knowledge_signal:
        space = controls.knowledge_space(recipe, known, vectors, interactions, codes)
        sentences = _sentences(prepared, recipe)
        tables = fitting.fit(interactions, codes, recipe, metadata_text=sentences, knowledge=space, alive=alive)
        for history, rows in examples.items():
            leaking = leaking_rows(rows, known)
            examples[history] = fitting.join(rows, tables, denied=leaking, instead=rows, alive=alive)
    meeting = statement_texts.prepare(recipe, known, vectors, interactions, prepared.encode)
    claims = statement_texts.fit(meeting, known, examples[STREAMING], codes)
    return replace(
        without,
        examples={history: statement_texts.join(rows, claims) for history, rows in examples.items()},
        vectors=vectors,
        tables=tables,
        claims=claims,
        gain=None if meeting is None else claims.gain if claims else 0.0,
    )


def _sentences(prepared: Prepared, recipe: TrainConfig) -> NDArray[np.float32] | None:
    """The space of the items' titles and attributes as sentences, where the recipe has it."""
    if not recipe.metadata_text:
        return None
    return prepared.once("sentences", lambda: controls.metadata_space(prepared.interactions, prepared.encode))


def _decisive(recipe: TrainConfig) -> tuple[object, ...]:
    """What decides the signals without knowledge."""
    return recipe.seed, *(getattr(recipe, name) for name in (*SIGNALS, "metadata_text"))

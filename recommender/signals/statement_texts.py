"""A run's texts taken apart into statements, and its items into facts, for signals.statement_match."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recommender.dataset.attributes import Attributes
from recommender.dataset.examples import Examples
from recommender.dataset.interactions import Interactions, trained_on
from recommender.dataset.numbering import NO_TEXT
from recommender.dataset.split import Codes
from recommender.dataset.texts import KnowledgeRows
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals import controls
from recommender.signals.controls import Encode, Vectors
from recommender.signals.statement_match import Asked, Claims, Meeting, Statements, meet
from recommender.signals.tables import fold_of

MOST_STATEMENTS = 64  # of one text
MOST_FACTS = 32  # of one item
_ENDS = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\s*\n+\s*")
_BULLET = re.compile(r"^(?:[-*•–]|\d+[.)])\s+")
_NO_STATEMENT = re.compile(r"\W*")


def prepare(
    config: TrainConfig, known: KnowledgeRows, vectors: Vectors, interactions: Interactions, encode: Encode
) -> Meeting | None:
    """Statements and facts, encoded. None where claims are switched off or no end user has a text that says anything.

    `vectors` (1 + texts, ·): what controls.stand_in made of the encoder's.
    """
    kinds = np.array([0, *(1 if text.kind == SubjectKind.END_USER else 2 for text in known.texts)])
    if not config.knowledge_claims or not (kinds == 1).any():
        return None
    said = _said(config.knowledge_source, known, vectors, interactions, encode)
    facts = [facts_of(title, attributes) for title, attributes in controls.described(interactions)]
    items = _statements([[each] for each in facts], encode).means(len(facts))[1:]
    item_texts = said.of(np.flatnonzero(kinds == 2)).means(len(known.texts))
    if items.shape[1] != item_texts.shape[1]:  # of no item anything is known
        items = np.zeros((len(items), item_texts.shape[1]), dtype=np.float32)
    return meet(said.of(np.flatnonzero(kinds == 1)), items, item_texts)


def fit(meeting: Meeting | None, known: KnowledgeRows, examples: Examples, codes: Codes) -> Claims | None:
    """What the train part teaches about the statements' stances, beside the signals that `examples` have by now."""
    if meeting is None:
        return None
    data = examples.interactions
    folds = [fold_of(data.end_users[text.subject]) if text.kind == SubjectKind.END_USER else 0 for text in known.texts]
    rows = np.flatnonzero(trained_on(data, codes) & (data.liked >= 0) & (examples.end_user_text != NO_TEXT))
    learned = Asked(examples.end_user_text[rows], data.item[rows], examples.item_text[rows])
    return meeting.fit(learned, data.liked[rows].astype(np.float64), examples.signals[rows], np.array([0, *folds]))


def join(examples: Examples, claims: Claims | None) -> Examples:
    """The examples with one more signal: what the text in force of the end user claims of the item."""
    if claims is None:
        return examples
    read = claims.read(Asked(examples.end_user_text, examples.interactions.item, examples.item_text))
    return replace(examples, signals=np.column_stack([examples.signals, read]))


def statements(text: str) -> list[str]:
    """Its sentences, clauses after a semicolon, and lines, without bullets; in order, at most MOST_STATEMENTS."""
    parts = (_BULLET.sub("", part.strip()) for part in _ENDS.split(text))
    return [part for part in parts if not _NO_STATEMENT.fullmatch(part)][:MOST_STATEMENTS]


def facts_of(title: str, attributes: Attributes) -> list[str]:
    """The title, and each value of each attribute with its name; at most MOST_FACTS."""
    facts = [title] if title else []
    for name, value in sorted(attributes.items()):
        values = value if isinstance(value, (list, tuple)) else [value]
        facts += [f"{name}: {one}" for one in values if one not in ("", None)]
    return facts[:MOST_FACTS]


def _said(
    source: str, known: KnowledgeRows, vectors: Vectors, interactions: Interactions, encode: Encode
) -> Statements:
    """What each text says, or what the control `source` puts in its place."""
    if source in ("numeric", "random"):  # no words: one statement each
        rows = np.arange(1, len(vectors))
        return Statements(_unit(vectors), rows, rows, np.ones(len(rows), dtype=np.float32))
    if source == "metadata":
        return _statements([[statements(one)] for one in controls.metadata_texts(known, interactions)], encode)
    drafts = [[statements(one) for one in (text.text, *(other for _, other in text.further))] for text in known.texts]
    if source == "shuffled":
        drafts = [drafts[row - 1] for row in controls.others(known.texts)[1:].tolist()]
    return _statements(drafts, encode)


def _statements(drafts: Sequence[Sequence[Sequence[str]]], encode: Encode) -> Statements:
    """Of each text its drafts, of each draft what it says."""
    number: dict[str, int] = {}
    said = [
        (text, number.setdefault(one, len(number)), 1 / len(several))
        for text, several in enumerate(drafts, start=1)
        for draft in several
        for one in draft
    ]
    text, statement, weight = zip(*said, strict=True) if said else ((), (), ())
    return Statements(
        _unit(controls.encoded(list(number), encode)),
        np.array(text, dtype=np.int64),
        np.array(statement, dtype=np.int64),
        np.array(weight, dtype=np.float32),
    )


def _unit(vectors: Vectors) -> Vectors:
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: Vectors = (vectors / np.where(size > 0, size, 1.0)).astype(np.float32)
    return made

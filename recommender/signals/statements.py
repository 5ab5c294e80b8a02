"""What texts say, statement by statement, as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.signals import controls
from recommender.signals.controls import Encode, Vectors

AT_ONCE = 65_536
Floats = NDArray[np.float64]
Ids = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Statements:
    """What texts say. Statement `statement[k]` is one of text `text[k]`, ascending; the first text is 1."""

    vectors: Vectors  # (m, E) of the different ones, length one
    text: Ids  # (p)
    statement: Ids  # (p)
    weight: Vectors  # (p), less than 1 where a text has several drafts

    def of(self, texts: Ids) -> "Statements":
        """Those of some texts (ascending) only."""
        kept = np.isin(self.text, texts)
        return Statements(self.vectors, self.text[kept], self.statement[kept], self.weight[kept])

    def means(self, texts: int) -> Vectors:
        """The mean vector of each text's statements, (1 + texts, E); zeros for one without any, as is row 0."""
        weight = np.bincount(self.text, weights=self.weight, minlength=1 + texts)
        means: Vectors = (self.sums(self.vectors, texts) / np.where(weight > 0, weight, 1.0)[:, None]).astype(
            np.float32
        )
        return means

    def sums(self, values: NDArray[np.floating[Any]], texts: int, share: Floats | None = None) -> Floats:
        """The sum over each text's statements of `values` (m, D), each times its weight and its `share` (p)."""
        weight = self.weight if share is None else self.weight * share
        total = np.zeros((1 + texts, values.shape[1]))
        for first in range(0, len(self.text), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            np.add.at(total, self.text[some], weight[some, None] * values[self.statement[some]])
        return total


def of_drafts(drafts: Sequence[Sequence[Sequence[str]]], encode: Encode) -> Statements:
    """Encode the statements of each text's drafts; several drafts share the weight of one."""
    number: dict[str, int] = {}
    said = [
        (text, number.setdefault(statement, len(number)), 1 / len(several))
        for text, several in enumerate(drafts, start=1)
        for draft in several
        for statement in draft
    ]
    text, statement, weight = zip(*said, strict=True) if said else ((), (), ())
    return Statements(
        unit(controls.encoded(list(number), encode)),
        np.array(text, dtype=np.int64),
        np.array(statement, dtype=np.int64),
        np.array(weight, dtype=np.float32),
    )


def of_vectors(vectors: Vectors) -> Statements:
    """Each text's vector (1 + texts, E) as its only statement: what has no words, such as a control of numbers."""
    rows = np.arange(1, len(vectors))
    return Statements(unit(vectors), rows, rows, np.ones(len(rows), dtype=np.float32))


def unit(vectors: Vectors) -> Vectors:
    """Rows of length one; zeros stay."""
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: Vectors = (vectors / np.where(size > 0, size, 1.0)).astype(np.float32)
    return made

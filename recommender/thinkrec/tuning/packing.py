"""Rows as one sequence of tokens in which what a row begins with like the one before it is there once. No torch.

Each token sees those that came before it in its own rows alone, at the position it has in them, so that every row
computes what it would by itself (tree attention: Miao et al., SpecInfer, ASPLOS 2024). Nothing is padded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from recommender.thinkrec.tuning.encoding import Encoded
from recommender.thinkrec.tuning.rows import Entity


@dataclass(frozen=True, slots=True)
class Packed:
    """`seen` (t, t): which tokens each token sees. `predicts`: of each row, the places whose logits predict its answer.
    `entities`: the places that vectors replace, with whose."""

    tokens: list[int]
    positions: list[int]
    seen: NDArray[np.bool_]
    predicts: list[list[int]]
    entities: list[tuple[int, Entity]]

    def __len__(self) -> int:
        return len(self.tokens)


def packed(rows: Sequence[Encoded], answers: Sequence[Sequence[int]]) -> Packed:
    """Rows with the answers that they learn: all their tokens, or the first alone."""
    tokens: list[int] = []
    positions: list[int] = []
    predicts, entities, spans = [], [], []
    before: list[object] = []
    path: list[int] = []  # the places of the row's tokens
    for row, answer in zip(rows, answers, strict=True):
        whole = [*row.prompt, *answer[:-1]]  # the last token predicts nothing
        told: list[object] = [*whole]
        for at, entity in row.places:
            told[at] = entity  # equal tokens may stand for different vectors
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, told, strict=False)))
        first = len(tokens)
        path = [*path[:same], *range(first, first + len(whole) - same)]
        spans.append((first, np.array(path[:same], dtype=np.int64)))
        tokens += whole[same:]
        positions += range(same, len(whole))
        entities += [(path[at], entity) for at, entity in row.places if at >= same]
        predicts.append(path[len(row.prompt) - 1 :])
        before = told
    seen = np.zeros((len(tokens), len(tokens)), dtype=np.bool_)
    ends = [*(first for first, _ in spans[1:]), len(tokens)]
    for (first, shared), end in zip(spans, ends, strict=True):
        seen[first:end, shared] = True
        seen[first:end, first:end] = np.tri(end - first, dtype=np.bool_)
    return Packed(tokens, positions, seen, predicts, entities)

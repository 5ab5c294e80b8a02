"""Item spaces: what is known of items beside who liked them, as dense vectors. Numpy only.

A space says which items resemble each other: by their attributes, by numbers among these, or by reviewed texts.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.dataset import attributes
from recommender.dataset.texts import KnowledgeRows

MOST_DIMENSIONS = 128
DIMENSIONS_WITH_WORDS = 64  # of the space of texts; more follow what only few texts have in common
MOST_TOKENS = 512
BUCKET = 0.25  # radians from one bucket of a number to the next: all of them lie on less than half a circle
Space = NDArray[np.float32]  # (v, D): rows of length one, zeros where nothing is known of an item


def of_attributes(item_tokens: NDArray[np.int32]) -> Space:
    """The space of attribute tokens (v, T), 0 = padding: the commonest ones, the same weight each within its item."""
    times = np.bincount(item_tokens.ravel())
    times[0] = 0
    chosen = np.argsort(-times, kind="stable")[: min(MOST_TOKENS, int((times > 0).sum()) or 1)]
    column = np.zeros(len(times), dtype=np.int64)
    column[chosen] = np.arange(1, len(chosen) + 1)
    column[0] = 0
    bags = np.zeros((len(item_tokens), len(chosen) + 1), dtype=np.float32)
    np.put_along_axis(bags, column[item_tokens], 1.0, axis=1)
    return of_vectors(bags[:, 1:])


def of_numbers(item_tokens: NDArray[np.int32], tokens: Sequence[str]) -> Space:
    """The space of the items' numbers (v, 2 for each), from their buckets among the attribute tokens (v, T).

    Every number is a place on an arc of its own, so that neighbouring buckets are near each other and far ones are
    not; the space of attributes takes two years for as different as two countries. Zeros where no number is known.
    """
    found = [attributes.bucket(token) for token in tokens]
    names = sorted({one[0] for one in found if one})
    space = np.zeros((len(item_tokens), 2 * len(names)), dtype=np.float32)
    for token, one in enumerate(found, start=1):
        if one:
            there, first = np.any(item_tokens == token, axis=1), 2 * names.index(one[0])
            space[there, first : first + 2] = np.cos(BUCKET * one[1]), np.sin(BUCKET * one[1])
    length = np.linalg.norm(space, axis=1, keepdims=True)
    space /= np.where(length > 0, length, 1.0)
    return space


def of_vectors(vectors: NDArray[np.float32], *, most: int = MOST_DIMENSIONS) -> Space:
    """The space of encoded texts (v, D), zero rows = no text: centred, its widest directions, length one."""
    size = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = size[:, 0] > 0
    space = np.zeros((len(vectors), min(most, vectors.shape[1])), dtype=np.float32)
    if known.sum() < 2:
        return space
    centred = (vectors / np.where(size > 0, size, 1.0))[known].astype(np.float64)
    centred -= centred.mean(axis=0)
    turned = centred @ widest(centred, space.shape[1])
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    space[known] = turned / np.where(length > 1e-12, length, 1.0)
    return space


def of_texts(
    known: KnowledgeRows, vectors: NDArray[np.float32], items: int, *, words: NDArray[np.float32] | None = None
) -> Space:
    """The space of the items' newest texts (v, D), from the encoder's vectors (1 + texts, ·) of them.

    With the vectors of their `words` as well, two texts are near each other in equal parts by meaning and by wording.
    """
    rows = known.newest_of_items(items)
    if words is None:
        return of_vectors(vectors[rows])
    return of_vectors(np.hstack([of_vectors(each[rows]) for each in (vectors, words)]), most=DIMENSIONS_WITH_WORDS)


def widest(centred: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The directions (D, most or D) in which rows (n, D) around zero differ most, widest first."""
    values, directions = np.linalg.eigh(centred.T @ centred)
    kept: NDArray[np.float64] = directions[:, np.argsort(-values)[:most]]
    return kept

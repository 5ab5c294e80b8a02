"""Learning what statements about an item bear on a like: the stance of each statement, from the train part.

A statement and a fact meet in the dot product of their vectors: how much the one is about the other. What the statement
makes of it (loves, avoids, does not mind) is its stance, linear in the widest directions in which statements differ.
Stances come from a ridge regression of likes on the other signals and the meetings, out of fold over end users.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from recommender.signals.controls import Vectors
from recommender.signals.folds import FOLDS
from recommender.signals.spaces import widest
from recommender.signals.statements import Floats, Ids, Statements

DIRECTIONS = 64  # of each side's facts
STANCES = 16  # directions of the statements that a stance is linear in, beside a constant
PENALTIES = (10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4)  # of stances, in rows; the train part decides
LEAST_GAIN = 1e-3  # share of the error that stances must take away: less may be luck
SCALE = 8.0  # brings a match, a share of a like, to the size of the other signals


@dataclass(frozen=True, slots=True)
class Asked:
    """Interactions (n) to learn from or to be read: what each sees of whom."""

    end_user_text: Ids  # 0: none
    item: Ids
    item_text: Ids  # 0: none


@dataclass(frozen=True, slots=True)
class Learned:
    """Stances folded in: each text (1 + texts, 2 D) meets the facts of an item and those of a text about it (D each).

    `gain`: share of the squared error of other end users' likes that they take away beside the other signals.
    """

    wants: Vectors
    gain: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """Statements and facts in the directions they share, before anything is learned."""

    said: Statements  # of the end users' texts
    stance: Floats  # (m, 1 + STANCES)
    about: Vectors  # (m, 2 D)
    items: Vectors  # (v, D)
    item_texts: Vectors  # (1 + texts, D)

    def fit(self, asked: Asked, liked: Floats, other_signals: Vectors, fold_of_text: Ids) -> Learned | None:
        """Learn stances from the train part's rows that have a text; None where they do not help.

        `liked` (n) 0 or 1; `other_signals` (n, F): what those say of each row; `fold_of_text` (1 + texts): the fold of
        each text's end user.
        """
        plain = 1 + other_signals.shape[1]
        width = plain + 2 * self.stance.shape[1]
        moments = np.zeros((FOLDS, width + 1, width + 1))  # of the columns and, last, the like
        for text, own, met in self._met(asked):
            columns = np.column_stack([np.ones(len(own)), other_signals[own], met, liked[own]])
            moments[fold_of_text[text]] += columns.T @ columns
        size = np.sqrt(np.diagonal(moments.sum(axis=0)) / max(1.0, moments[:, 0, 0].sum()))
        size[[0, -1]] = 1.0
        size = np.where(size > 0, size, 1.0)
        moments /= size[:, None] * size
        alone = [*range(plain), width]
        without, _ = _error(moments[:, alone][..., alone], 0)
        best, least = None, (1 - LEAST_GAIN) * without
        for penalty in PENALTIES:
            error, weights = _error(moments, penalty, free=plain)
            if error < least:
                best, least = weights / size[:-1], error
        return None if best is None else self._folded(best[:, plain:], fold_of_text, gain=1 - least / without)

    def _met(self, asked: Asked) -> Iterator[tuple[int, Ids, Floats]]:
        """Each text, its rows, and for these the sums over its statements of stance columns · meeting, by side."""
        kinds, half = self.stance.shape[1], self.items.shape[1]
        texts = np.where(asked.end_user_text < len(self.item_texts), asked.end_user_text, 0)
        order = np.argsort(texts, kind="stable")
        order = order[texts[order] > 0]
        edges = np.flatnonzero(np.r_[True, np.diff(texts[order]) > 0, True]) if len(order) else np.zeros(1, np.int64)
        for first, last in pairwise(edges.tolist()):
            own = order[first:last]
            text = int(texts[own[0]])
            said = slice(*np.searchsorted(self.said.text, [text, text + 1]))
            statements = self.said.statement[said]
            sums = (self.stance[statements] * self.said.weight[said, None]).T @ self.about[statements]
            met = np.empty((len(own), 2 * kinds))
            met[:, :kinds] = self.items[asked.item[own]] @ sums[:, :half].T
            met[:, kinds:] = self.item_texts[asked.item_text[own]] @ sums[:, half:].T
            yield text, own, met

    def _folded(self, weights: Floats, fold_of_text: Ids, *, gain: float) -> Learned:
        """`weights`: (folds, 2 · stance columns)."""
        kinds, half = self.stance.shape[1], self.items.shape[1]
        wants = []
        for learned, about in ((weights[:, :kinds], self.about[:, :half]), (weights[:, kinds:], self.about[:, half:])):
            taken = (self.stance @ learned.T)[self.said.statement, fold_of_text[self.said.text]]
            wants.append(self.said.sums(about, len(self.item_texts) - 1, share=SCALE * taken))
        return Learned(np.hstack(wants).astype(np.float32), gain)


def meet(said: Statements, items: Vectors, item_texts: Vectors) -> Meeting | None:
    """`said`: by the end users' texts. `items` (v, E): the mean of each item's facts; `item_texts` (1 + texts, E): of
    the statements of each text about an item; zero rows: nothing is known. None where too little is said to compare.
    """
    used = np.unique(said.statement)
    if len(used) < 2:
        return None
    centred = said.vectors.astype(np.float64) - said.vectors[used].mean(axis=0)
    turned = centred @ widest(centred[used], STANCES)
    turned /= np.maximum(turned[used].std(axis=0), 1e-6)
    sides = [_side(facts) for facts in (items, item_texts)]
    about = np.hstack([centred @ directions for _, directions in sides]).astype(np.float32)
    return Meeting(said, np.hstack([np.ones((len(turned), 1)), turned]), about, sides[0][0], sides[1][0])


def _side(facts: Vectors) -> tuple[Vectors, Floats]:
    """Facts (n, E) less what they have in common, length one, in their widest directions (E, D); and those."""
    known = np.any(facts, axis=1)
    made = np.zeros((len(facts), min(DIRECTIONS, facts.shape[1])), dtype=np.float32)
    if known.sum() < 2:
        return made, np.zeros((facts.shape[1], made.shape[1]))
    centred = facts[known].astype(np.float64)
    centred -= centred.mean(axis=0)
    directions = widest(centred, made.shape[1])
    turned = centred @ directions
    length = np.linalg.norm(turned, axis=1, keepdims=True)
    made[known] = turned / np.where(length > 1e-6, length, 1.0)
    return made, directions


def _error(moments: Floats, penalty: float, *, free: int = 0) -> tuple[float, Floats]:
    """Squared error of every fold by the weights (folds, F) of all others, from second moments (folds, F + 1, F + 1).

    The first `free` columns bear hardly any penalty.
    """
    width = moments.shape[1] - 1
    ridge = np.diag(np.where(np.arange(width) < free, 1e-3, penalty) + 1e-6)
    total, error, weights = moments.sum(axis=0), 0.0, np.zeros((len(moments), width))
    for fold, own in enumerate(moments):
        rest = total - own
        weights[fold] = np.linalg.solve(rest[:-1, :-1] + ridge, rest[:-1, -1])
        signed = np.r_[weights[fold], -1.0]
        error += float(signed @ own @ signed)
    return error, weights

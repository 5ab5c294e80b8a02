"""What an end user's text says of an item: each of its statements held against what is known of the item.

A statement and a fact meet in the dot product of their vectors: how much the one is about the other. What the statement
makes of it (loves, avoids, does not mind) is its stance, linear in the widest directions in which statements differ and
learned from likes. The claim is the sum of stance · meeting over the statements of a text; that is bilinear, so a text
folds to one vector and an item to another, whatever was said. Facts are an item's title and attributes on one side, the
statements of its text in force on the other.

Stances come from a ridge regression of likes on the other signals and the meetings, out of fold over end users
(signals.tables); where they foretell the likes of other end users no better there are no claims.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.signals.spaces import widest
from recommender.signals.tables import FOLDS

DIRECTIONS = 64  # of each side's facts
STANCES = 16  # directions of the statements that a stance is linear in, beside a constant
PENALTIES = (10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4)  # of stances, in rows; the train part decides
LEAST_GAIN = 1e-3  # share of the error that claims must take away: less may be luck
AT_ONCE = 65_536
SCALE = 8.0  # brings a claim, a share of a like, to the size of the other signals
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Interactions (n) to learn from or to be read: what each sees of whom."""

    end_user_text: Ids  # 0: none
    item: Ids
    item_text: Ids  # 0: none


@dataclass(frozen=True, slots=True)
class Claims:
    """Stances folded in: the claim of text t about item i is wants[t] · (items[i], item_texts[text of i])."""

    wants: Vectors  # (1 + texts, 2 D)
    items: Vectors  # (v, D)
    item_texts: Vectors  # (1 + texts, D)
    gain: float  # share of the squared error of other end users' likes that they take away beside the other signals

    def read(self, asked: Asked) -> Vectors:
        """The claims (n); 0 without a text. Rows past the last text are sets of items' texts: they claim nothing."""
        known = np.where(asked.end_user_text < len(self.wants), asked.end_user_text, 0)
        claims = np.zeros(len(known), dtype=np.float32)
        for first in range(0, len(known), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            facts = np.hstack([self.items[asked.item[some]], self.item_texts[asked.item_text[some]]])
            claims[some] = np.einsum("nw,nw->n", self.wants[known[some]], facts)
        return claims

    def served(self, end_user_texts: Sequence[int], item_texts: Ids) -> "Served":
        """As serving needs them. `end_user_texts`: of those it knows; `item_texts` (v): each item's newest, 0: none."""
        known = [row if row < len(self.wants) else 0 for row in [0, *end_user_texts]]
        facts = np.hstack([self.items, self.item_texts[item_texts]])
        return Served(self.wants[known], np.vstack([facts, np.zeros((1, facts.shape[1]), np.float32)]))


@dataclass(frozen=True, slots=True)
class Served:
    """Row 0 of the end users has no text, the last of the items is one nobody knows."""

    end_users: Vectors  # (1 + end users with knowledge, W)
    items: Vectors  # (v + 1, W)

    def of(self, end_user: int, items: Ids) -> Vectors:
        """What the text of the end user in that row claims of each item, (items)."""
        claims: Vectors = self.items[items] @ self.end_users[end_user]
        return claims

    def save(self, folder: Path) -> None:
        np.save(folder / "claims_end_users.npy", self.end_users)
        np.save(folder / "claims_items.npy", self.items)

    @classmethod
    def load(cls, folder: Path) -> "Served":
        """The end users' part, which may be large, stays on disk."""
        return cls(np.load(folder / "claims_end_users.npy", mmap_mode="r"), np.load(folder / "claims_items.npy"))


@dataclass(frozen=True, slots=True)
class Meeting:
    """Statements and facts in the directions they share, before anything is learned."""

    said: Statements  # of the end users' texts
    stance: Floats  # (m, 1 + STANCES)
    about: Vectors  # (m, 2 D)
    items: Vectors  # (v, D)
    item_texts: Vectors  # (1 + texts, D)

    def fit(self, asked: Asked, liked: Floats, others: Vectors, fold_of_text: Ids) -> Claims | None:
        """Learn stances from the train part's rows that have a text; None where they do not help.

        `liked` (n) 0 or 1; `others` (n, F): what the other signals say of each row; `fold_of_text` (1 + texts): the
        fold of each text's end user.
        """
        plain = 1 + others.shape[1]
        width = plain + 2 * self.stance.shape[1]
        moments = np.zeros((FOLDS, width + 1, width + 1))  # of the columns and, last, the like
        for text, own, met in self._met(asked):
            columns = np.column_stack([np.ones(len(own)), others[own], met, liked[own]])
            moments[fold_of_text[text]] += columns.T @ columns
        size = np.sqrt(np.diagonal(moments.sum(axis=0)) / max(1.0, moments[:, 0, 0].sum()))
        size[[0, -1]] = 1.0
        size = np.where(size > 0, size, 1.0)
        moments /= size[:, None] * size
        others_alone = [*range(plain), width]
        without, _ = _error(moments[:, others_alone][..., others_alone], 0)
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

    def _folded(self, weights: Floats, fold_of_text: Ids, *, gain: float) -> Claims:
        """`weights`: (folds, 2 · stance columns)."""
        kinds, half = self.stance.shape[1], self.items.shape[1]
        wants = []
        for learned, about in ((weights[:, :kinds], self.about[:, :half]), (weights[:, kinds:], self.about[:, half:])):
            taken = (self.stance @ learned.T)[self.said.statement, fold_of_text[self.said.text]]
            wants.append(self.said.sums(about, len(self.item_texts) - 1, share=SCALE * taken))
        return Claims(np.hstack(wants).astype(np.float32), self.items, self.item_texts, gain)


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

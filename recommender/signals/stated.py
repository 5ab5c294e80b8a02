"""Statements about end users: what a text says is liked raises what meets it, what is disliked lowers it.

They are no input of the backbone. They move its calibrated logit by an offset whose signs are fixed: two columns, of
what is liked (0 or more) and of what is disliked (0 or less), times two weights that are never below 0. A weight starts
from a prior, for statements that a person said or approved; it grows where likes bear that out beyond chance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.dataset.texts import KnowledgeRows, Text
from recommender.grounding import reader
from recommender.models import SubjectKind
from recommender.recipe import KNOWLEDGE
from recommender.signals import controls
from recommender.signals.folds import FOLDS, fold_of
from recommender.statements.aspects import CatalogAspects
from recommender.statements.queries import OPINIONS, Opinion

BY_PERSON, BY_MODEL = 2.0, 0.6  # logits of a statement at full strength that a person said, and of one they approved
AVOIDED = 1.25  # what is disliked weighs more: a list that shows it once has not listened
MOST = 4.0  # logits that all statements may move one item
SPREAD = 1.0  # of a weight before anything is learned, in logits
CHANCE = 0.04  # of texts of other people that would do as well: above, nothing is learned
EXCHANGES = 999  # of texts among end users that the chance is counted over
ASKED = 1000  # end users at most that texts are exchanged among
SEED = 3
Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Rows = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, in logits of a statement at full strength; 0: nothing.

    With `priors` no statement moves less than people's word and approval are worth.
    """

    liked: float = 0.0
    disliked: float = 0.0
    priors: bool = True

    def of(self, *, likes: bool, by_person: bool) -> float:
        """Logits of a statement at full strength: above 0 for a like, below for a dislike, or 0."""
        prior = (BY_PERSON if by_person else BY_MODEL) if self.priors else 0.0
        return max(prior, self.liked) if likes else -max(AVOIDED * prior, self.disliked)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["liked"], data["disliked"])


@dataclass(frozen=True, slots=True)
class Learned:
    """`chance`: how often other people's texts did as well; above CHANCE the weights are 0.

    `gain`: share of the log loss that the weights take away, out of fold over the `end_users` who have a text.
    """

    weights: Weights
    chance: float
    gain: float
    end_users: int

    def to_json(self) -> dict[str, Any]:
        numbers = {"liked": self.weights.liked, "disliked": self.weights.disliked, "p": self.chance, "gain": self.gain}
        return {name: round(number, 4) for name, number in numbers.items()} | {"end_users": self.end_users}


@dataclass(frozen=True, slots=True)
class Held:
    """An opinion held against the items: those at `places` meet its aspect. `strength`: times its weight."""

    places: Places
    likes: bool
    strength: float
    by_person: bool


@dataclass(frozen=True, slots=True)
class Stated:
    """What each text says, held against `items` (v)."""

    held: Sequence[Sequence[Held]]  # of each row of the vectors (1 + texts)
    texts_of: Mapping[int, Sequence[int]]  # rows of each end user's texts, oldest first
    items: int

    def columns(self, text: int) -> Floats:
        """Of every item (v, 2): the strengths of what it meets that is liked, and less those of what is disliked."""
        total = np.zeros((self.items, 2))
        for one in self._held(text):
            total[one.places, 0 if one.likes else 1] += one.strength if one.likes else -one.strength
        return total

    def offset(self, text: int, weights: Weights) -> Floats:
        """What is added to the logit of every item (v)."""
        total = np.zeros(self.items)
        for one in self._held(text):
            total[one.places] += one.strength * weights.of(likes=one.likes, by_person=one.by_person)
        return bounded(total)

    def offsets(self, texts: Rows, items: Rows, weights: Weights) -> Floats:
        """The same of rows (n) that see these texts, 0 without one."""
        return self._of_rows(texts, items, lambda text: self.offset(text, weights), np.zeros(len(texts)))

    def columns_of(self, texts: Rows, items: Rows) -> Floats:
        """The columns of rows (n, 2)."""
        return self._of_rows(texts, items, self.columns, np.zeros((len(texts), 2)))

    def _held(self, text: int) -> Sequence[Held]:
        """A row past the last text is a set of items' texts: it says nothing."""
        return self.held[text] if text < len(self.held) else ()

    def _of_rows(self, texts: Rows, items: Rows, read: Callable[[int], Floats], made: Floats) -> Floats:
        order = np.argsort(texts, kind="stable")
        edges = np.flatnonzero(np.r_[True, np.diff(texts[order]) != 0, True]) if len(order) else np.zeros(1, np.int64)
        for first, last in pairwise(edges.tolist()):
            own = order[first:last]
            if self._held(text := int(texts[own[0]])):
                made[own] = read(text)[items[own]]
        return made


def bounded(offset: Floats) -> Floats:
    """Statements together never outweigh everything else that is known."""
    return np.clip(offset, -MOST, MOST)


def moved(probability: Floats, offset: Floats) -> Floats:
    """Probabilities after the offsets of their logits; those that nothing moves stay to the last digit."""
    odds = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.where(offset != 0, 1 / (1 + np.exp(-(np.log(odds / (1 - odds)) + offset))), probability)


def aspects_of(interactions: Interactions) -> CatalogAspects:
    """What is known of the items, in the order of their numbers."""
    titles, attributes = zip(*controls.described(interactions), strict=True) if interactions.items else ((), ())
    return CatalogAspects.of(range(len(interactions.items)), interactions.items, titles, attributes)


def hold(known: KnowledgeRows, aspects: CatalogAspects, *, source: str = KNOWLEDGE) -> Stated | None:
    """Hold what the end users' texts say against the items; None where they say nothing of any.

    `source`: a control in the place of knowledge (signals.controls). Only other subjects' texts say anything.
    """
    texts = list(known.texts)
    if source not in (KNOWLEDGE, "shuffled"):
        return None
    if source == "shuffled":
        texts = [known.texts[row - 1] for row in controls.of_other_subjects(known.texts)[1:].tolist()]
    meeting: dict[str, Places] = {}
    held: list[list[Held]] = [[]]
    texts_of: dict[int, list[int]] = {}
    for row, (text, own) in enumerate(zip(texts, known.texts, strict=True), start=1):
        held.append([])
        if own.kind == SubjectKind.END_USER:
            texts_of.setdefault(own.subject, []).append(row)
            for opinion in _opinions(text, aspects):
                said = opinion.said
                if said.key not in meeting:
                    meeting[said.key] = aspects.meeting(said.aspect)
                if len(places := meeting[said.key]):
                    strength = said.strength * opinion.weight
                    held[-1].append(Held(places, said.polarity == "likes", strength, opinion.by_person))
    for rows in texts_of.values():
        rows.sort(key=lambda row: known.texts[row - 1].as_of)
    return Stated(held, texts_of, len(aspects.external_ids)) if any(held) else None


def _opinions(text: Text, aspects: CatalogAspects) -> Sequence[Opinion]:
    if text.opinions is not None:
        return text.opinions
    drafts = [text.text, *(draft for _, draft in text.further)]
    return [
        Opinion(said, weight=1 / len(drafts))
        for draft in drafts
        for said in reader.read(draft, aspects.lexicon, about="end_user")
        if said.holder == "subject" and said.polarity in OPINIONS
    ]


@dataclass(frozen=True, slots=True)
class Answered:
    """Labelled rows (n) that see a text of their end user, and what the backbone says of them without it."""

    end_user: Rows
    text: Rows
    item: Rows
    logit: Floats
    liked: Floats  # 1 or 0

    @property
    def residual(self) -> Floats:
        return self.liked - 1 / (1 + np.exp(-self.logit))


def learn(stated: Stated, rows: Answered, end_users: Sequence[str]) -> Learned:
    """The weights that the rows ask for, where hardly any texts of other people would do as well.

    `end_users`: external ids of all.
    """
    columns = stated.columns_of(rows.text, rows.item)
    said = columns.any(axis=1)
    p = chance(exchanged(stated, rows))
    weights, gain = np.zeros(2), 0.0
    if p <= CHANCE:
        weights = fit_weights(columns[said], rows.logit[said], rows.liked[said])
        folds = np.array([fold_of(name) for name in end_users])[rows.end_user]
        after = np.zeros(len(columns))
        for fold in range(FOLDS):
            own = folds == fold
            rest = said & ~own
            after[own] = columns[own] @ fit_weights(columns[rest], rows.logit[rest], rows.liked[rest])
        gain = 1 - loss(rows.logit + after, rows.liked) / loss(rows.logit, rows.liked)
    return Learned(Weights(float(weights[0]), float(weights[1])), p, gain, len(np.unique(rows.end_user)))


def exchanged(stated: Stated, rows: Answered) -> Floats:
    """What each one's texts (u) would say of each one's residuals (u): the sum of residual · match, (u, u).

    Of who has several texts the first stands for the first, and so on. At most ASKED end users, always the same ones.
    """
    everybody = np.unique(rows.end_user)
    asked = np.sort(np.random.default_rng(SEED).permutation(everybody)[:ASKED])
    kept = np.isin(rows.end_user, asked)
    owner = np.searchsorted(asked, rows.end_user[kept])
    items, item = np.unique(rows.item[kept], return_inverse=True)
    text, residual = rows.text[kept], rows.residual[kept]
    own = [stated.texts_of[end_user] for end_user in asked.tolist()]
    number = {row: place for texts in own for place, row in enumerate(texts)}
    turn = np.array([number[row] for row in text.tolist()], dtype=np.int64)
    total = np.zeros((len(asked), len(asked)))
    for each in np.unique(turn).tolist():
        here = turn == each
        sums = np.bincount(item[here] * len(asked) + owner[here], residual[here], minlength=len(items) * len(asked))
        match = np.stack([stated.columns(texts[min(each, len(texts) - 1)])[items] for texts in own]) @ [1.0, AVOIDED]
        total += match @ sums.reshape(len(items), len(asked))
    return total


def chance(sums: Floats, *, exchanges: int = EXCHANGES, seed: int = SEED) -> float:
    """How often texts dealt at random say at least as much as everybody's own: the exact p of a permutation test.

    `sums` (u, u): `exchanged`. The deal that was made counts as one of them, so that p is never too small.
    """
    draw, everybody = np.random.default_rng(seed), np.arange(len(sums))
    dealt = np.array([sums[draw.permutation(len(sums)), everybody].sum() for _ in range(exchanges)])
    own = sums[everybody, everybody].sum()
    return float((1 + np.count_nonzero(dealt >= own - 1e-9 * (1 + abs(own)))) / (1 + exchanges))


def fit_weights(columns: Floats, logit: Floats, liked: Floats) -> Floats:
    """Weights (F) of columns (n, F), none below 0, by logistic regression beside fixed logits.

    They are pulled to 0 as SPREAD says. One weight after the other, a Newton step each: the loss is convex.
    """
    weights = np.zeros(columns.shape[1])
    for _ in range(50):
        before = weights.copy()
        for place, column in enumerate(columns.T):
            p = 1 / (1 + np.exp(-(logit + columns @ weights)))
            slope = column @ (p - liked) + weights[place] / SPREAD**2
            bend = (column * column) @ (p * (1 - p)) + 1 / SPREAD**2
            weights[place] = max(0.0, weights[place] - slope / bend)
        if np.abs(weights - before).max() < 1e-6:
            break
    return weights


def loss(logit: Floats, liked: Floats) -> float:
    """The log loss of logits (n)."""
    return float(np.mean(np.logaddexp(0, logit) - liked * logit))

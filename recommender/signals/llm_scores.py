"""An LLM's scores: what a model answered about an item moves the backbone's logit, where likes bear that out.

ThinkRec's score (arXiv 2505.15091; METHODS.md 2.8) is no input of the backbone. Scores of the valid part, which neither
model was trained on, teach one weight that is never below 0; a score above their mean then raises an item, one below
lowers it, and an item without a score stays where it is. Training, evaluation and serving share this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.interactions import Interactions
from recommender.dataset.named import spelled
from recommender.dataset.split import Rows
from recommender.models import Catalog, RunState, ScoredRating, ScoringRun
from recommender.recipe import TrainConfig
from recommender.signals.folds import FOLDS, fold_of
from recommender.signals.stated import BY_PERSON, CHANCE, EXCHANGES, Floats, fit_weights, loss

MOST = BY_PERSON  # logits: no model's answer outweighs one thing that a person said
SEED = 3
Numbers = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Blend:
    """How far scores of one scorer move logits: `weight` for each standard deviation (`spread`) above the `centre`."""

    scorer: str = ""
    weight: float = 0.0
    centre: float = 0.0
    spread: float = 1.0

    def offset(self, score: Floats) -> Floats:
        """What is added to the logits of items with these scores (n); 0 where there is none (NaN)."""
        moved = np.clip(self.weight * (score - self.centre) / self.spread, -MOST, MOST)
        return np.where(np.isnan(score), 0.0, moved)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(*(data[name] for name in ("scorer", "weight", "centre", "spread")))


@dataclass(frozen=True, slots=True)
class Learned:
    """`chance`: how often scores that were dealt anew did as well; `gain`: the share of the log loss that the weight
    takes away, out of fold over end users. With a chance above CHANCE, or without a gain, the weight is 0.
    """

    blend: Blend
    model: str
    chance: float
    gain: float
    ratings: int
    end_users: int

    def to_json(self) -> dict[str, Any]:
        numbers = {"p": round(self.chance, 4), "gain": round(self.gain, 5)}
        return asdict(self.blend) | {"model": self.model} | numbers | {"ratings": self.ratings, "users": self.end_users}


@dataclass(frozen=True)
class Scores:
    """What a scorer said (s): of whom, of which item, and from which moment on that counts.

    `with_preference`: it was shown what people approved about the end user.
    """

    scorer: str
    model: str
    with_preference: bool
    end_user: Numbers
    item: Numbers
    as_of: NDArray[np.int64]
    score: Floats
    _order: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_order", np.lexsort((self.as_of, self.item, self.end_user)))

    @property
    def told(self) -> str:
        """Which scorer and how many scores, for what stands on them."""
        return f"{self.scorer} {len(self.score)}"

    def of(self, interactions: Interactions, rows: Rows) -> Floats:
        """The latest score of each row (n) that was made from a history up to its moment at most; NaN without one."""
        moments = np.unique(self.as_of)

        def place(end_user: Numbers, item: Numbers, turn: Numbers) -> Rows:
            pair = end_user.astype(np.int64) * len(interactions.items) + item
            return pair * (len(moments) + 1) + turn

        known = place(self.end_user, self.item, 1 + np.searchsorted(moments, self.as_of))[self._order]
        asked = interactions.end_user[rows], interactions.item[rows]
        at = np.searchsorted(moments, interactions.moment[rows], side="right")
        found = np.searchsorted(known, place(*asked, at), side="right") - 1
        there = (found >= 0) & (known[found] >= place(*asked, np.zeros_like(at))) if len(known) else at < 0
        said = np.full(len(rows), np.nan)
        said[there] = self.score[self._order][found[there]]
        return said


def read(catalog: Catalog, interactions: Interactions, recipe: TrainConfig) -> Scores | None:
    """What the latest scoring run of the recipe's split said of ratings, all that its scorer said included.

    None without one. A scorer is out of sample for one split: an LLM tuned on the train part of another may know the
    answers to this one's valid part (thinkrec.scoring.config.scorer_of).
    """
    if recipe.fold:  # scoring runs know no other folds
        return None
    split = spelled(recipe.split, recipe.cuts)
    runs = ScoringRun.objects.filter(catalog=catalog, state=RunState.DONE, config__split=split)
    run = next((run for run in runs.order_by("-pk") if run.metrics.get("scorer")), None)
    if run is None:
        return None
    scorer = run.metrics["scorer"]
    rows = ScoredRating.objects.filter(scorer=scorer, end_user__catalog=catalog).order_by("pk")
    columns = rows.values_list("end_user_id", "item_id", "as_of", "score").iterator(chunk_size=5000)
    people, things = interactions.end_user_keys, interactions.item_keys
    kept = [(people[who], things[what], *said) for who, what, *said in columns if who in people and what in things]
    if not kept:
        return None
    end_user, item, as_of, score = (np.array(column) for column in zip(*kept, strict=True))
    with_preference = bool(run.config.get("preference"))
    return Scores(scorer, run.metrics["model"], with_preference, end_user, item, as_of, score.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Answered:
    """Labelled rows (n) that have a score, and what is said of each without it."""

    end_user: Numbers
    item: Numbers
    score: Floats
    logit: Floats
    liked: Floats  # 1 or 0


def learn(scores: Scores, rows: Answered, end_users: Sequence[str]) -> Learned:
    """The weight that the rows ask for, where hardly any scores dealt anew would do as well, and others bear it out.

    `end_users`: external ids of all.
    """
    centre, spread = (float(rows.score.mean()), float(rows.score.std())) if len(rows.score) else (0.0, 0.0)
    people = len(np.unique(rows.end_user))
    if people < 2 or spread == 0:
        return Learned(Blend(scores.scorer), scores.model, 1.0, 0.0, len(rows.score), people)
    z = (rows.score - centre) / spread
    p, weight, gain = chance(rows), 0.0, 0.0
    if p <= CHANCE:
        folds = np.array([fold_of(name) for name in end_users])[rows.end_user]
        after = np.zeros(len(z))
        for fold in range(FOLDS):
            own, rest = folds == fold, folds != fold
            after[own] = z[own] * fit_weights(z[rest, None], rows.logit[rest], rows.liked[rest])[0]
        gain = 1 - loss(rows.logit + after, rows.liked) / loss(rows.logit, rows.liked)
        if gain > 0:
            weight = float(fit_weights(z[:, None], rows.logit, rows.liked)[0])
    blend = Blend(scores.scorer, round(weight, 4), round(centre, 4), round(spread, 4))
    return Learned(blend, scores.model, p, gain, len(z), people)


def chance(rows: Answered, *, exchanges: int = EXCHANGES, seed: int = SEED) -> float:
    """How often scores dealt anew agree at least as well with what is left to explain: p of a permutation test.

    A score is taken apart into what the model says of everybody's items, of one item whoever asks, and the rest. Each
    part is dealt among its own: people's among people, items' among items, the rest among one person's items. Ratings
    of one person, or of one item, hang together; dealing row by row would take that for knowledge.
    """
    person, item = (np.unique(column, return_inverse=True)[1] for column in (rows.end_user, rows.item))
    residual = rows.liked - 1 / (1 + np.exp(-rows.logit))
    of_person = np.bincount(person, rows.score) / np.bincount(person)
    of_item = np.bincount(item, rows.score - of_person[person]) / np.bincount(item)
    rest = rows.score - of_person[person] - of_item[item]
    own, draw, dealt = residual @ rows.score, np.random.default_rng(seed), np.empty(exchanges)
    place = np.argsort(person, kind="stable")
    for number in range(exchanges):
        mixed = np.empty(len(rest))
        mixed[place] = rest[np.lexsort((draw.random(len(rest)), person))]
        mixed += draw.permutation(of_person)[person] + draw.permutation(of_item)[item]
        dealt[number] = residual @ mixed
    return float((1 + np.count_nonzero(dealt >= own - 1e-9 * (1 + abs(own)))) / (1 + exchanges))

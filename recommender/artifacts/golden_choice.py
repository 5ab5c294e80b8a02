"""Choosing golden users and asking the trained backbone about them, before anything of it is folded or exported."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recommender.artifacts import golden, ranker
from recommender.artifacts.golden import Entry, GoldenUser
from recommender.backbones.base import Backbone
from recommender.backbones.batch import Batch
from recommender.catalogs.feedback import FIRST_RATING, NO_LABEL
from recommender.dataset.interactions import Interactions
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.texts import KnowledgeRows
from recommender.models import SubjectKind

END_USERS = 8
DIGITS = 6  # of what is stored in logits: a hundredth of what kernels may differ by
ITEMS = 64  # that an end user has not met, spread over the catalog
TEXTS = {"end_user_text", "item_text"}  # what serving has folded, and the trained backbone reads


def write(folder: Path, backbone: Backbone, interactions: Interactions, knowledge: KnowledgeRows) -> None:
    """Add the golden users to an artifact that export.write made.

    Inputs are prepared as serving prepares them; the scores are the trained backbone's own, from its weights in memory
    and the knowledge vectors themselves.
    """
    served = ranker.read(folder)
    of_items = knowledge.newest_of_items(len(interactions.items))
    texts = torch.from_numpy(np.r_[np.full(FIRST_ITEM, NO_TEXT), of_items])
    of_end_users = knowledge.latest(SubjectKind.END_USER)
    listed = []
    for number in choose(interactions, of_end_users):
        own = np.flatnonzero(interactions.end_user == number)
        trained = replace(
            served,
            session=_Trained(backbone.eval(), end_user_text=of_end_users.get(number, NO_TEXT), texts=texts),
        )
        name = interactions.end_users[number]
        tokens = served.tokens_of(interactions.end_user_attributes[number])
        history = [_entry(interactions, row) for row in own.tolist()]
        unmet = np.setdiff1d(np.arange(len(interactions.items)), interactions.item[own])
        spread = unmet[np.unique(np.linspace(0, len(unmet) - 1, min(ITEMS, len(unmet))).astype(np.int64))]
        items = [interactions.items[item] for item in spread.tolist()]
        scores = trained.score(name, history, items, tokens=tokens).tolist()
        user = GoldenUser(name, tokens, history, items, scores)
        effects, of_text = (np.round(each, DIGITS).tolist() for each in golden.effects_of(served, user))
        listed.append(replace(user, effects=effects, of_text=of_text))
    golden.save(folder, listed)


def choose(interactions: Interactions, known: dict[int, int]) -> list[int]:
    """Numbers of end users from the shortest history to the longest, half of them with knowledge where there are."""
    count = np.bincount(interactions.end_user, minlength=len(interactions.end_users))
    in_order = np.argsort(count, kind="stable")
    in_order = in_order[count[in_order] > 0]
    has = np.isin(in_order, list(known))
    some = _spread(in_order[has], END_USERS // 2)
    others = _spread(in_order[~has], END_USERS - len(some))
    return [*some, *others]


def _spread(numbers: NDArray[Any], count: int) -> list[int]:
    places = np.unique(np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(np.int64))
    return [int(number) for number in numbers[places]]


def _entry(interactions: Interactions, row: int) -> Entry:
    """An interaction from its feedback bucket: ratings are rounded to the scale's steps, as the backbone sees them."""
    bucket, liked = int(interactions.feedback[row]), int(interactions.liked[row])
    scale = interactions.scale
    rating = None
    if bucket >= FIRST_RATING:
        share = (bucket - FIRST_RATING) / (scale.rating_buckets - 1)
        rating = scale.rating_min + share * (scale.rating_max - scale.rating_min)
    return Entry(interactions.items[interactions.item[row]], rating, None if liked == NO_LABEL else liked)


class _Trained:
    """The trained backbone in place of the graph."""

    inputs = frozenset(Batch._fields) - TEXTS

    def __init__(self, backbone: Backbone, *, end_user_text: int, texts: torch.Tensor) -> None:
        self.backbone, self.end_user_text, self.texts = backbone, end_user_text, texts

    def run(self, given: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        tensors = {name: torch.from_numpy(array) for name, array in given.items()}
        batch = Batch(
            **tensors,
            end_user_text=torch.full((len(given["item"]),), self.end_user_text, dtype=torch.int64),
            item_text=self.texts[tensors["item"]],
        )
        with torch.inference_mode():
            logits: NDArray[np.float32] = self.backbone(batch).numpy()
        return logits

"""Steering: approved statements move the list at once, before any rebuild, and only the way they say.

A liked aspect raises the items that meet it, a disliked one lowers them: in logits, by strength and by who said it,
all statements together at most MOST. What is erased, rejected, struck or replaced acts no longer at the next request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.models import Catalog, EndUser
from recommender.serving.catalog_index import CatalogIndex
from recommender.statements.aspects import aspects_of
from recommender.statements.queries import Acting, acting

BY_PERSON, BY_MODEL = 2.0, 0.6  # logits of a statement at full strength that a person said, and of one they approved
AVOIDED = 1.25  # what is disliked weighs more: a list that shows it once has not listened
STRONGEST = 5.0  # the knob
MOST = 4.0  # logits that all statements may move one item
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Move:
    """What one statement does: to the items at `places` of the index it adds `effect` (logits), never 0."""

    statement: Acting
    places: Places
    effect: float


@dataclass(frozen=True)
class Steering:
    """All moves of one end user's list over an index of so many items."""

    moves: Sequence[Move]
    items: int

    @cached_property
    def offsets(self) -> NDArray[np.float64]:
        """What is added to each item's logit (items)."""
        total = np.zeros(self.items)
        for move in self.moves:
            total[move.places] += move.effect
        return np.clip(total, -MOST, MOST)

    def of(self, place: int) -> list[Move]:
        """What moves the item there, what weighs most first."""
        own = [move for move in self.moves if np.any(move.places == place)]
        return sorted(own, key=lambda move: -abs(move.effect))

    def steered(self, scores: NDArray[np.float64], places: Places) -> NDArray[np.float64]:
        """Probabilities of the items at `places` after the moves."""
        if not self.moves:
            return scores
        odds = np.clip(scores, 1e-9, 1 - 1e-9)
        logits: NDArray[np.float64] = np.log(odds / (1 - odds)) + self.offsets[places]
        moved = self.offsets[places] != 0
        return np.where(moved, 1 / (1 + np.exp(-logits)), scores)

    @property
    def raised(self) -> list[Places]:
        """Where the items stand that each liked aspect names: they are worth ranking, whoever else likes them."""
        return [move.places for move in self.moves if move.effect > 0]


def knob(catalog: Catalog) -> float:
    """How strongly statements move this catalog's lists; 0: not at all."""
    return settings.STEERING if catalog.steering is None else catalog.steering


def steering_of(end_user: EndUser, index: CatalogIndex, *, said: Sequence[Acting] | None = None) -> Steering:
    """How these statements move the end user's list; by default those that act now. `end_user.catalog` is loaded."""
    strength = knob(end_user.catalog)
    if said is None:
        said = acting(end_user) if strength > 0 else []
    return Steering(list(_moves(said, end_user.catalog, index, strength)), len(index)) if said else Steering([], 0)


def _moves(said: Iterable[Acting], catalog: Catalog, index: CatalogIndex, strength: float) -> Iterable[Move]:
    aspects = aspects_of(catalog)
    for one in said:
        places = index.positions(aspects.pks[aspects.meeting(one.said.aspect)])
        if len(places):
            size = (BY_PERSON if one.said_by else BY_MODEL) * one.said.strength * one.weight * strength
            yield Move(one, places, size if one.said.polarity == "likes" else -AVOIDED * size)

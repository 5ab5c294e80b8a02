"""Steering: approved statements move the list at once, before any rebuild, and only the way they say.

A liked aspect raises the items that meet it, a disliked one lowers them: in logits, by strength, by who said it, and
by what the ranking version learned (signals.stated). What is erased, rejected, struck or replaced acts no longer at the
next request.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from recommender.grounding.statements import Statement as Said
from recommender.models import Catalog, EndUser
from recommender.serving.catalog_index import CatalogIndex
from recommender.serving.person import person_of
from recommender.serving.whom import Whom
from recommender.signals import stated
from recommender.signals.stated import Weights
from recommender.statements.aspects import CatalogAspects, aspects_of
from recommender.statements.queries import OPINIONS, Acting, acting

STRONGEST = 5.0  # the knob
Places = NDArray[np.int64]
_NOWHERE: Places = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Move:
    """What one statement does: to the items at `places` of the index it adds `effect` (logits), never 0.

    `strength`: the effect of a weight of 1. `degrees`: of each place, how much of the effect, above 0 and at most 1;
    None: all of it. Less where a text tells of a phrase in other words.
    """

    statement: Acting
    places: Places
    effect: float
    strength: float
    degrees: NDArray[np.float64] | None = None

    @property
    def effects(self) -> float | NDArray[np.float64]:
        """What is added at each place."""
        return self.effect if self.degrees is None else self.effect * self.degrees

    def of_degree(self, degree: float) -> "Move":
        """What it does where an item meets its aspect so surely."""
        return self if degree == 1 else replace(self, effect=self.effect * degree, strength=self.strength * degree)


@dataclass(frozen=True)
class Steering:
    """All moves of one end user's list over an index of so many items.

    `unwanted`: where the very items stand that the end user themself does not want. They are not listed, however
    strongly statements move lists.
    """

    moves: Sequence[Move]
    items: int
    unwanted: Places = field(default_factory=lambda: _NOWHERE)

    @cached_property
    def offsets(self) -> NDArray[np.float64]:
        """What is added to each item's logit (items)."""
        return stated.bounded(self._total)

    @cached_property
    def _total(self) -> NDArray[np.float64]:
        total = np.zeros(self.items)
        for move in self.moves:
            total[move.places] += move.effects
        return total

    def of(self, places: Sequence[int]) -> list[list[Move]]:
        """What moves the item at each of these places, what weighs most first."""
        asked = np.array(places, dtype=np.int64)
        own: list[list[Move]] = [[] for _ in places]
        for move in self.moves:
            degrees = self._degrees(move)[asked]
            for row in np.flatnonzero(degrees).tolist():
                own[row].append(move.of_degree(float(degrees[row])))
        return [sorted(moves, key=lambda move: -abs(move.effect)) for moves in own]

    @property
    def lowering(self) -> list[Move]:
        return [move for move in self.moves if move.effect < 0]

    def keeping_away(
        self, scores: NDArray[np.float64], places: Places, *, listed: NDArray[np.bool_], beyond: NDArray[np.bool_]
    ) -> dict[int, int]:
        """Of each statement that lowers items, by primary key: how many of those `beyond` (items) it keeps from those
        that are `listed` (items).

        That is, how many would be among the best of both, as many as are listed, without it. `scores`: after the moves,
        of the items at `places`.
        """
        found: dict[int, int] = {}
        in_list, others, most = listed[places], beyond[places], int(np.count_nonzero(listed))
        for move in self.lowering:
            degrees = self._degrees(move)[places]
            lowered = others & (degrees > 0)
            if not lowered.any():
                continue
            pool = np.flatnonzero(in_list | lowered)
            own = places[pool]
            total = self._total[own] - move.effect * degrees[pool]
            without = stated.moved(scores[pool], stated.bounded(total) - self.offsets[own])
            best = pool[np.argsort(-without, kind="stable")[:most]]
            if count := int(lowered[best].sum()):
                found[move.statement.pk] = count
        return found

    def steered(self, scores: NDArray[np.float64], places: Places) -> NDArray[np.float64]:
        """Probabilities of the items at `places` after the moves."""
        if not self.moves:
            return scores
        return stated.moved(scores, self.offsets[places])

    def _degrees(self, move: Move) -> NDArray[np.float64]:
        """How much of a move's effect each item gets (items); most get none."""
        degrees = np.zeros(self.items)
        degrees[move.places] = 1.0 if move.degrees is None else move.degrees
        return degrees

    def kept_away(self, listed: Collection[int], relist: Callable[["Steering"], Collection[int]]) -> dict[int, int]:
        """Of each statement that lowers items, by primary key: how many of them would be listed without it.

        `listed`: positions of what is listed; `relist` gives those of what another steering would list.
        """
        found: dict[int, int] = {}
        for move in self.lowering:
            without = replace(self, moves=[other for other in self.moves if other is not move])
            if count := len({*relist(without)}.difference(listed).intersection(move.places.tolist())):
                found[move.statement.pk] = count
        return found

    def weighed(self, weights: Weights) -> "Steering":
        """The same with the weights that a version learned."""
        moves = [
            Move(one.statement, one.places, _weight(one.statement, weights) * one.strength, one.strength, one.degrees)
            for one in self.moves
        ]
        return Steering(moves, self.items, self.unwanted)

    @property
    def raised(self) -> list[Places]:
        """Where the items stand that each liked aspect names: they are worth ranking, whoever else likes them."""
        return [move.places for move in self.moves if move.effect > 0]


def knob(catalog: Catalog) -> float:
    """How strongly statements move this catalog's lists; 0: not at all."""
    return settings.STEERING if catalog.steering is None else catalog.steering


def steering_of(
    whom: Whom,
    index: CatalogIndex,
    *,
    said: Sequence[Acting] | None = None,
    also: Sequence[Acting] = (),
    as_of: int | None = None,
    strength: float,
) -> Steering:
    """How these statements move somebody's list; by default those that act now, and `also` these.

    `strength`: how strongly (`knob`); at 0 none does. Of an aspect that `also` names, only what it says: it is
    the newest word. `whom.catalog` is loaded.
    """
    if said is None:
        approved = _approved(whom, as_of) if isinstance(whom, EndUser) else []
        said = approved
        if also:
            newest = {one.said.key for one in also}
            opinions = [one for one in also if one.said.polarity in OPINIONS]  # in two minds: silences what was said
            said = [*(one for one in approved if one.said.key not in newest), *opinions]
    if not said:
        return Steering([], 0)
    aspects = aspects_of(whom.catalog)
    refused = [one.said for one in said if one.is_own and refuses_an_item(one.said)]
    unwanted = np.concatenate([_met(one, aspects, index)[0] for one in refused]) if refused else _NOWHERE
    return Steering(list(_moves(said, aspects, index, strength)), len(index), unwanted)


def _approved(end_user: EndUser, as_of: int | None) -> Sequence[Acting]:
    return person_of(end_user).acting if as_of is None else acting(end_user, as_of=as_of)


def refuses_an_item(said: Said) -> bool:
    """Whether it says that one very item is not wanted."""
    return said.polarity == "dislikes" and [facet.kind for facet in said.aspect] == ["title"]


def _met(said: Said, aspects: CatalogAspects, index: CatalogIndex) -> tuple[Places, NDArray[np.float64] | None]:
    """Where the items stand that a statement is about, and how surely they are what it is about; None: all are."""
    met = aspects.met(said.aspect)
    if index.is_of(aspects.pks):
        return met.places, met.degrees
    pks = aspects.pks[met.places]
    places = index.positions(pks)
    if met.degrees is None or len(places) == len(pks):
        return places, met.degrees
    return places, met.degrees[np.isin(pks, index.pks[places], assume_unique=True)]  # the others came later


def _moves(said: Iterable[Acting], aspects: CatalogAspects, index: CatalogIndex, strength: float) -> Iterable[Move]:
    for one in said if strength > 0 else ():
        places, degrees = _met(one.said, aspects, index)
        if len(places):
            size = one.said.strength * one.weight * strength
            yield Move(one, places, _weight(one, Weights()) * size, size, degrees)


def _weight(said: Acting, weights: Weights) -> float:
    return weights.of(likes=said.said.polarity == "likes", by_person=bool(said.said_by))

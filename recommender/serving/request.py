"""What is asked of a ranker: to order, for somebody as of now, the items that may be listed.

`request_for` alone makes one, so that what is served, what the gates time and what a receipt compares are the same.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts.past import Past
from recommender.artifacts.ranker import Ranker
from recommender.models import Catalog, EndUser, ScoredList
from recommender.serving import answers, arrange, filters, reading, retrieve, rules
from recommender.serving.answers import Answers
from recommender.serving.arrange import Order
from recommender.serving.catalog_index import CatalogIndex, index_of
from recommender.serving.codes import Notice
from recommender.serving.history import Known, PastInteraction, known_of
from recommender.serving.rules import Rules
from recommender.serving.session import NOTHING_TOLD, Session, unknown_items
from recommender.serving.steering import Steering, knob, steering_of
from recommender.serving.types import Ranking
from recommender.serving.variants import Treatment
from recommender.serving.whom import Whom
from recommender.serving.wish import Wish
from recommender.signals.llm_scores import Blend
from recommender.statements.queries import Acting
from recommender.thinkrec.scoring import lists


@dataclass(frozen=True, eq=False)
class Request:
    """`history`: oldest first, what the request itself told of it last. `unseen` (items,): True where they have not met
    the item of the index; `listable` (items,): of those, what may be listed.

    `limit`: the items to list, and to say why; `depth`: how many to order in all, at least as many. `as_of`: the moment
    that stands for now; None: now itself. `unaware`: as if nothing were known of the end user but their history, to see
    what difference the approved text makes. `said`: statements to be steered by in place of those that act now.
    `answered`: False leaves out what an LLM answered about items, as a scoring run has to: it would chase its own tail.
    `session`: what the request tells of them. `wish`: what a caller wants besides; None where lists are measured, to
    which no business rule applies. `notices`: what is to be said of all that. `treatment`: what an experiment wants.
    `later`: the moment from which the history will have one more. `read`: what this process had read of the catalog at
    the start (serving.reading).
    """

    whom: Whom
    history: Sequence[PastInteraction]
    index: CatalogIndex
    unseen: NDArray[np.bool_]
    listable: NDArray[np.bool_]
    limit: int
    unaware: bool = False
    said: Sequence[Acting] | None = None
    answered: bool = True
    session: Session = NOTHING_TOLD
    wish: Wish | None = None
    rules: Rules = rules.NONE
    notices: tuple[Notice, ...] = ()
    depth: int = 0
    as_of: int | None = None
    treatment: Treatment | None = None
    later: int | None = None
    read: tuple[object, ...] = ()

    @cached_property
    def steering(self) -> Steering:
        """What people approved about the end user, and what the request says, as it moves a list no version ranks."""
        return steering_of(
            self.whom, self.index, said=self.said, also=self.session.said, as_of=self.as_of, strength=self.strength
        )

    def steered(self, steering: Steering) -> "Request":
        """The same, steered so."""
        same = replace(self)  # which forgets cached properties
        same.__dict__["steering"] = steering
        return same

    def kept_away(self, listed: Ranking, relist: Callable[["Request"], Ranking]) -> dict[int, int]:
        """By statement, how many items would be on the page without it. `relist`: how the list is made."""

        def page(ranking: Ranking) -> list[int]:
            return [place for place, _ in ranking[: self.limit]]

        return self.steering.kept_away(page(listed), lambda steering: page(relist(self.steered(steering))))

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """Theirs as stored, with those that the request tells on top."""
        stored = self.whom.attributes if isinstance(self.whom, EndUser) else {}
        return {**stored, **self.session.attributes}

    @property
    def strength(self) -> float:
        """How strongly statements move the list; 0: not at all."""
        if self.unaware:
            return 0.0
        treated = self.treatment.steering if self.treatment else None
        return knob(self.whom.catalog) if treated is None else treated

    @property
    def known(self) -> list[tuple[str, bool | None, int]]:
        """The history as a scored list remembers it."""
        return [(past.item_id, past.liked, past.moment) for past in self.history]

    @cached_property
    def scored_list(self) -> ScoredList | None:
        """What a scoring run left about the end user as they are now, where there is such a list."""
        if not (self.answered and isinstance(self.whom, EndUser)):
            return None
        found = lists.read(self.whom)
        if found is None or (self.unaware and found.with_preference):
            return None
        return None if lists.why_stale(found, self.whom, self.known) else found

    def answers(self, blend: Blend) -> Answers:
        """What an LLM answered, as a version weighs it; nothing where it does not, or another scorer was asked."""
        if not blend.weight or self.scored_list is None or self.scored_list.scorer != blend.scorer:
            return Answers()
        return answers.weighed(self.scored_list, blend, clock=self.whom.catalog.clock)

    def past(self, ranker: Ranker) -> Past:
        """The history as a version reads it: once for all that is asked of the version."""
        for items, past in self._pasts:
            if items is ranker.items:
                return past
        self._pasts.append((ranker.items, ranker.past(self.history)))
        return self._pasts[-1][1]

    @cached_property
    def _pasts(self) -> list[tuple[Mapping[str, int], Past]]:
        return []

    @cached_property
    def candidates(self) -> NDArray[np.int64]:
        """Positions in the index of the items worth ranking, all listable."""
        return retrieve.candidates(
            self.whom,
            self.index,
            mask=self.listable,
            history=self.history,
            asked_for=self.steering.raised,
            past=self.past,
        )

    @cached_property
    def item_ids(self) -> list[str]:
        """External ids of the candidates."""
        return [self.index.external_ids[position] for position in self.candidates.tolist()]

    @property
    def can_be_ranked(self) -> bool:
        """Whether there is a history to rank by, and an item to rank."""
        return bool(self.history) and bool(self.listable.any())

    def arranged(self, order: Order) -> Ranking:
        """At most `depth` items of an order, as the wish and the rules have it."""
        diversity = self.wish.diversity if self.wish else 0.0
        if diversity > 0:
            order = arrange.diversified(order, self.whom.catalog, self.index, diversity=diversity, count=self.depth)
        listable = self._listable_now(order)
        order = order.at(listable[order.places])
        return arrange.ranking(order, self.rules, count=self.depth, listable=listable)

    def _listable_now(self, order: Order) -> NDArray[np.bool_]:
        """`listable` (items,) without what stands first, or is put there by a rule, and meets the filter no more."""
        if not (self.wish and self.wish.conditions):
            return self.listable
        placed = [one.position for one in (*self.rules.pins, *self.rules.buried) if self.listable[one.position]]
        places = np.r_[np.array(placed, dtype=np.int64), order.places]
        count = len(placed) + self.depth
        met = filters.meeting_now(self.whom.catalog, self.index, self.wish.conditions, places, count=count)
        listable = self.listable.copy()
        listable[places[~met]] = False
        return listable


def request_for(
    whom: Whom,
    *,
    limit: int,
    unaware: bool = False,
    said: Sequence[Acting] | None = None,
    session: Session = NOTHING_TOLD,
    wish: Wish | None = None,
    depth: int = 0,
    as_of: int | None = None,
    treatment: Treatment | None = None,
) -> Request:
    """What is to be recommended to somebody now, or as of a moment. `whom.catalog` must be loaded.

    Raises conditions.ConditionError where the wish names an attribute that no item has.
    """
    index = index_of(whom.catalog)
    read = reading.of(whom.catalog)
    known = known_of(whom, as_of=as_of) if isinstance(whom, EndUser) else Known([])
    history = [*known.past, *session.history]
    unseen = retrieve.unseen(index, [past.item_pk for past in history])
    listable, holding, notices = unseen, rules.NONE, session.notices
    if wish is not None:
        listable, holding, more = narrowed(whom.catalog, index, unseen, wish)
        notices = (*notices, *more)
    request = Request(
        whom=whom,
        history=history,
        index=index,
        unseen=unseen,
        listable=listable,
        limit=limit,
        unaware=unaware or (treatment is not None and treatment.unaware),
        said=said,
        session=session,
        wish=wish,
        rules=holding,
        notices=notices,
        depth=max(limit, depth),
        as_of=as_of,
        treatment=treatment,
        later=known.later,
        read=read,
    )
    if wish is not None:
        listable[request.steering.unwanted] = False  # an array of this request alone
    return request


def narrowed(
    catalog: Catalog, index: CatalogIndex, mask: NDArray[np.bool_], wish: Wish
) -> tuple[NDArray[np.bool_], Rules, list[Notice]]:
    """What of `mask` (items,) a wish leaves to be listed, the rules that hold, and what is to be said of both.

    Raises conditions.ConditionError.
    """
    holding = rules.holding(catalog, index, scenario=wish.scenario)
    listable, notices = mask.copy(), list[Notice]()
    if wish.among:
        places, strangers = index.named(wish.among)
        listable = np.zeros_like(mask)
        listable[places] = mask[places]
        if strangers:
            notices.append(unknown_items(strangers, "`among`"))
    if wish.exclude:
        places, strangers = index.named(wish.exclude)
        listable[places] = False
        if strangers:
            notices.append(unknown_items(strangers, "`exclude`"))
    if wish.conditions:
        meeting, said = filters.meeting(catalog, index, wish.conditions)
        listable &= meeting
        notices += said
    if holding.out_of_stock is not None:
        listable[holding.out_of_stock] = False
    return listable, holding, notices


@dataclass(frozen=True, slots=True)
class Scored:
    """`scores`: the probability (candidates,) of a like, as `steering` and `answers` moved it.

    Both by the version's own weights. `milliseconds`: wall time of scoring, without retrieval.
    """

    scores: NDArray[np.float64]
    milliseconds: float
    steering: Steering
    answers: Answers


def score(request: Request, ranker: Ranker) -> Scored:
    """Have a trained version score the candidates; what people approved and what an LLM answered moves the scores."""
    whom, answered = request.whom, request.answers(ranker.llm_scores)
    items = retrieve.numbers(ranker, request.index)[request.candidates]
    if request.unaware:
        ranker = replace(ranker, end_users={})
    began = time.perf_counter()
    scores = ranker.score(
        whom.external_id,
        request.past(ranker),
        items,
        attributes=request.attributes,
        counted=retrieve.counted(ranker, request.index, request.candidates),
    )
    steering = request.steering.weighed(ranker.statements)
    scores = steering.steered(scores, request.candidates)
    if answered.effects:
        scores = answered.moved(scores, request.item_ids)
    return Scored(scores, (time.perf_counter() - began) * 1000, steering, answered)


def best(request: Request, scores: NDArray[np.float64]) -> Ranking:
    """(position in the index, score) of the best candidates, at most `depth`; of equal ones the first added first."""
    return request.arranged(arrange.best_first(request.candidates, scores))

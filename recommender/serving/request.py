"""What is asked of a ranker: to order, for one end user as of now, the items they have not met.

`request_for` alone makes one, so that what is served, what the gates time and what a receipt compares are the same.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts.ranker import Ranker
from recommender.models import EndUser, ScoredList
from recommender.serving import answers, retrieve
from recommender.serving.answers import Answers
from recommender.serving.catalog_index import CatalogIndex, index_of
from recommender.serving.history import PastInteraction, history_as_of_now
from recommender.serving.steering import Steering, steering_of
from recommender.serving.types import Ranking
from recommender.signals.llm_scores import Blend
from recommender.statements.queries import Acting
from recommender.thinkrec.scoring import lists


@dataclass(frozen=True, eq=False)
class Request:
    """`history`: oldest first. `unseen` (items,): True where the end user has not met the item of the index.

    `limit`: the most items to list. `unaware`: as if nothing were known of the end user but their history, to see what
    difference the approved text makes. `said`: statements to be steered by in place of those that act now. `answered`:
    False leaves out what an LLM answered about items, as a scoring run has to: it would chase its own tail.
    """

    end_user: EndUser
    history: Sequence[PastInteraction]
    index: CatalogIndex
    unseen: NDArray[np.bool_]
    limit: int
    unaware: bool = False
    said: Sequence[Acting] | None = None
    answered: bool = True

    @cached_property
    def steering(self) -> Steering:
        """What people approved about the end user, as it moves a list that no version ranks."""
        return steering_of(self.end_user, self.index, said=() if self.unaware else self.said)

    @property
    def known(self) -> list[tuple[str, bool | None, int]]:
        """The history as a scored list remembers it."""
        return [(past.item_id, past.liked, past.moment) for past in self.history]

    @cached_property
    def scored_list(self) -> ScoredList | None:
        """What a scoring run left about the end user as they are now, where there is such a list."""
        found = lists.read(self.end_user) if self.answered else None
        if found is None or (self.unaware and found.with_preference):
            return None
        return None if lists.why_stale(found, self.end_user, self.known) else found

    def answers(self, blend: Blend) -> Answers:
        """What an LLM answered, as a version weighs it; nothing where it does not, or another scorer was asked."""
        if not blend.weight or self.scored_list is None or self.scored_list.scorer != blend.scorer:
            return Answers()
        return answers.weighed(self.scored_list, blend)

    @cached_property
    def candidates(self) -> NDArray[np.int64]:
        """Positions in the index of the items worth ranking, all unseen."""
        liked = [past.item_pk for past in self.history if past.liked]
        return retrieve.candidates(
            self.end_user.catalog, self.index, mask=self.unseen, liked=liked, asked_for=self.steering.raised
        )

    @cached_property
    def item_ids(self) -> list[str]:
        """External ids of the candidates."""
        return [self.index.external_ids[position] for position in self.candidates.tolist()]

    @property
    def can_be_ranked(self) -> bool:
        """Whether there is a history to rank by, and an item to rank."""
        return bool(self.history) and bool(self.unseen.any())


def request_for(
    end_user: EndUser, *, limit: int, unaware: bool = False, said: Sequence[Acting] | None = None
) -> Request:
    """What is to be recommended to this end user now. `end_user.catalog` must be loaded."""
    index, history = index_of(end_user.catalog), history_as_of_now(end_user)
    unseen = retrieve.unseen(index, [past.item_pk for past in history])
    return Request(end_user, history, index, unseen, limit, unaware, said)


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
    end_user, item_ids, answered = request.end_user, request.item_ids, request.answers(ranker.llm_scores)
    if request.unaware:
        ranker = replace(ranker, end_users={})
    began = time.perf_counter()
    scores = ranker.score(end_user.external_id, request.history, item_ids, attributes=end_user.attributes)
    steering = request.steering.weighed(ranker.statements)
    scores = answered.moved(steering.steered(scores, request.candidates), item_ids)
    return Scored(scores, (time.perf_counter() - began) * 1000, steering, answered)


def best(request: Request, scores: NDArray[np.float64]) -> Ranking:
    """(position in the index, score) of the best candidates, at most `limit`; of equal ones the first added first."""
    top = np.argsort(-scores, kind="stable")[: request.limit]
    return [(int(request.candidates[place]), float(scores[place])) for place in top]

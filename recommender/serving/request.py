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
from recommender.models import EndUser
from recommender.serving import retrieve
from recommender.serving.catalog_index import CatalogIndex, index_of
from recommender.serving.history import PastInteraction, history_of
from recommender.serving.steering import Steering, steering_of
from recommender.serving.types import Ranking
from recommender.statements.queries import Acting


@dataclass(frozen=True, eq=False)
class Request:
    """`history`: oldest first. `unseen` (items,): True where the end user has not met the item of the index.

    `limit`: the items to list, and to say why; `depth`: how many to order in all, at least as many. `as_of`: the moment
    that stands for now; None: now itself. `unaware`: as if nothing were known of the end user but their history, to see
    what difference the approved text makes. `said`: statements to be steered by in place of those that act now.
    """

    end_user: EndUser
    history: Sequence[PastInteraction]
    index: CatalogIndex
    unseen: NDArray[np.bool_]
    limit: int
    unaware: bool = False
    said: Sequence[Acting] | None = None
    depth: int = 0
    as_of: int | None = None

    @cached_property
    def steering(self) -> Steering:
        """What people approved about the end user, as it moves a list that no version ranks."""
        return steering_of(self.end_user, self.index, said=() if self.unaware else self.said, as_of=self.as_of)

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
    end_user: EndUser,
    *,
    limit: int,
    unaware: bool = False,
    said: Sequence[Acting] | None = None,
    depth: int = 0,
    as_of: int | None = None,
) -> Request:
    """What is to be recommended to this end user now, or as of a moment. `end_user.catalog` must be loaded."""
    index, history = index_of(end_user.catalog), history_of(end_user, as_of=as_of)
    unseen = retrieve.unseen(index, [past.item_pk for past in history])
    return Request(end_user, history, index, unseen, limit, unaware, said, max(limit, depth), as_of)


@dataclass(frozen=True, slots=True)
class Scored:
    """`scores`: the probability (candidates,) of a like, as `steering` moved it, with the version's own weights.

    `milliseconds`: wall time of scoring, without retrieval.
    """

    scores: NDArray[np.float64]
    milliseconds: float
    steering: Steering


def score(request: Request, ranker: Ranker) -> Scored:
    """Have a trained version score the candidates, and let what people approved move the scores."""
    end_user, item_ids = request.end_user, request.item_ids
    if request.unaware:
        ranker = replace(ranker, end_users={})
    began = time.perf_counter()
    scores = ranker.score(end_user.external_id, request.history, item_ids, attributes=end_user.attributes)
    steering = request.steering.weighed(ranker.statements)
    scores = steering.steered(scores, request.candidates)
    return Scored(scores, (time.perf_counter() - began) * 1000, steering)


def best(request: Request, scores: NDArray[np.float64]) -> Ranking:
    """(position in the index, score) of the best candidates, at most `depth`; of equal ones the first added first."""
    top = np.argsort(-scores, kind="stable")[: request.depth]
    return [(int(request.candidates[place]), float(scores[place])) for place in top]

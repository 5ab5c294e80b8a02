"""A candidate's own answer to a request that the active version answered: compared afterwards, never shown."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import verified
from recommender.models import EndUser, ShadowSample
from recommender.serving import background, rollout
from recommender.serving.history import PastInteraction
from recommender.serving.rollout import Trial


@dataclass(frozen=True, slots=True)
class Answer:
    """What the active version was asked and said. `items`: external ids it scored; `took_ms`: to score them."""

    items: Sequence[str]
    scores: NDArray[np.float64]
    took_ms: float


def offer(
    running: Trial,
    end_user: EndUser,
    *,
    history: Sequence[PastInteraction],
    answer: Answer,
    shown: int,
    recommendation: UUID,
) -> None:
    """Have the shadow answer too, if the request is one of its share and there is time. `shown`: the list's length."""
    if running.shadows(recommendation):
        background.offer(
            partial(
                compare, running, end_user, history=history, answer=answer, shown=shown, recommendation=recommendation
            )
        )


def compare(
    running: Trial,
    end_user: EndUser,
    *,
    history: Sequence[PastInteraction],
    answer: Answer,
    shown: int,
    recommendation: UUID,
) -> ShadowSample:
    """Score the same items with the shadow and keep how its list differs. An error is kept, and ends the rollout."""
    found: dict[str, Any] = {}
    try:
        ranking = verified.load(running.version)
        began = time.perf_counter()
        scores = ranking.score(end_user.external_id, history, answer.items, attributes=end_user.attributes)
        found["shadow_ms"] = (time.perf_counter() - began) * 1000
        if not np.isfinite(scores).all():
            raise FloatingPointError("a score is not a number")
        found |= {
            "overlap": overlap(answer.scores, scores, shown),
            "correlation": correlation(answer.scores, scores, shown),
        }
    except Exception as error:  # whatever it is, it ends the rollout
        found["error"] = f"{type(error).__name__}: {error}"[:300]
        rollout.end(running, why=found["error"])
    return ShadowSample.objects.create(
        rollout_id=running.rollout_id, recommendation_id=recommendation, active_ms=answer.took_ms, **found
    )


def overlap(active: NDArray[np.float64], shadow: NDArray[np.float64], shown: int) -> float:
    """The share of the active version's first `shown` items that are among the shadow's."""
    one, other = (set(_best(scores, shown).tolist()) for scores in (active, shadow))
    return len(one & other) / len(one)


def correlation(active: NDArray[np.float64], shadow: NDArray[np.float64], shown: int) -> float | None:
    """Spearman's: of the orders both give the active version's first `shown` items. None for fewer than two."""
    listed = _best(active, shown)
    if len(listed) < 2:
        return None
    one, other = (np.argsort(np.argsort(-scores[listed], kind="stable")) for scores in (active, shadow))
    return float(np.corrcoef(one, other)[0, 1])


def _best(scores: NDArray[np.float64], shown: int) -> NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")[:shown]

"""A candidate's own answer to a request that the active version answered: compared afterwards, never shown."""

from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recommender import background
from recommender.artifacts import verified
from recommender.models import ShadowSample
from recommender.serving import rollout
from recommender.serving.request import Request, Scored, score
from recommender.serving.rollout import RunningRollout


def offer(running: RunningRollout, request: Request, answer: Scored, recommendation: UUID) -> None:
    """Have the shadow answer too, if the request is one of its share and there is time.

    `answer`: the active version's. `recommendation`: the id of the list that was logged.
    """
    if running.shadows(recommendation):
        background.offer(partial(compare, running, request, answer, recommendation))


def compare(running: RunningRollout, request: Request, answer: Scored, recommendation: UUID) -> ShadowSample:
    """Score the same items with the shadow and keep how its list differs. An error is kept, and ends the rollout."""
    sample: dict[str, Any] = {}
    try:
        scored = score(request, verified.load(running.version))
        sample["shadow_ms"] = scored.milliseconds
        if not np.isfinite(scored.scores).all():
            raise FloatingPointError("a score is not a number")
        sample |= {
            "overlap": overlap(answer.scores, scored.scores, request.limit),
            "correlation": correlation(answer.scores, scored.scores, request.limit),
        }
    except Exception as error:  # whatever it is, it ends the rollout
        sample["error"] = f"{type(error).__name__}: {error}"[:300]
        rollout.end(running, why=sample["error"])
    return ShadowSample.objects.create(
        rollout_id=running.rollout_id, recommendation_id=recommendation, active_ms=answer.milliseconds, **sample
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

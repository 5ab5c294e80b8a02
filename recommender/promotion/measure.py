"""How good and how fast a version ranks, through the very ranker that serves it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts.ranker import Ranker
from recommender.measures import bootstrap, statistics
from recommender.measures.bootstrap import Interval
from recommender.measures.ranking import Ids, Pairs, Ranks, full_ranking
from recommender.measures.statistics import Mean
from recommender.promotion.test_bed import TestBed
from recommender.serving.request import Request, score

K = 10
AT_ONCE = 32  # end users whose scores of the whole catalog are in memory together
WARM_UP, TIMED, REPEATS = 5, 60, 3  # requests, and how often each is timed


@dataclass(frozen=True, slots=True)
class Measured:
    """What one version says of a test bed: the probability (n) of every tested row, and where the liked ones rank."""

    probability: NDArray[np.float64]
    ranks: Ranks


def measure(
    bed: TestBed, ranking: Ranker, *, hidden: frozenset[str], step: Callable[[int], None] = lambda _: None
) -> Measured:
    """Rank the whole catalog once for each tested end user. `step` is told how many are done."""
    allowed = replace(ranking, end_users={name: row for name, row in ranking.end_users.items() if name not in hidden})
    numbers = ranking.numbers(bed.items)
    probability: list[NDArray[np.float64]] = []

    def score(some: Ids) -> NDArray[np.float64]:
        rows = []
        for place in some.tolist():
            one = bed.tested[place]
            counted = ranking.counted_then(numbers, bed.newer, moment=one.cut, end_user=one.number)
            scores = allowed.score(one.name, one.history, numbers, attributes=one.attributes, counted=counted)
            probability.append(scores[one.items])
            rows.append(scores)
            step(place + 1)
        return np.stack(rows)

    ranks = full_ranking(
        score,
        np.arange(len(bed.tested)),
        seen=_pairs([one.met for one in bed.tested]),
        liked=_pairs([one.items[one.liked > 0] for one in bed.tested]),
        at_once=AT_ONCE,
    )
    return Measured(np.concatenate(probability) if probability else np.empty(0), ranks)


def compare(bed: TestBed, candidate: Measured, active: Measured) -> dict[str, Interval | None]:
    """By gate: the candidate's score less the active version's, paired over end users."""
    label = np.concatenate([one.liked for one in bed.tested]) if bed.tested else np.empty(0, np.int8)
    owner = np.repeat(np.arange(len(bed.tested)), [len(one.items) for one in bed.tested])
    if not len(label):
        return {"gauc": None, "ndcg": None}
    gauc = [[statistics.of("gauc", label, one.probability, owner)] for one in (candidate, active)]
    ndcg = [[Mean.over_end_users(one.ranks.ndcg(K))] for one in (candidate, active)]
    return {
        "gauc": bootstrap.interval(gauc[0], against=gauc[1]),
        "ndcg": bootstrap.interval(ndcg[0], against=ndcg[1]),
    }


def p95_ms(ranking: Ranker, requests: Sequence[Request]) -> float | None:
    """Milliseconds that 95 % of the requests take at most, warm; wall time on this machine. None without any.

    Each counts with the best of REPEATS: what else this machine is doing says nothing about the version.
    """
    if not requests:
        return None
    best = []
    for number in range(WARM_UP + TIMED):
        asked = requests[number % len(requests)]
        best.append(min(score(asked, ranking).milliseconds for _ in range(REPEATS)))
    return float(np.quantile(best[WARM_UP:], 0.95))


def _pairs(items: Sequence[NDArray[np.int32]]) -> Pairs:
    owner = np.repeat(np.arange(len(items)), [len(one) for one in items])
    return Pairs(owner, np.concatenate(items) if items else np.empty(0, np.int32))

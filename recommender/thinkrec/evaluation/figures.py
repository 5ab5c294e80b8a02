"""Figures of rankers on the same rows: ThinkRec's measures and the usual ones, their differences, and of texts. Numpy.

Every figure has an interval over end users (measures.bootstrap); differences are paired.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.measures.bootstrap import Drawn, Interval, draw, of_draws
from recommender.measures.statistics import Mean
from recommender.measures.thinkrec import ranked

LLM, BACKBONE = "llm", "backbone"
K = 5  # of ThinkRec's tables
Columns = Mapping[str, NDArray[np.floating[Any]]]


def figures(
    label: NDArray[Any], end_user: NDArray[np.integer[Any]], scores: Columns, slices: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Any]:
    """As JSON: {"figures": […], "differences": […], "slices": {name: {"samples", "end_users"}}}.

    `scores` (m) by ranker, LLM among them. A difference is the LLM's figure less the other ranker's. Each is {"ranker",
    "slice", "metric", "estimate", "low", "high"}; one that is undefined, as of one class, is left out.
    """
    found: dict[str, Any] = {"figures": [], "differences": [], "slices": {}}
    for name, rows in slices.items():
        found["slices"][name] = {"samples": int(rows.sum()), "end_users": len(np.unique(end_user[rows]))}
        if not rows.any():
            continue
        drawn = {ranker: _drawn(label[rows], score[rows], end_user[rows]) for ranker, score in scores.items()}
        for ranker, own in drawn.items():
            told = {"ranker": ranker, "slice": name}
            found["figures"] += _told(told, {metric: of_draws([one]) for metric, one in own.items()})
            if ranker != LLM:
                pairs = {metric: of_draws([drawn[LLM][metric]], against=[one]) for metric, one in own.items()}
                found["differences"] += _told(told, pairs)
    return found


def of_texts(values: Mapping[str, Sequence[float]], end_user: Sequence[int]) -> dict[str, Any]:
    """The mean of each measure over texts (n), with its interval over the end users (n) they are about."""
    _, owner = np.unique(end_user, return_inverse=True)
    weight = np.bincount(owner).astype(np.float64)
    found = {}
    for name, each in values.items():
        total = np.bincount(owner, weights=np.asarray(each, dtype=np.float64))
        found[name] = _interval(of_draws([draw(Mean(total.astype(np.float64), weight))]))
    return found


def _drawn(label: NDArray[Any], score: NDArray[Any], end_user: NDArray[Any]) -> dict[str, Drawn]:
    return {metric: draw(one) for metric, one in ranked(label, score, end_user, k=K).items()}


def _told(told: Mapping[str, str], intervals: Mapping[str, Interval | None]) -> list[dict[str, Any]]:
    known = {metric: _interval(one) for metric, one in intervals.items()}
    return [{**told, "metric": metric, **one} for metric, one in known.items() if one]


def _interval(one: Interval | None) -> dict[str, float]:
    """Nothing where it is undefined."""
    if one is None or np.isnan(one.low):
        return {}
    return {"estimate": one.estimate, "low": one.low, "high": one.high}

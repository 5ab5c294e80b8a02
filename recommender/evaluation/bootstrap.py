"""Intervals by cluster bootstrap: end users are drawn again with all of their samples, never single samples.

Samples of one end user resemble each other, so intervals from single samples would be far too narrow (BACKBONE.md 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evaluation import statistics
from recommender.evaluation.statistics import METRICS, Statistic, Values

DRAWS = 1000
AT_ONCE = 64  # draws whose weights are in memory together
Probabilities = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval: over which end users and, with several seeds, which seeds it was."""

    estimate: float
    low: float
    high: float
    end_users: int
    seeds: int
    draws: int

    @property
    def above_zero(self) -> bool:
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        return self.high < 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def interval(
    runs: Sequence[Statistic], *, against: Sequence[Statistic] | None = None, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """The mean of a metric over `runs`, one per seed; with `against` how much more it is than theirs, paired.

    Paired: each draw takes the same end users, and the same seeds, of both sides; so run n of both must come from one
    seed, on the same end users. Where there are S > 1 seeds each draw takes S - 1 of them, which makes up for the
    spread that few draws of few seeds hide. None where the metric is undefined. Raises ValueError when the sides do
    not pair up.
    """
    counts = {run.end_users for run in [*runs, *(against or [])]}
    if not runs or len(counts) != 1 or (against is not None and len(against) != len(runs)):
        raise ValueError("Runs pair up only when both sides have as many, at least one, over the same end users.")
    end_users, seeds = counts.pop(), len(runs)

    def values(weights: Values) -> Values:
        """(seeds, draws)."""
        own = np.stack([run(weights) for run in runs])
        return own if against is None else own - np.stack([run(weights) for run in against])

    estimate = float(values(np.ones((1, end_users))).mean())
    if np.isnan(estimate):
        return None
    source = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < draws:
        some = min(AT_ONCE, draws - len(drawn))
        found = values(_times(source, end_users, end_users, some))
        shares = _times(source, seeds, seeds - 1, some) / (seeds - 1) if seeds > 1 else np.ones((some, 1))
        drawn.extend((found.T * shares).sum(axis=1).tolist())
    defined = np.array(drawn)[~np.isnan(drawn)]
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
    return Interval(estimate, float(low), float(high), end_users, seeds, len(defined))


def scores(
    label: NDArray[Any],
    probability: Probabilities,
    end_user: NDArray[np.integer[Any]],
    *,
    against: Probabilities | None = None,
    metrics: Sequence[str] = tuple(METRICS),
    draws: int = DRAWS,
    seed: int = 0,
) -> Mapping[str, Interval | None]:
    """Intervals of metrics by name. `label` and `end_user` (n); `probability` (S, n), a row per seed.

    With `against` (S, n): of the difference, `probability` less `against`, paired as `interval` says. Of AUC, GAUC
    and UAUC more is better, of LogLoss and ECE less.
    """

    def of(name: str, rows: Probabilities) -> list[Statistic]:
        return [statistics.of(name, label, row, end_user) for row in rows]

    return {
        name: interval(
            of(name, probability), against=None if against is None else of(name, against), draws=draws, seed=seed
        )
        for name in metrics
    }


def _times(source: np.random.Generator, of: int, taken: int, draws: int) -> Values:
    """How often each of `of` is among `taken` drawn with replacement: (draws, of)."""
    picks = source.integers(0, of, size=(draws, taken)) + np.arange(draws)[:, None] * of
    return np.bincount(picks.ravel(), minlength=draws * of).reshape(draws, of).astype(np.float64)

"""Intervals by cluster bootstrap: end users are drawn again with all of their samples, never single samples.

Samples of one end user resemble each other, so intervals from single samples would be far too narrow (BACKBONE.md 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.measures import statistics
from recommender.measures.statistics import METRICS, Statistic, Values

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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric of one run: over everybody, and over each draw of the end users. NaN where it is undefined."""

    estimate: float
    values: Values  # (draws)
    end_users: int


def draw(run: Statistic, *, draws: int = DRAWS, seed: int = 0) -> Drawn:
    """Metrics of as many end users, drawn with the same `seed`, are of the same draws: their differences pair up."""
    source = np.random.default_rng(seed)
    values = np.empty(draws)
    for first in range(0, draws, AT_ONCE):
        some = min(AT_ONCE, draws - first)
        values[first : first + some] = run(_times(source, run.end_users, run.end_users, some))
    return Drawn(float(run(np.ones((1, run.end_users)))[0]), values, run.end_users)


def of_draws(runs: Sequence[Drawn], *, against: Sequence[Drawn] | None = None, seed: int = 0) -> Interval | None:
    """The mean of a metric over `runs`, one per seed; with `against` how much more it is than theirs, paired.

    Paired: each draw takes the same end users, and the same seeds, of both sides; so run n of both must come from one
    seed, on the same end users. Where there are S > 1 seeds each draw takes S - 1 of them, which makes up for the
    spread that few draws of few seeds hide. None where the metric is undefined. Raises ValueError when the sides do
    not pair up.
    """
    sizes = {(run.end_users, len(run.values)) for run in [*runs, *(against or [])]}
    if not runs or len(sizes) != 1 or (against is not None and len(against) != len(runs)):
        raise ValueError("Runs pair up only when both sides have as many, at least one, over the same end users.")
    ((end_users, draws),) = sizes
    seeds = len(runs)
    found, estimates = np.stack([run.values for run in runs]), np.array([run.estimate for run in runs])
    if against is not None:
        found = found - np.stack([run.values for run in against])
        estimates = estimates - np.array([run.estimate for run in against])
    estimate = float(estimates.mean())
    if np.isnan(estimate):
        return None
    source = np.random.default_rng([seed, seeds])  # apart from the draws of end users
    shares = _times(source, seeds, seeds - 1, draws) / (seeds - 1) if seeds > 1 else np.ones((draws, 1))
    drawn = (found.T * shares).sum(axis=1)
    defined = drawn[~np.isnan(drawn)]
    low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
    return Interval(estimate, float(low), float(high), end_users, seeds, len(defined))


def interval(
    runs: Sequence[Statistic], *, against: Sequence[Statistic] | None = None, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """As `of_draws`, drawing first."""
    ours, theirs = ([draw(run, draws=draws, seed=seed) for run in side] for side in (runs, against or []))
    return of_draws(ours, against=None if against is None else theirs, seed=seed)


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

    def of(name: str, rows: Probabilities) -> list[Drawn]:
        return [draw(statistics.of(name, label, row, end_user), draws=draws, seed=seed) for row in rows]

    return {
        name: of_draws(of(name, probability), against=None if against is None else of(name, against), seed=seed)
        for name in metrics
    }


def _times(source: np.random.Generator, of: int, taken: int, draws: int) -> Values:
    """How often each of `of` is among `taken` drawn with replacement: (draws, of)."""
    picks = source.integers(0, of, size=(draws, taken)) + np.arange(draws)[:, None] * of
    return np.bincount(picks.ravel(), minlength=draws * of).reshape(draws, of).astype(np.float64)

"""Many experiments at once, looked at again and again, by the formulas that pages use: numpy only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.measures import sequential
from recommender.measures.sequential import LEAST_DOING, LEAST_USERS

ALPHA, SHARES_ALPHA = 0.05, 0.001


@dataclass(frozen=True, slots=True)
class Design:
    """`users` of both variants come one by one; `looks`: evenly spread over them. `rate`: the chance that a user of the
    first clicks; `lift`: by how much more the second's. `planned`: as people write it."""

    runs: int
    users: int
    looks: int
    rate: float
    planned: int
    lift: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of the runs. `false_alarms`: where 0 was ever outside the interval; `naive`: of the usual 95 % interval,
    `missed`: where the true difference was ever outside; `power`: 0 outside at the last look; `naive_once`: of the
    usual interval at the last look alone; `shares`: alarms of the check of shares. `median_looked`: the users after
    which half of the runs had told an effect (nan: fewer did)."""

    false_alarms: float
    naive: float
    naive_once: float
    missed: float
    power: float
    shares: float
    median_looked: float


def looked_at(design: Design, *, seed: int, block: int = 100) -> Found:
    rng = np.random.default_rng(seed)
    at = np.linspace(design.users / design.looks, design.users, design.looks).astype(int)
    parts = [_block(design, min(block, design.runs - first), at, rng) for first in range(0, design.runs, block)]
    ever, naive, once, missed, last, shares, first = (np.concatenate(column) for column in zip(*parts, strict=True))
    told = np.median(first)
    means = [float(each.mean()) for each in (ever, naive, once, missed, last, shares)]
    return Found(*[*means, float(told) if np.isfinite(told) else float("nan")])


def _block(design: Design, runs: int, at: NDArray[Any], rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    second = rng.random((runs, design.users)) < 0.5
    rates = np.where(second, design.rate * (1 + design.lift), design.rate)
    clicked = rng.random((runs, design.users)) < rates

    def so_far(each: NDArray[Any]) -> NDArray[Any]:
        return np.cumsum(each, axis=1, dtype=np.int64)[:, at - 1].astype(np.float64)

    n = np.stack([so_far(~second), so_far(second)])
    k = np.stack([so_far(clicked & ~second), so_far(clicked & second)])
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / n
        error = np.sqrt((p * (1 - p) / (n - 1)).sum(axis=0))
    counted = ((n >= LEAST_USERS) & (k >= LEAST_DOING)).all(axis=0)
    estimate = np.where(counted, p[1] - p[0], 0.0)
    half = np.where(counted, sequential.width(error, n.sum(axis=0), planned=design.planned, alpha=ALPHA), np.inf)
    usual = np.where(counted, sequential.fixed_width(error), np.inf)
    outside, usually = np.abs(estimate) > half, np.abs(estimate) > usual
    missed = np.abs(estimate - design.rate * design.lift) > half
    ever = outside.any(axis=1)
    first = np.where(ever, at[outside.argmax(axis=1)].astype(np.float64), np.inf)
    alarms = np.array(
        [
            any(sequential.against_shares([int(a), int(b)], [0.5, 0.5]) >= 1 / SHARES_ALPHA for a, b in row)
            for row in n.transpose(1, 2, 0)
        ]
    )
    return ever, usually.any(axis=1), usually[:, -1], missed.any(axis=1), outside[:, -1], alarms, first

"""Bounds of a mean that hold however often one looks: a confidence sequence, in place of a confidence interval.

A 95 % interval that is looked at every minute is wrong at some minute far more often than once in twenty times. These
bounds are wrong at *any* minute, ever, with at most the chance that was promised, so that one may stop as soon as they
say something. Robbins' mixture (1970); for proportions Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49 (2021).
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

PRIOR = 0.5  # both parameters of the beta distribution that is mixed over: Jeffreys' prior
STEPS = 60  # of a bisection: the bounds are exact to 1e-18


@dataclass(frozen=True, slots=True)
class Bounds:
    """A mean of `count` values, each from 0 to 1, and what it may be by them. `mean`: None where there are none."""

    mean: float | None
    low: float
    high: float
    count: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def bounds(total: float, count: int, *, level: float) -> Bounds:
    """What the mean of values from 0 to 1 may be, of which `count` add up to `total`.

    For independent values of one mean p the chance that p is ever outside, over all counts there will be, is at most
    `level` (above 0, below 1). With B the beta function and a = PRIOR,

        M(p) = B(a + total, a + count - total) / (B(a, a) p^total (1 - p)^(count - total))

    is a martingale for values 0 and 1, and for any other values from 0 to 1 a supermartingale, because p's factor is
    convex in the value. It begins at 1, so by Ville's inequality it ever reaches 1 / level with a chance of at most
    `level`: the bounds are the p with M(p) < 1 / level.
    """
    if not count:
        return Bounds(None, 0.0, 1.0, 0)
    total = min(max(total, 0.0), float(count))
    mean, allowed = total / count, -math.log(level)
    evidence = _log_beta(PRIOR + total, PRIOR + count - total) - _log_beta(PRIOR, PRIOR)

    def is_inside(p: float) -> bool:
        return evidence - _times_log(total, p) - _times_log(count - total, 1 - p) < allowed

    low = 0.0 if is_inside(0.0) else _edge(mean, 0.0, is_inside)
    high = 1.0 if is_inside(1.0) else _edge(mean, 1.0, is_inside)
    return Bounds(mean, low, high, count)


def _edge(inside: float, outside: float, is_inside: Any) -> float:
    """Where it stops to be inside, on the side of `outside`: M grows on the way from the mean to either end."""
    for _ in range(STEPS):
        between = (inside + outside) / 2
        if is_inside(between):
            inside = between
        else:
            outside = between
    return outside


def _times_log(times: float, value: float) -> float:
    if not times:
        return 0.0
    return times * math.log(value) if value > 0 else -math.inf


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

"""Intervals and tests that hold at every look, however often somebody looks and whenever they stop. Numpy only.

Asymptotic confidence sequences: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and
asymptotic confidence sequences", Annals of Statistics 52(6), 2024, theorem 2.2. Tests of counts: Lindon and Malek,
"Anytime-valid inference for multinomial count data", NeurIPS 2022.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
CONCENTRATION = 100.0  # of the Dirichlet prior on shares, around those that were meant
PREFERENCE = 10.0  # of the Beta prior on a preference, around one half
LEAST_USERS, LEAST_DOING = 100, 10  # of each side, before anything is said: the theorem is for many
STEPS = 60  # of bisection: more than a float has digits
MOST_FACTOR = 1e6


def rho_squared(planned: Any, alpha: float) -> Any:
    """The mixing variance that makes the sequence tightest near `planned` observations (section 2.3, their ρ²)."""
    log = -2.0 * math.log(alpha)
    return (log + math.log(log + 1.0)) / planned


def width(error: Any, n: Any, *, planned: float, alpha: float) -> Any:
    """Half the width of the (1 - alpha) confidence sequence after `n` observations: theorem 2.2.

    `error`: the standard error of the estimate. σ √(2(nρ²+1)/(n²ρ²) · log(√(nρ²+1)/α)), with error = σ/√n. Arrays of
    one shape, or numbers.
    """
    scaled = n * rho_squared(planned, alpha)
    return error * np.sqrt(2.0 * (scaled + 1.0) / scaled * np.log(np.sqrt(scaled + 1.0) / alpha))


def fixed_width(error: Any, *, z: float = 1.959963984540054) -> Any:
    """Half the width of the usual 95 % interval, which holds at one look that was fixed beforehand."""
    return error * z


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of sums over `n` end users, and the squared standard error that the linearisation gives it.

    Lists of one end user are not independent: the end user is the unit. With X and Y an end user's sums and R = ΣX/ΣY
    the influence of one is (X - R Y) / mean(Y), and the variance of R is that of the influences over n: the delta
    method (Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018).
    """

    value: float
    variance: float
    n: int

    @classmethod
    def of(cls, top: Values, bottom: Values) -> "Ratio":
        """`top`, `bottom` (n): an end user's sums. NaN where all of `bottom` are 0."""
        n, total = len(top), float(bottom.sum())
        if not total:
            return cls(math.nan, math.nan, n)
        value = float(top.sum()) / total
        influence = (top - value * bottom) / (total / n)
        return cls(value, float(influence @ influence) / (n * max(1, n - 1)), n)


@dataclass(frozen=True, slots=True)
class Interval:
    """`estimate` with what it lies between; None where that side is open."""

    estimate: float
    low: float | None
    high: float | None


def difference(base: Ratio, other: Ratio, *, planned: float, alpha: float) -> Interval:
    """`other` minus `base`, which are independent, with the confidence sequence."""
    half = float(width(math.sqrt(base.variance + other.variance), base.n + other.n, planned=planned, alpha=alpha))
    estimate = other.value - base.value
    return Interval(estimate, estimate - half, estimate + half)


def lift(base: Ratio, other: Ratio, *, planned: float, alpha: float) -> Interval:
    """`other` over `base` minus 1, with all lifts that the confidence sequence of other - (1 + lift) base holds 0 for.

    Fieller's interval (1954): it says better, or worse, just where the difference does. Open where the sign of `base`
    is not known yet. `base.value` must not be 0.
    """
    c = float(width(1.0, base.n + other.n, planned=planned, alpha=alpha)) ** 2
    a, b, v, w = base.value, other.value, base.variance, other.variance
    # (b - r a)² = c (w + r² v), in r: the square of r has the factor a² - c v.
    square, middle, rest = a * a - c * v, a * b, b * b - c * w
    if square <= 0:
        return Interval(b / a - 1.0, None, None)
    root = math.sqrt(max(0.0, middle * middle - square * rest))
    return Interval(b / a - 1.0, (middle - root) / square - 1.0, (middle + root) / square - 1.0)


def needed(base: Ratio, other: Ratio, effect: float, *, planned: float, alpha: float) -> int:
    """How many end users, of both together, tell a difference of `effect` from none, their spread being as it is."""
    n = base.n + other.n
    error = math.sqrt((base.variance + other.variance) * n)  # of one observation
    if not error > 0 or not effect > 0:
        return 0
    low, high = 1.0, 2.0
    while width(error / math.sqrt(high), high, planned=planned, alpha=alpha) > effect and high < n * MOST_FACTOR:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        if width(error / math.sqrt(middle), middle, planned=planned, alpha=alpha) > effect:
            low = middle
        else:
            high = middle
    return math.ceil(high)


def against_shares(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The evidence that counts were not drawn by these shares, at least 0; 1/α or more has a chance of α at most.

    The Bayes factor of a Dirichlet mixture around the shares: a martingale if they are right, so that it may be looked
    at always. `shares` sum to 1; all are above 0.
    """
    prior = [CONCENTRATION * share for share in shares]
    log = math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + sum(counts))
    for count, own, share in zip(counts, prior, shares, strict=True):
        log += math.lgamma(own + count) - math.lgamma(own) - count * math.log(share)
    return math.exp(min(log, 700.0))


def preference(wins: int, losses: int, *, alpha: float) -> Interval:
    """The chance of a win, with every chance against which the evidence is below 1/alpha: exact at every look.

    The sign test of Radlinski, Kurup, Joachims (CIKM 2008) by a Beta mixture (Robbins 1970). Ties are left out before.
    """
    n = wins + losses
    marginal = _log_beta(PREFERENCE + wins, PREFERENCE + losses) - _log_beta(PREFERENCE, PREFERENCE)

    def refused(chance: float) -> bool:
        likelihood = wins * math.log(chance) + losses * math.log1p(-chance)
        return marginal - likelihood >= -math.log(alpha)

    estimate = wins / n if n else 0.5
    inside = min(max(estimate, 1e-9), 1 - 1e-9)
    return Interval(estimate, _edge(refused, inside, 1e-12), _edge(refused, inside, 1 - 1e-12))


def _edge(refused: Any, inside: float, outside: float) -> float:
    """Where what is not refused at `inside` ends towards `outside`."""
    if not refused(outside):
        return round(outside)
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if refused(middle):
            outside = middle
        else:
            inside = middle
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

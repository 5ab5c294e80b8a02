"""Bounds that hold at every look: exact where that can be worked out, and counted over simulated rollouts."""

import math

import numpy as np
import pytest

from recommender.measures.bounded import bounds


def test_at_the_bounds_the_mixture_is_as_unlikely_as_the_level_says() -> None:
    found = bounds(7, 50, level=0.01)
    beta = math.lgamma(7.5) + math.lgamma(43.5) - math.lgamma(51) - 2 * math.lgamma(0.5)
    for p in (found.low, found.high):
        martingale = beta - 7 * math.log(p) - 43 * math.log(1 - p)
        assert martingale == pytest.approx(math.log(100), abs=1e-6)
    assert found.low < found.mean < found.high


def test_nothing_counted_says_nothing_and_ends_are_ends() -> None:
    assert bounds(0, 0, level=0.05) == bounds(0.0, 0, level=0.01)
    assert (bounds(0, 0, level=0.05).low, bounds(0, 0, level=0.05).high) == (0.0, 1.0)
    assert bounds(0, 1000, level=0.05).low == 0.0
    assert bounds(1000, 1000, level=0.05).high == 1.0
    assert bounds(1000, 1000, level=0.05).low > 0.99


@pytest.mark.parametrize(("draw", "mean"), [("clicks", 0.05), ("clicks", 0.5), ("scores", 0.3)])
def test_looks_after_every_list_are_wrong_in_no_more_rollouts_than_promised(draw: str, mean: float) -> None:
    """Looked at after each list: the mean leaves the bounds at some look in at most 5 % of the rollouts.

    An ordinary 95 % interval (Wald's), looked at as often, leaves it out in far more.
    """
    source, level = np.random.default_rng(3), 0.05
    rollouts, length = (2000, 2000) if draw == "clicks" else (200, 500)
    shape = (rollouts, length)
    values = source.random(shape) < mean if draw == "clicks" else source.beta(0.6, 1.4, shape)
    totals, counts = np.cumsum(values, axis=1, dtype=np.float64), np.arange(1, length + 1)
    log_gamma = np.array([math.lgamma(0.5 + n / 2) for n in range(2 * length + 2)])  # at halves: exact for clicks
    if draw == "clicks":
        whole = totals.astype(np.int64)
        beta = log_gamma[2 * whole] + log_gamma[2 * (counts - whole)]
    else:
        beta = np.vectorize(math.lgamma)(0.5 + totals) + np.vectorize(math.lgamma)(0.5 + counts - totals)
    beta = beta - np.array([math.lgamma(n + 1) for n in counts]) - 2 * math.lgamma(0.5)
    evidence = beta - totals * math.log(mean) - (counts - totals) * math.log(1 - mean)
    wrong = (evidence >= -math.log(level)).any(axis=1).mean()
    spread = np.sqrt(np.maximum(totals / counts * (1 - totals / counts), 1e-9) / counts)
    naive = (np.abs(totals / counts - mean) > 1.96 * spread)[:, 99:].any(axis=1).mean()

    assert wrong <= level
    assert draw == "scores" or naive > 4 * level
    last = bounds(float(totals[0, -1]), length, level=level)  # the same rule as the array's
    assert (last.low <= mean <= last.high) == (evidence[0, -1] < -math.log(level))

"""Intervals that hold at every look: simulated, against known numbers, and against what they are meant to avoid."""

import math

import numpy as np
import pytest

from benchmarks.experiments.simulated import Design, looked_at
from recommender.measures import sequential
from recommender.measures.sequential import Ratio


def test_the_width_is_the_formula_of_the_paper() -> None:
    rho = (-2 * math.log(0.05) + math.log(1 - 2 * math.log(0.05))) / 1000
    n, sigma = 400, 0.3
    due = sigma * math.sqrt(2 * (n * rho + 1) / (n * n * rho) * math.log(math.sqrt(n * rho + 1) / 0.05))
    assert sequential.width(sigma / math.sqrt(n), n, planned=1000, alpha=0.05) == pytest.approx(due)
    assert sequential.width(1, 400, planned=1000, alpha=0.05) > sequential.fixed_width(1)


def test_the_unit_is_the_end_user_and_not_the_list() -> None:
    """Each has 20 lists that are all clicked or none: 50 end users say as much as 50 numbers."""
    clicked = np.repeat([0.0, 20.0], 25)
    made = Ratio.of(clicked, np.full(50, 20.0))
    assert made.value == 0.5
    assert math.sqrt(made.variance) == pytest.approx(0.5 / math.sqrt(49))


def test_the_linearised_variance_is_that_of_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    lists = rng.integers(1, 9, 400).astype(float)
    clicked = rng.binomial(lists.astype(int), rng.beta(2, 6, 400)).astype(float)
    drawn = rng.integers(0, 400, (2_000, 400))
    again = clicked[drawn].sum(axis=1) / lists[drawn].sum(axis=1)
    assert math.sqrt(Ratio.of(clicked, lists).variance) == pytest.approx(again.std(), rel=0.08)


def test_a_lift_and_a_difference_agree_on_who_is_better() -> None:
    for other in np.linspace(0.06, 0.16, 41):
        one, two = (Ratio(value, value * (1 - value) / 4000, 4000) for value in (0.1, float(other)))
        difference = sequential.difference(one, two, planned=5000, alpha=0.05)
        lift = sequential.lift(one, two, planned=5000, alpha=0.05)
        assert lift.low is not None
        assert lift.high is not None
        assert difference.low is not None
        assert (lift.low > 0, lift.high < 0) == (
            difference.low > 0,
            difference.high is not None and difference.high < 0,
        )
        assert lift.low <= lift.estimate <= lift.high


def test_a_lift_over_what_may_be_nothing_is_open() -> None:
    made = sequential.lift(Ratio(0.001, 1e-6, 100), Ratio(0.002, 1e-6, 100), planned=1000, alpha=0.05)
    assert (made.low, made.high) == (None, None)


def test_as_many_end_users_as_are_said_to_be_needed_tell_the_effect() -> None:
    one, two = (Ratio(value, value * 0.9 / 500, 500) for value in (0.1, 0.11))
    needed = sequential.needed(one, two, 0.01, planned=20_000, alpha=0.05)
    error = math.sqrt((one.variance + two.variance) * 1000 / needed)
    assert sequential.width(error, needed, planned=20_000, alpha=0.05) == pytest.approx(0.01, rel=1e-3)


def test_false_alarms_of_a_a_runs_stay_below_what_is_promised_and_those_of_usual_intervals_do_not() -> None:
    found = looked_at(Design(runs=300, users=2_000, looks=40, rate=0.12, planned=2_000), seed=11)
    assert found.false_alarms <= 0.05
    assert found.naive > 0.15
    assert found.shares <= 0.02


def test_a_planted_effect_is_found_and_lies_inside_at_every_look() -> None:
    design = Design(runs=200, users=4_000, looks=20, rate=0.2, lift=0.4, planned=4_000)
    found = looked_at(design, seed=5)
    assert found.power > 0.9
    assert found.missed <= 0.05


def test_shares_that_are_wrong_are_told_and_right_ones_are_not() -> None:
    assert sequential.against_shares([5_000, 5_000], [0.5, 0.5]) < 1
    assert sequential.against_shares([5_300, 4_700], [0.5, 0.5]) > 1_000
    assert sequential.against_shares([0, 0], [0.5, 0.5]) == pytest.approx(1)
    # The mean of the evidence is 1 where the shares are right: it is the sum over all counts of chance times evidence.
    chances = [math.comb(12, k) * 0.3**k * 0.7 ** (12 - k) for k in range(13)]
    evidence = [sequential.against_shares([k, 12 - k], [0.3, 0.7]) for k in range(13)]
    assert sum(a * b for a, b in zip(chances, evidence, strict=True)) == pytest.approx(1)


def test_a_preference_holds_at_every_look() -> None:
    assert sequential.preference(0, 0, alpha=0.05).low == 0
    made = sequential.preference(80, 20, alpha=0.05)
    assert made.low is not None
    assert made.high is not None
    assert 0.5 < made.low < 0.8 < made.high < 1
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(100):
        wins = np.cumsum(rng.random(400) < 0.5)
        looks = [sequential.preference(int(wins[n - 1]), int(n - wins[n - 1]), alpha=0.05) for n in range(20, 401, 20)]
        alarms += any((one.low or 0) > 0.5 or (one.high or 0) < 0.5 for one in looks)
    assert alarms <= 5

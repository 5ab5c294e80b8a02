import math

import pytest

from recommender.artifacts.golden import Differences
from recommender.measures.bootstrap import Interval
from recommender.promotion import gates


def difference(estimate, low, high):
    return Interval(estimate, low, high, end_users=200, seeds=1, draws=1000)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (difference(0.001, -0.001, 0.003), "passed"),
        (difference(0.0, 0.0, 0.0), "passed"),
        (difference(-0.0015, -0.0019, -0.0011), "passed"),
        (difference(0.001, -0.0021, 0.004), "passed"),  # 200 end users cannot show less than 0.0106
        (difference(-0.003, -0.01, 0.004), "passed"),
        (difference(-0.003, -0.0107, 0.004), "unsure"),
        (difference(-0.003, -0.005, -0.001), "failed"),
        (None, "unsure"),
    ],
)
def test_quality_passes_only_where_even_the_lower_end_is_within_the_margin(found, outcome):
    gate = gates.quality("gauc", found, margin=0.002, against=3)

    assert gate.outcome == outcome
    assert gate.passed == (outcome == "passed")


def test_words_name_the_figure_its_interval_what_is_allowed_and_the_setting():
    said = gates.quality("ndcg", difference(-0.003, -0.02, 0.004), margin=0.002, against=3).words

    assert said.startswith("Too few end users to tell: with 200 of them NDCG@10 is −0.0030 against version 3")
    assert "95 % interval −0.0200 to +0.0040" in said
    assert "at worst −0.0177 is allowed (so few end users cannot show less; R4_GATE_NDCG_MARGIN" in said


@pytest.mark.parametrize(
    ("found", "margin", "needed"),
    [
        (difference(-0.001, -0.012, 0.01), 0.002, 25_000),  # .011 * sqrt(200) / .001, squared: 24,200
        (difference(0.001, -0.012, 0.014), 0.002, 1_200),  # what so few can show: (.1838 - .15) / .001, squared: 1,145
        (difference(0.004, -0.012, 0.02), 0.02, 89),
        (difference(-0.003, -0.0107, 0.004), 0.002, None),
    ],
)
def test_what_is_unsure_says_how_many_would_show_it_if_any_would(found, margin, needed):
    """With so many and the interval that they would have it passes."""
    assert gates.needed_for("gauc", found, margin) == needed
    if needed is not None and margin == 0.002:
        gate = gates.quality("gauc", found, margin=margin, against=3)
        assert (gate.outcome, gate.end_users, gate.needed) == ("unsure", 200, needed)
        low = found.estimate - (found.estimate - found.low) * math.sqrt(200 / needed)
        later = Interval(found.estimate, low, found.high, end_users=needed, seeds=1, draws=1000)
        assert gates.quality("gauc", later, margin=margin, against=3).passed


def test_the_margin_of_the_setting_holds_where_enough_end_users_are_tested():
    many = Interval(-0.001, -0.003, 0.001, end_users=100_000, seeds=1, draws=1000)
    gate = gates.quality("gauc", many, margin=0.002, against=3)

    assert (gate.outcome, gate.limit) == ("unsure", -0.002)
    assert "at worst −0.0020 is allowed (R4_GATE_GAUC_MARGIN)" in gate.words


@pytest.mark.parametrize(("p95", "outcome"), [(10.0, "passed"), (250.0, "passed"), (250.1, "failed"), (None, "passed")])
def test_latency_is_held_against_its_limit(p95, outcome):
    gate = gates.latency(p95, requests=60, items=1234, limit_ms=250)

    assert (gate.outcome, gate.value, gate.limit) == (outcome, p95, 250)


@pytest.mark.parametrize("value", [1.1e-5, math.inf, math.nan])
def test_a_graph_that_scores_differently_from_the_trained_backbone_fails(value):
    assert gates.golden(Differences(value, 0.0, 8)).outcome == "failed"
    assert gates.parity(Differences(0.0, value, 8)).outcome == "failed"
    assert gates.golden(Differences(1e-5, value, 8)).passed
    assert not Differences(value, 0.0, 8).are_small


@pytest.mark.parametrize("found", [None, Differences(0.0, 0.0, 0)])
def test_an_artifact_without_golden_users_passes_neither(found):
    assert not gates.golden(found).passed
    assert not gates.parity(found).passed


def test_changed_files_are_named():
    assert gates.files([]).passed
    assert "model.onnx" in gates.files(["model.onnx"]).words


def test_missing_gates_are_those_nobody_measured():
    measured = [gates.first(name).to_json() for name in gates.QUALITY]

    assert gates.missing(measured) == [
        "Files unchanged",
        "Same answers after export",
        "Same score alone or in a list",
        "Fast enough",
    ]
    assert gates.missing([gates.Gate(name, "failed", "").to_json() for name in gates.REQUIRED]) == []


@pytest.mark.parametrize(
    ("value", "text"), [(0.00123, "+0.0012"), (-0.5, "−0.5000"), (-0.00001, "0.0000"), (0, "0.0000")]
)
def test_figures_carry_their_sign(value, text):
    assert gates.signed(value) == text

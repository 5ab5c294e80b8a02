import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.thinkrec.experts.gate import EVEN, alone_above, by_weights, choose, weigh

NUMBERS = st.integers(2, 10)
COORDINATE = st.floats(-10, 10, width=32)


@st.composite
def people(draw):
    """An end user's vector and N experts' vectors."""
    number, width = draw(NUMBERS), draw(st.integers(1, 6))
    return (
        draw(arrays(np.float32, width, elements=COORDINATE)),
        draw(arrays(np.float32, (number, width), elements=COORDINATE)),
    )


def simplex(number):
    return st.lists(st.floats(1e-9, 1), min_size=number, max_size=number).map(
        lambda raw: [one / sum(raw) for one in raw]
    )


def entropy(weights):
    return -sum(one * math.log(one) for one in weights if one > 0)


@given(people())
def test_weights_are_the_softmax_of_cosines_over_a_tenth_and_sum_to_one(given_):
    vector, experts = given_
    weights = weigh(vector, experts)
    assert sum(weights) == pytest.approx(1)

    def cosine(a, b):
        lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
        return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0

    powers = [math.exp(cosine(vector.astype(float), expert.astype(float)) / 0.1) for expert in experts]
    assert weights == pytest.approx([power / sum(powers) for power in powers])


@given(people(), st.randoms(use_true_random=False))
def test_the_order_of_the_experts_does_not_matter(given_, random):
    vector, experts = given_
    order = list(range(len(experts)))
    random.shuffle(order)
    one, other = choose(vector, experts), choose(vector, experts[order])
    assert one.kind == other.kind
    assert [one.weights[place] for place in order] == pytest.approx(other.weights)


@given(NUMBERS.flatmap(simplex))
def test_the_three_outcomes_are_those_of_the_formulas_and_the_order_of_the_tests_does_not_matter(weights):
    number = len(weights)
    even = entropy(weights) >= 0.95 * math.log(number)
    alone = max(weights) > 0.5 + 0.6 / number
    assert not (even and alone)
    assert by_weights(weights).kind == ("global" if even else "single" if alone else "fused")


@pytest.mark.parametrize("number", range(2, 11))
def test_the_most_even_weights_with_one_at_the_threshold_are_not_even_enough_for_the_global_adapter(number):
    best = alone_above(number)
    rest = (1 - best) / (number - 1)
    assert entropy([best, *[rest] * (number - 1)]) < EVEN * math.log(number)


@given(NUMBERS.flatmap(simplex))
def test_scales_are_what_acts_and_sum_to_one(weights):
    choice = by_weights(weights)
    scales = choice.scales
    assert len(scales) == 1 + len(weights)
    assert sum(scales) == pytest.approx(1)
    if choice.kind == "global":
        assert scales == (1, *[0] * len(weights))
    elif choice.kind == "single":
        assert scales[1 + int(np.argmax(weights))] == 1
        assert scales.count(0) == len(weights)
    else:
        assert scales == (0, *weights)


@given(NUMBERS, st.integers(1, 5))
def test_a_vector_of_zeros_gets_the_global_adapter(number, width):
    experts = np.eye(number, width, dtype=np.float32)
    choice = choose(np.zeros(width, dtype=np.float32), experts)
    assert choice.kind == "global"
    assert choice.weights == pytest.approx([1 / number] * number)


@given(people(), st.floats(1e-3, 1e3))
def test_the_length_of_a_vector_does_not_matter(given_, factor):
    vector, experts = given_
    longer = vector.astype(np.float64) * factor
    assert choose(longer, experts).weights == pytest.approx(choose(vector, experts).weights)


@pytest.mark.parametrize(
    ("gap", "kind"),
    [(0, "global"), (0.053, "global"), (0.055, "fused"), (0.138, "fused"), (0.139, "single"), (1, "single")],
)
def test_two_experts_are_told_apart_by_the_gap_of_their_cosines(gap, kind):
    # cos(e_u, e_1) = .5 + gap / 2 and cos(e_u, e_2) = .5 - gap / 2
    cosines = [0.5 + gap / 2, 0.5 - gap / 2]
    experts = np.array([[cosine, math.sqrt(1 - cosine**2)] for cosine in cosines])
    assert choose(np.array([1.0, 0.0]), experts).kind == kind
    assert choose(np.array([1.0, 0.0]), experts[::-1]).kind == kind


def test_exactly_at_a_threshold_the_entropy_decides_for_the_global_adapter_and_the_largest_weight_for_fusion():
    assert by_weights([0.8, 0.2]).kind == "fused"
    assert by_weights([np.nextafter(0.8, 1), 0.2]).kind == "single"
    assert by_weights([1, 0]).kind == "single"
    assert by_weights([0.5, 0.5]).kind == "global"
    # All weight on one of ten but what another needs: alone; shared by two of ten: neither even nor alone.
    assert by_weights([0.57, 0.43, *[0] * 8]).kind == "single"
    assert by_weights([0.5, 0.5, *[0] * 8]).kind == "fused"


@pytest.mark.parametrize("number", [0, 1])
def test_without_a_choice_of_experts_the_global_adapter_acts(number):
    choice = choose(np.array([1.0, 2.0]), np.ones((number, 2)))
    assert choice.kind == "global"
    assert choice.scales == (1, *[0] * number)


@pytest.mark.parametrize(
    ("vector", "experts", "told"),
    [
        ([1, math.nan], [[1, 0], [0, 1]], "NaN"),
        ([1, 0], [[1, math.inf], [0, 1]], "infinite"),
        ([1, 0, 0], [[1, 0], [0, 1]], "does not go with"),
        ([[1, 0]], [[1, 0], [0, 1]], "does not go with"),
    ],
)
def test_broken_vectors_are_refused_in_words(vector, experts, told):
    with pytest.raises(ValueError, match=told):
        choose(np.array(vector, dtype=float), np.array(experts, dtype=float))


def test_very_short_and_very_long_vectors_are_weighed_as_others():
    experts = np.array([[1, 0], [0, 1]], dtype=np.float32)
    for size in (1e-38, 1e38):
        assert choose(np.array([size, 0], dtype=np.float32), experts).kind == "single"


def test_a_decision_is_told_in_words():
    names = ["Westerns", "Dramas", "Comedies"]
    assert "all users share" in by_weights([1 / 3] * 3).words(names)
    assert by_weights([0.05, 0.9, 0.05]).words(names) == "“Dramas” answers alone, with 90 % of the weight."
    told = by_weights([0.38, 0.618, 0.002]).words(names)
    assert told == "Several groups answer together: “Dramas” 62 %, “Westerns” 38 %."

"""Experts by an endpoint: which act, what llama.cpp is told, and how the answers of several are mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.thinkrec.experts.gate import by_weights
from recommender.thinkrec.experts.remote import acting, lora_scales, mixed

WEIGHTS = st.lists(st.floats(1e-6, 1), min_size=2, max_size=10).map(lambda raw: [one / sum(raw) for one in raw])
NAMES = ["all", "one", "two"]


def acts(weights: list[float]) -> dict[str, float]:
    return acting(["all", *(f"g{n}" for n in range(len(weights)))], by_weights(weights).scales)


def test_a_request_to_llama_cpp_names_the_adapters_that_act_and_reads_no_states_of_other_scales() -> None:
    held = {"all": 4, "one": 2, "two": 9, "of somebody else": 0}
    told = lora_scales(acting(NAMES, by_weights([0.3, 0.7]).scales), held)
    assert told == {"lora": [{"id": 9, "scale": 0.7}, {"id": 2, "scale": 0.3}], "cache_prompt": False}
    for weights, number in (([0.5, 0.5], 4), ([0.1, 0.9], 9)):
        alone = lora_scales(acting(NAMES, by_weights(weights).scales), held)
        assert alone["lora"] == [{"id": number, "scale": 1.0}]
    with pytest.raises(ValueError, match="zip"):
        acting(NAMES[:2], by_weights([0.7, 0.3]).scales)


def test_a_group_without_an_adapter_of_its_own_adds_to_the_global_one() -> None:
    assert acting(["all", "one", "all"], [0.0, 0.6, 0.4]) == {"one": 0.6, "all": 0.4}
    assert acting(["all", "all", "all"], [0.2, 0.4, 0.4]) == {"all": pytest.approx(1.0)}
    assert acting([], []) == {}


@given(WEIGHTS, st.data())
def test_mixed_probabilities_lie_between_those_of_the_adapters_that_act(
    weights: list[float], data: st.DataObject
) -> None:
    scales = acts(weights)
    assert sum(scales.values()) == pytest.approx(1)
    assert list(scales.values()) == sorted(scales.values(), reverse=True)
    said = {name: data.draw(st.floats(0, 1)) for name in scales}
    found = mixed(scales, said)
    assert min(said.values()) - 1e-9 <= found <= max(said.values()) + 1e-9
    assert found + mixed(scales, {name: 1 - p for name, p in said.items()}) == pytest.approx(1)
    if by_weights(weights).kind != "fused":
        assert [found] == list(said.values())


@given(WEIGHTS, st.floats(0, 1))
def test_where_all_agree_the_mixture_says_the_same(weights: list[float], p: float) -> None:
    scales = acts(weights)
    assert mixed(scales, dict.fromkeys(scales, p)) == pytest.approx(p)


def test_a_probability_that_is_missing_or_is_none_is_refused() -> None:
    scales = acts([0.7, 0.3])
    for said in ({"g0": 0.5}, {"g0": 0.5, "g1": 1.5}, {"g0": 0.5, "g1": float("nan")}, {"g0": -0.1, "g1": 0.5}):
        with pytest.raises(ValueError, match="no probability"):
            mixed(scales, said)

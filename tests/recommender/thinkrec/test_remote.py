import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.thinkrec.experts.gate import by_weights
from recommender.thinkrec.experts.remote import asked, lora_scales, mixed

WEIGHTS = st.lists(st.floats(1e-6, 1), min_size=2, max_size=10).map(lambda raw: [one / sum(raw) for one in raw])


def test_a_request_to_llama_cpp_scales_every_adapter_and_reads_no_states_of_other_scales():
    fused = lora_scales(by_weights([0.7, 0.3]), [4, 2, 9])
    assert fused == {
        "lora": [{"id": 4, "scale": 0.0}, {"id": 2, "scale": 0.7}, {"id": 9, "scale": 0.3}],
        "cache_prompt": False,
    }
    assert [one["scale"] for one in lora_scales(by_weights([0.5, 0.5]), [4, 2, 9])["lora"]] == [1, 0, 0]
    assert [one["scale"] for one in lora_scales(by_weights([0.1, 0.9]), [4, 2, 9])["lora"]] == [0, 0, 1]
    with pytest.raises(ValueError, match="zip"):
        lora_scales(by_weights([0.7, 0.3]), [4, 2])


@given(WEIGHTS, st.data())
def test_mixed_probabilities_lie_between_those_of_the_adapters_that_act(weights, data):
    choice = by_weights(weights)
    said = {place: data.draw(st.floats(0, 1)) for place in asked(choice)}
    found = mixed(choice, said)
    assert min(said.values()) - 1e-12 <= found <= max(said.values()) + 1e-12
    opposite = mixed(choice, {place: 1 - p for place, p in said.items()})
    assert found + opposite == pytest.approx(1)
    if choice.kind != "fused":
        assert len(said) == 1
        assert found == next(iter(said.values()))


@given(WEIGHTS, st.floats(0, 1))
def test_where_all_agree_the_mixture_says_the_same(weights, p):
    choice = by_weights(weights)
    assert mixed(choice, dict.fromkeys(asked(choice), p)) == pytest.approx(p)


def test_a_probability_that_is_missing_or_is_none_is_refused():
    choice = by_weights([0.7, 0.3])
    assert asked(choice) == (1, 2)
    for said in ({1: 0.5}, {1: 0.5, 2: 1.5}, {1: 0.5, 2: float("nan")}, {1: -0.1, 2: 0.5}):
        with pytest.raises(ValueError, match="no probability"):
            mixed(choice, said)

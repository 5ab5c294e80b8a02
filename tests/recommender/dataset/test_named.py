"""Splits as runs of LLMs store them: one text each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.named import codes_of, parsed, spelled
from recommender.dataset.split import NO_CUTS, split
from recommender.management.options import made
from recommender.models import Clock
from recommender.runs.errors import CannotTrainError
from recommender.setting import SettingError, Settings
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.experts.config import GroupingConfig
from recommender.thinkrec.scoring.config import ScoringConfig
from recommender.thinkrec.tuning.config import ThinkrecConfig
from tests.recommender.training import synthetic

CONFIGS = {ThinkrecConfig: {"base": "smollm2"}, ScoringConfig: {}, EvaluationConfig: {}, GroupingConfig: {}}
WRONG = [
    "given",
    "given:9",
    "given:9:5",
    "given:5:5",
    "given:05:9",
    "given:+5:9",
    "given:5:9:",
    "given:5:٩",
    "R4ec",
    "",
]


@given(st.integers(-(2**40), 2**40), st.integers(1, 2**40))
def test_moments_come_back_as_they_were_spelled(valid_from: int, more: int) -> None:
    cuts = valid_from, valid_from + more
    assert parsed(spelled("given", cuts)) == ("given", cuts)


@pytest.mark.parametrize("name", ["r4ec", "kar", "global-time"])
def test_a_name_is_spelled_as_it_is(name: str) -> None:
    assert spelled(name) == name
    assert parsed(name) == (name, NO_CUTS)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_split_is_refused_with_what_may_be_typed(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no split: r4ec, kar, global-time, or given:VALID_FROM:TEST_FROM"):
        parsed(text)


def test_interactions_are_cut_at_the_moments_that_the_text_names() -> None:
    data = synthetic.in_memory(synthetic.rows())
    moments = sorted(set(data.moment.tolist()))
    cuts = moments[len(moments) // 2], moments[3 * len(moments) // 4]
    codes = codes_of(spelled("given", cuts), data, Clock.SECONDS)
    assert np.array_equal(codes, split("given", data.end_user, data.liked, moment=data.moment, cuts=cuts))
    assert set(codes[data.moment >= cuts[1]]) <= {0, 3}
    with pytest.raises(CannotTrainError, match="The split given needs to know which interaction came first"):
        codes_of(spelled("given", cuts), data, Clock.NONE)


@pytest.mark.parametrize("model", CONFIGS)
def test_runs_of_llms_take_given_moments(model: type[Settings]) -> None:
    assert made(model, CONFIGS[model] | {"split": "given:5:9"}).to_json()["split"] == "given:5:9"


@pytest.mark.parametrize("model", CONFIGS)
@pytest.mark.parametrize("text", ["given", "given:9:5"])
def test_and_say_what_may_be_typed_where_it_is_spelled_wrong(model: type[Settings], text: str) -> None:
    with pytest.raises(SettingError) as caught:
        model.from_json(CONFIGS[model] | {"split": text})
    assert str(caught.value).startswith("split must be one of ")
    assert str(caught.value).endswith(
        f"given:VALID_FROM:TEST_FROM (the first moments to validate on and to test, in this order); it is {text!r}."
    )

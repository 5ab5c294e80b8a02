"""The test part as a version saw it: kept compactly, and scored with intervals over end users."""

import json

import numpy as np
import pytest

from recommender.artifacts import held_out
from recommender.measures.scores import auc, gauc
from recommender.runs.observer import WITH, WITHOUT
from tests.recommender.training import synthetic


@pytest.fixture
def tested():
    data = synthetic.in_memory(synthetic.rows())
    rows = np.flatnonzero(np.arange(len(data)) % 24 >= 20)
    source = np.random.default_rng(0)
    guess = source.uniform(size=len(rows))
    return data, rows, {WITHOUT: guess, WITH: np.clip(0.7 * guess + 0.3 * (data.liked[rows] > 0), 0, 1)}


def test_predictions_come_back_with_ids_that_mean_the_same_anywhere(tested, tmp_path):
    data, rows, predicted = tested
    held_out.save(tmp_path, data, rows, predicted)
    with np.load(tmp_path / held_out.FILE, allow_pickle=False) as kept:
        names = kept["end_users"][kept["end_user"]]

        assert names.tolist() == [data.end_users[number] for number in data.end_user[rows]]
        assert kept["item"].tolist() == data.item[rows].tolist()
        assert kept["liked"].tolist() == data.liked[rows].tolist()
        np.testing.assert_allclose(kept[WITH], predicted[WITH], atol=1e-7)
    assert (tmp_path / held_out.FILE).stat().st_size < 30 * len(rows)


def test_intervals_hold_the_scores_of_both_models_and_their_difference(tested):
    data, rows, predicted = tested
    label, end_user = data.liked[rows], data.end_user[rows]
    found = held_out.intervals(label, end_user, predicted)
    better, other = (found[model]["gauc"]["estimate"] for model in (WITH, WITHOUT))

    assert found[WITH]["auc"]["estimate"] == pytest.approx(auc(label, predicted[WITH]))
    assert better == pytest.approx(gauc(label, predicted[WITH], end_user))
    assert found["gain"]["gauc"]["estimate"] == pytest.approx(better - other)
    assert found["gain"]["gauc"]["low"] > 0
    assert found[WITH]["auc"]["low"] < found[WITH]["auc"]["estimate"] < found[WITH]["auc"]["high"]
    json.dumps(found, allow_nan=False)


def test_one_model_has_no_gain_and_an_undefined_score_no_interval(tested):
    data, rows, predicted = tested
    found = held_out.intervals(np.ones(len(rows)), data.end_user[rows], {WITHOUT: predicted[WITHOUT]})

    assert set(found) == {WITHOUT}
    assert found[WITHOUT]["auc"] is None
    assert found[WITHOUT]["logloss"] is not None

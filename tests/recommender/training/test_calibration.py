import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from recommender.measures.scores import ece, logloss
from recommender.recipe import CALIBRATIONS
from recommender.training import loop
from recommender.training.calibration import LEAST_SLOPE, PRIOR, fit, logit, sigmoid
from tests.recommender.training.fitting import SMALL, fitted
from tests.recommender.training.synthetic import Silent

NUMBERS = st.floats(-50, 50, allow_nan=False)


def sample(rows=4000, *, slope=0.5, intercept=-0.7, seed=0):
    """Logits of a model that is too sure and too optimistic, and labels drawn from the truth."""
    source = np.random.default_rng(seed)
    logits = source.normal(scale=2, size=rows)
    return logits, (source.random(rows) < sigmoid(slope * logits + intercept)).astype(np.float64)


def test_platt_finds_slope_and_intercept():
    found = fit("platt", *sample())

    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.intercept == pytest.approx(-0.7, abs=0.1)


def test_temperature_finds_the_slope_alone():
    found = fit("temperature", *sample(intercept=0.0))

    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.intercept == 0.0


@pytest.mark.parametrize("method", CALIBRATIONS)
def test_the_fit_arrives_where_a_general_optimizer_does(method):
    logits, label = sample(300, seed=3)
    found = fit(method, logits, label)
    free = {"none": [], "temperature": [0], "platt": [0, 1]}[method]

    def loss(values):
        at = np.array([1.0, 0.0])
        at[free] = values
        z = at[0] * logits + at[1]
        prior = sum(  # both labels at logits -1 and 1, as often as a calibrated model would see them
            PRIOR / (2 * sigmoid(1.0) * sigmoid(-1.0)) * (np.logaddexp(0, at @ [x, 1]) - sigmoid(x) * (at @ [x, 1]))
            for x in (-1.0, 1.0)
        )
        return (np.logaddexp(0, z) - label * z).sum() + prior

    expected = minimize(loss, np.array([1.0, 0.0])[free], method="BFGS").x if free else []
    np.testing.assert_allclose(np.array([found.slope, found.intercept])[free], expected, atol=1e-4)


@pytest.mark.parametrize(("method", "intercept"), [("temperature", 0.0), ("platt", -0.7)])
def test_other_rows_of_the_same_kind_are_scored_better(method, intercept):
    found = fit(method, *sample(intercept=intercept))
    logits, label = sample(intercept=intercept, seed=9)

    assert logloss(label, found.probability(logits)) < logloss(label, sigmoid(logits)) - 0.01
    assert ece(label, found.probability(logits)) < ece(label, sigmoid(logits)) / 2


@given(st.lists(st.tuples(NUMBERS, st.sampled_from([0, 1])), max_size=30), st.sampled_from(list(CALIBRATIONS)))
def test_whatever_the_valid_part_no_ranking_changes(rows, method):
    logits = np.array([logit for logit, _ in rows])
    found = fit(method, logits, np.array([label for _, label in rows]))
    others = np.linspace(-5, 5, 11)

    assert found.slope >= LEAST_SLOPE
    assert np.isfinite([found.slope, found.intercept]).all()
    assert (np.diff(found.probability(others)) > 0).all()


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_few_rows_of_one_kind_hardly_move_a_calibration(label):
    found = fit("platt", np.array([0.3, -0.2]), np.full(2, label))

    assert found.slope == pytest.approx(1.0, abs=0.3)
    assert (found.intercept > 0) == (label > 0)
    assert abs(found.intercept) < 1


def test_a_valid_part_that_contradicts_the_train_part_still_gives_the_share_of_likes():
    logits, label = sample(slope=-0.5, intercept=-1.0)
    found = fit("platt", logits, label)

    assert found.slope == LEAST_SLOPE
    assert found.probability(logits).mean() == pytest.approx(label.mean(), abs=0.01)


def test_without_a_valid_part_nothing_is_changed():
    found = fit("platt", np.empty(0), np.empty(0))

    assert (found.slope, found.intercept) == (1.0, 0.0)


def test_logit_undoes_sigmoid_and_is_finite_at_the_ends():
    logits = np.linspace(-20, 20, 9)

    np.testing.assert_allclose(logit(sigmoid(logits)), logits, atol=1e-6)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_a_run_calibrates_its_backbone_and_says_what_that_changed():
    raw = fitted(SMALL.but(epochs=2, calibration="none"))
    done = fitted(SMALL.but(epochs=2))
    told = json.loads(json.dumps(done.fit.to_json()))
    before, after = raw.fit, done.fit
    again = loop.evaluate(done.backbone, done.examples, done.parts.test, observer=Silent())

    assert told["calibration"]["method"] == "platt"
    assert told["calibration"]["before"]["test"]["logloss"] == pytest.approx(before.test.logloss, abs=1e-6)
    assert told["calibration"]["slope"] == pytest.approx(float(done.backbone.slope), abs=1e-5)
    assert after.valid.logloss < before.valid.logloss
    assert (after.test.auc, after.test.gauc) == (pytest.approx(before.test.auc), pytest.approx(before.test.gauc))
    assert after.test.logloss == pytest.approx(again.logloss, abs=1e-6)
    assert after.test.logloss != pytest.approx(before.test.logloss, abs=1e-6)
    assert set(told["knowledge_gates"]) == {"end_user", "item"}

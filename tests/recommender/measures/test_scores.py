from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.measures import scores

SAMPLES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]), st.integers(0, 3)), max_size=40
)


def by_definition(label, score):
    """Every pair of a liked and a not liked sample, ties half: O(n²)."""
    pairs = list(
        product(
            [s for s, y in zip(score, label, strict=True) if y], [s for s, y in zip(score, label, strict=True) if not y]
        )
    )
    return sum((p > n) + 0.5 * (p == n) for p, n in pairs) / len(pairs) if pairs else None


def columns(samples):
    label, score, end_user = (np.array([row[n] for row in samples]) for n in range(3))
    return label.astype(np.float32), score.astype(np.float64), end_user.astype(np.int64)


@given(SAMPLES)
def test_auc_is_the_share_of_pairs_in_the_right_order(samples):
    label, score, _ = columns(samples)

    assert scores.auc(label, score) == pytest.approx(by_definition(label, score))


@given(SAMPLES)
def test_gauc_weighs_each_end_user_by_samples_and_drops_those_of_one_class(samples):
    label, score, end_user = columns(samples)
    each = [
        (by_definition(label[end_user == u], score[end_user == u]), (end_user == u).sum())
        for u in set(end_user.tolist())
    ]
    valid = [(value, weight) for value, weight in each if value is not None]
    expected = sum(v * w for v, w in valid) / sum(w for _, w in valid) if valid else None

    assert scores.gauc(label, score, end_user) == pytest.approx(expected)


@given(SAMPLES)
def test_uauc_gives_each_end_user_the_same_weight(samples):
    label, score, end_user = columns(samples)
    each = [by_definition(label[end_user == u], score[end_user == u]) for u in set(end_user.tolist())]
    valid = [value for value in each if value is not None]

    assert scores.uauc(label, score, end_user) == pytest.approx(sum(valid) / len(valid) if valid else None)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_ece_is_the_gap_of_each_of_fifteen_equal_bins_weighed_by_its_samples(samples):
    label, probability = (np.array(column, dtype=np.float64) for column in zip(*samples, strict=True))
    expected = 0.0
    for place in range(15):
        inside = [(y, p) for y, p in samples if min(int(p * 15), 14) == place]
        if inside:
            expected += abs(np.mean([p for _, p in inside]) - np.mean([y for y, _ in inside])) * len(inside)

    assert scores.ece(label, probability) == pytest.approx(expected / len(samples), abs=1e-12)


@given(SAMPLES, st.randoms(use_true_random=False))
def test_no_metric_depends_on_the_order_of_samples(samples, source):
    shuffled = list(samples)
    source.shuffle(shuffled)
    before, after = columns(samples), columns(shuffled)

    assert scores.gauc(*before) == pytest.approx(scores.gauc(*after))
    if samples:
        assert scores.logloss(*before[:2]) == pytest.approx(scores.logloss(*after[:2]))
        assert scores.ece(*before[:2]) == pytest.approx(scores.ece(*after[:2]))


def test_logloss_is_the_mean_negative_log_likelihood():
    found = scores.logloss(np.array([1.0, 0.0]), np.array([0.8, 0.4]))

    assert found == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)


def test_certain_and_wrong_is_finite():
    assert scores.logloss(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(-np.log(1e-7))


def test_scores_count_samples_positives_and_end_users():
    found = scores.scores(np.array([1, 0, 1]), np.array([0.5, 0.5, 0.5]), np.array([4, 4, 9]))

    assert (found.samples, found.positives, found.end_users) == (3, 2, 2)
    assert found.auc == 0.5
    assert found.gauc == 0.5
    assert found.uauc == 0.5
    assert found.ece == pytest.approx(1 / 6)

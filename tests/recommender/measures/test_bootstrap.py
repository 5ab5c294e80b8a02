import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.measures import bootstrap, scores, statistics
from recommender.measures.bootstrap import interval
from recommender.measures.statistics import METRICS, Mean

SAMPLES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]), st.integers(0, 3)), min_size=1, max_size=30
)


def made(seed, *, end_users=60, each=20, seeds=1, misjudged=0.0):
    """End users who like more and less: (label, probability, end user). `misjudged`: how far the probabilities have
    each of them wrong."""
    source = np.random.default_rng(seed)
    end_user = np.repeat(np.arange(end_users), each)
    level = source.normal(size=end_users)[end_user]
    item = source.normal(size=len(end_user))
    label = (source.random(len(end_user)) < 1 / (1 + np.exp(-level - item))).astype(np.int8)
    wrong = misjudged * source.normal(size=end_users)[end_user]
    noise = source.normal(size=(seeds, len(end_user)))
    return label, 1 / (1 + np.exp(-level - item - wrong - 0.3 * noise)), end_user


@given(SAMPLES, st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_a_statistic_with_weights_is_the_metric_of_end_users_that_often(samples, times):
    label, probability, end_user = (np.array(column) for column in zip(*samples, strict=True))
    who = np.unique(end_user)
    chosen = [np.flatnonzero(end_user == u) for u, often in zip(who, times, strict=False) for _ in range(often)]
    rows = np.concatenate(chosen) if chosen else np.zeros(0, np.int64)
    apart = np.repeat(np.arange(len(chosen)), [len(one) for one in chosen])  # each repetition is its own end user
    weights = np.array([times[: len(who)]], dtype=np.float64)
    expected = {
        "auc": scores.auc(label[rows], probability[rows]),
        "gauc": scores.gauc(label[rows], probability[rows], apart),
        "uauc": scores.uauc(label[rows], probability[rows], apart),
    }
    if len(rows):
        expected |= {
            "logloss": scores.logloss(label[rows], probability[rows]),
            "ece": scores.ece(label[rows], probability[rows]),
        }
    for name, value in expected.items():
        found = statistics.of(name, label, probability, end_user)(weights)[0]
        assert found == pytest.approx(np.nan if value is None else value, nan_ok=True, abs=1e-12), name


def test_the_estimate_is_the_metric_itself_and_lies_in_its_interval():
    label, probability, end_user = made(1)
    found = bootstrap.scores(label, probability, end_user, draws=200)
    plain = scores.scores(label, probability[0], end_user).to_json()

    assert set(found) == set(METRICS)
    for name, one in found.items():
        assert one.estimate == pytest.approx(plain[name]), name
        assert one.low < one.high
    assert found["auc"].low < found["auc"].estimate < found["auc"].high
    assert (found["auc"].end_users, found["auc"].seeds, found["auc"].draws) == (60, 1, 200)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    label, probability, end_user = made(0, end_users=20_000)
    truth = scores.auc(label, probability[0])
    held = 0
    for seed in range(1, 81):
        label, probability, end_user = made(seed)
        found = bootstrap.scores(label, probability, end_user, metrics=["auc"], draws=150)["auc"]
        held += found.low <= truth <= found.high

    assert 70 <= held <= 80  # of 80; 95 % are 76


def test_intervals_from_single_samples_would_be_too_narrow():
    label, probability, end_user = made(2, each=60, misjudged=2.0)
    by_end_user = bootstrap.scores(label, probability, end_user, metrics=["auc"], draws=300)["auc"]
    by_sample = bootstrap.scores(label, probability, np.arange(len(label)), metrics=["auc"], draws=300)["auc"]

    assert by_end_user.high - by_end_user.low > 1.5 * (by_sample.high - by_sample.low)


def test_pairing_narrows_the_interval_of_a_difference():
    label, better, end_user = made(3)
    worse = np.clip(better + 0.15 * np.random.default_rng(3).normal(size=better.shape), 0, 1)
    paired = bootstrap.scores(label, better, end_user, against=worse, metrics=["auc", "gauc"], draws=300)
    alone = [bootstrap.scores(label, rows, end_user, metrics=["auc", "gauc"], draws=300) for rows in (better, worse)]

    for name, one in paired.items():
        unpaired = np.hypot(*(side[name].high - side[name].low for side in alone))
        assert one.high - one.low < 0.7 * unpaired
        assert one.estimate == pytest.approx(alone[0][name].estimate - alone[1][name].estimate)
    assert paired["auc"].low > 0


def test_the_same_run_twice_differs_by_nothing():
    label, probability, end_user = made(4)
    found = bootstrap.scores(label, probability, end_user, against=probability, metrics=["auc", "ece"], draws=50)

    assert [(one.estimate, one.low, one.high) for one in found.values()] == [(0, 0, 0), (0, 0, 0)]


def test_seeds_are_averaged_and_their_spread_widens_the_interval():
    values = np.full((5, 40), 0.7) + np.array([-0.1, -0.05, 0, 0.05, 0.1])[:, None]
    found = interval([Mean.over_end_users(row) for row in values], draws=2000)

    assert found.estimate == pytest.approx(0.7)
    # Only seeds differ: the standard error of a mean of five is their deviation over the square root of five.
    error = np.std(values[:, 0], ddof=1) / np.sqrt(5)
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)
    assert found.seeds == 5


def test_the_same_seed_gives_the_same_interval():
    label, probability, end_user = made(5, seeds=3)
    first, again, other = (
        bootstrap.scores(label, probability, end_user, metrics=["auc"], draws=100, seed=seed)["auc"]
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_no_interval_where_a_metric_is_undefined():
    found = bootstrap.scores(np.ones(4), np.full((1, 4), 0.5), np.array([0, 0, 1, 1]), draws=20)

    assert found["auc"] is None
    assert found["gauc"] is None
    assert found["logloss"].estimate == pytest.approx(np.log(2))


def test_sides_that_do_not_pair_up_are_refused():
    label, probability, end_user = made(6, seeds=2)
    with pytest.raises(ValueError, match="pair up"):
        bootstrap.scores(label, probability, end_user, against=probability[:1])


@pytest.mark.parametrize("wrong", [np.nan, 1.5, -0.1])
def test_what_is_no_probability_is_refused(wrong):
    label, probability, end_user = made(7)
    probability[0, 3] = wrong
    with pytest.raises(ValueError, match="outside 0 to 1"):
        bootstrap.scores(label, probability, end_user)


def test_an_interval_is_json():
    found = interval([Mean.over_end_users(np.array([1.0, 2.0, np.nan]))], draws=20)

    assert found.to_json().keys() == {"estimate", "low", "high", "end_users", "seeds", "draws"}
    assert bootstrap.DRAWS == 1000

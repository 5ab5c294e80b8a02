"""Items' means go on with what others liked since the fit: `newer_likes`."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.dataset.examples import build
from recommender.dataset.histories import STREAMING, frozen
from recommender.dataset.interactions import fitted_on
from recommender.dataset.split import TEST, split
from recommender.dataset.texts import KnowledgeRows
from recommender.runs.observer import WITHOUT
from recommender.signals import statistics
from recommender.signals.newer import STEADY, Newer, go_on, surplus
from recommender.signals.protocol import Candidates, Counted
from recommender.signals.sources import Sources
from recommender.training.inputs import make_inputs
from tests.recommender.signals.sources import CONFIG, fit
from tests.recommender.training.fitting import SMALL, prepared
from tests.recommender.training.synthetic import in_memory, rows

GOES_ON = CONFIG.but(newer_likes=True, collaborative=False, metadata=False, drift=False)


@pytest.fixture(scope="module")
def data():
    """Some meet an item twice, several things come at one moment, and of a few nobody knows whether they were liked."""
    met = rows(end_users=30)
    again = [(one[0], one[1], one[2] + 125, 1.0) for one in met[::9]]
    made = in_memory([*met, *again])
    liked = made.liked.copy()
    liked[::17] = -1
    return replace(made, liked=liked)


@pytest.fixture(scope="module")
def codes(data):
    return split("r4ec", data.end_user, data.liked)


def fitted(data, codes, config=GOES_ON):
    joined = fit(Sources(config, data, codes), build(data, KnowledgeRows([]), history=5))
    return joined.signals.fitted["statistics"], joined.columns("statistics")


def test_what_others_liked_before_a_row_counts_and_nothing_else(data, codes):
    known = fitted_on(data, codes)
    for rows_ in (data, frozen(data, codes)):
        seen = Newer(data, known).seen_by(rows_)
        expected = np.zeros((len(data), 2), dtype=np.int64)
        for row in np.flatnonzero(~known):
            earlier = ~known & (data.moment < rows_.moment[row]) & (data.item == data.item[row])
            theirs = earlier & (data.end_user != data.end_user[row])
            expected[row] = np.count_nonzero(data.liked[theirs] >= 0), np.count_nonzero(data.liked[theirs] == 1)

        np.testing.assert_array_equal(seen, expected)
        assert seen.any()


def test_a_mean_goes_on_from_its_prior_and_comes_to_what_is_newer():
    mean, count = np.array([0.5, 0.5, 0.5, 0.5]), np.array([0.0, 15.0, 0.0, 0.0])
    after = go_on(mean, count, np.array([[5, 5], [5, 5], [0, 0], [10_000, 9_000]]))

    np.testing.assert_allclose(after[:3], [0.75, 0.6, 0.5])
    assert after[3] == pytest.approx(0.9, abs=1e-3)


def test_counts_that_fell_say_nothing():
    fell, mean = np.array([[-4, -1], [0, 3]]), np.array([0.3, 0.3])

    np.testing.assert_array_equal(go_on(mean, np.ones(2), fell), mean)
    assert surplus(mean, fell) == 0


def test_what_all_newer_likes_have_in_common_says_nothing_of_an_item():
    mean, count = np.full(2, 0.5), np.full(2, 10.0)
    newer = np.array([[5000, 3500], [5000, 3500]])
    more = surplus(mean, newer)

    assert more == pytest.approx(0.2, abs=2e-3)
    np.testing.assert_allclose(go_on(mean, count, newer, more), mean, atol=2e-3)
    assert go_on(mean, count, np.array([[5000, 4000], [0, 0]]), more)[0] == pytest.approx(0.6, abs=4e-3)


def test_the_surplus_of_a_row_is_that_of_all_before_it(data, codes):
    known, mean = fitted_on(data, codes), np.linspace(0.2, 0.8, len(data.items))
    found = Newer(data, known).surplus(data, mean)

    assert not found[known].any()
    for row in np.flatnonzero(~known)[::11]:
        earlier = ~known & (data.moment < data.moment[row]) & (data.liked >= 0)
        more = (data.liked[earlier] - mean[data.item[earlier]]).sum() / (earlier.sum() + STEADY)
        assert found[row] == pytest.approx(more)


def test_what_was_fitted_on_reads_as_if_nothing_were_newer(data, codes):
    _, goes_on = fitted(data, codes)
    _, stays = fitted(data, codes, GOES_ON.but(newer_likes=False))
    known = fitted_on(data, codes)

    np.testing.assert_array_equal(goes_on[known], stays[known])
    assert (goes_on[codes == TEST, 0] != stays[codes == TEST, 0]).mean() > 0.3
    np.testing.assert_array_equal(goes_on[:, 1:], stays[:, 1:])


def test_nothing_that_is_later_reaches_a_row(data, codes):
    later = ~fitted_on(data, codes) & (data.moment >= 1150)
    other = replace(data, liked=np.where(later & (data.liked >= 0), 1 - data.liked, data.liked).astype(np.int8))
    before, after = fitted(data, codes)[1], fitted(other, codes)[1]

    np.testing.assert_array_equal(before[data.moment <= 1150], after[data.moment <= 1150])
    assert (before != after).any()


def test_what_is_served_and_read_back_is_what_was_tested(data, codes, tmp_path):
    signal, columns = fitted(data, codes)
    signal.save(tmp_path / "signal.npz")
    loaded = statistics.load(tmp_path / "signal.npz")
    known = fitted_on(data, codes)

    for row in np.flatnonzero(codes == TEST)[::7]:
        until = known | ((data.moment < data.moment[row]) & (data.end_user != data.end_user[row]))
        there = until & (data.liked >= 0) & (data.item == data.item[row])
        own = slice(*np.searchsorted(data.end_user, [data.end_user[row], data.end_user[row] + 1]))
        met = own.start + np.flatnonzero(data.moment[own] < data.moment[row])
        asked = Candidates(
            data.end_users[data.end_user[row]],
            met=data.item[met].astype(np.int64),
            liked=data.liked[met],
            item=data.item[[row]].astype(np.int64),
            end_user_text=0,
            item_text=np.zeros(1, dtype=np.int64),
        )
        earlier = (known | (data.moment < data.moment[row])) & (data.liked >= 0)
        everybody = np.stack(
            [
                np.bincount(data.item[earlier], minlength=len(data.items)),
                np.bincount(data.item[earlier], data.liked[earlier] == 1, minlength=len(data.items)),
            ],
            axis=1,
        ).astype(np.int64)
        each = np.array([[there.sum(), (data.liked[there] == 1).sum()]])
        more = loaded.surplus(np.arange(len(data.items)), everybody)
        asked = replace(asked, counted=Counted(each, more))
        np.testing.assert_allclose(loaded.read(asked)[0], columns[row], atol=1e-6)
        np.testing.assert_array_equal(loaded.read_without(asked, np.arange(len(met)))[0], loaded.read(asked))
        assert loaded.read(replace(asked, counted=None))[0, 0] == pytest.approx(
            fitted(data, codes, GOES_ON.but(newer_likes=False))[1][row, 0], abs=1e-6
        )


def test_a_list_of_all_items_goes_by_what_the_row_of_each_goes_by(data, codes):
    signal, columns = fitted(data, codes)
    stays, _ = fitted(data, codes, GOES_ON.but(newer_likes=False))
    nothing, moved = np.empty(0, dtype=np.int64), 0
    for row in np.flatnonzero(codes == TEST)[::7]:
        end_user = int(data.end_user[row])
        counted = signal.until(int(data.moment[row]), end_user)
        everything = np.arange(len(data.items))
        asked = Candidates(
            data.end_users[end_user],
            nothing,
            nothing.astype(np.int8),
            everything,
            0,
            np.zeros(len(everything), np.int64),
        )
        whole, still = (signal.read(replace(asked, counted=one))[:, 0] for one in (counted, None))

        assert whole[data.item[row]] == pytest.approx(columns[row, 0], abs=1e-6)
        moved += np.count_nonzero(whole != still)
    assert moved > 100
    assert stays.until(9_999, 0) is None


def test_an_item_that_came_since_earns_a_mean_of_its_own(data, codes):
    signal, _ = fitted(data, codes)
    nothing = np.empty(0, dtype=np.int64)
    asked = Candidates("new", nothing, nothing.astype(np.int8), np.full(2, -1), 0, np.zeros(2, np.int64))
    unknown, liked = signal.read(replace(asked, counted=Counted(np.array([[0, 0], [20, 20]]))))[:, 0]

    assert liked > unknown


def test_where_rows_were_drawn_means_stay(data, codes):
    drawn = replace(data, drawn_for=np.full(len(data), -1))

    assert fitted(drawn, codes)[0].known is None


def test_arms_of_one_study_that_differ_in_it_have_signals_of_their_own():
    shared = prepared(knowledge=False)
    stays, goes_on = (
        make_inputs(shared, SMALL.but(newer_likes=on), WITHOUT, alive=lambda: None).examples[STREAMING].signals
        for on in (False, True)
    )

    assert (stays != goes_on).any()


def test_it_is_off_unless_asked_for(data, codes, tmp_path):
    signal, _ = fitted(data, codes, GOES_ON.but(newer_likes=False))
    signal.save(tmp_path / "signal.npz")

    assert signal.known is None
    assert statistics.load(tmp_path / "signal.npz").known is None

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.signals import leave_one_out, posterior
from recommender.signals.folds import FOLDS
from recommender.signals.gaussian_process import NAMES, GaussianProcess
from recommender.signals.posterior import Rows
from recommender.signals.protocol import Candidates

ITEMS, ASKED = 6, 3
HISTORIES = st.lists(st.tuples(st.integers(0, ITEMS), st.sampled_from([-1, 0, 1])), max_size=30)


def process(columns=(0, 1, 2)):
    """Of few items, so that a history holds them again and again; the last is an item nobody knows."""
    source = np.random.default_rng(5)
    space = source.normal(size=(ITEMS + 1, 4)).astype(np.float32)
    space /= np.linalg.norm(space, axis=1, keepdims=True)
    space[[2, ITEMS]] = 0.0  # no text about these
    return GaussianProcess(
        mean=source.uniform(0.2, 0.8, (FOLDS, ITEMS + 1)).astype(np.float32),
        factors=source.normal(0, 0.4, (FOLDS, ITEMS + 1, 3)).astype(np.float32),
        columns=np.array(columns),
        spaces=[space],
        amplitudes=[0.06],
    )


def candidates(history, asked):
    return Candidates(
        "u001",
        met=np.array([item for item, _ in history], dtype=np.int64),
        liked=np.array([like for _, like in history], dtype=np.int8),
        item=np.array(asked),
        end_user_text=0,
        item_text=np.array(asked),
    )


@given(HISTORIES, st.data())
def test_every_column_is_what_reading_the_shorter_history_gives(history, data):
    places = sorted(data.draw(st.sets(st.integers(0, len(history) - 1)) if history else st.just(set())))
    asked = [0, 3, ITEMS]
    made = process()
    found = made.read_without(candidates(history, asked), np.array(places, dtype=np.int64))
    shorter = [history, *(history[:place] + history[place + 1 :] for place in places)]
    expected = [made.read(candidates(one, asked)) for one in shorter]

    assert found.shape == (1 + len(places), ASKED, len(NAMES))
    np.testing.assert_allclose(found, expected, atol=1e-4)  # many items are read in float32, and scaled


@pytest.mark.parametrize("history", [2, 80])
def test_it_is_exact_to_rounding_over_long_histories_too(history):
    source = np.random.default_rng(history)
    size = history + ASKED
    made = Rows(
        source.uniform(0.2, 0.8, size),
        source.normal(0, 0.3, (size, 4)),
        [],
        [],
        np.r_[source.integers(-1, 2, history), [-1] * ASKED].astype(np.int8),
        np.minimum(np.arange(size), history),
    )
    places = np.array([0, history // 2, history - 1])
    found = leave_one_out.read(made, history, places)
    for at, place in enumerate(places, start=1):
        kept = np.arange(size) != place
        before = np.minimum(np.arange(size - 1), history - 1)
        shorter = Rows(made.mean[kept], made.factors[kept], [], [], made.liked[kept], before)
        for ours, expected in zip(found, posterior.read(shorter), strict=True):
            np.testing.assert_allclose(ours[at], expected[history - 1 :], atol=1e-11)


def test_only_the_columns_a_backbone_reads_are_given():
    chosen = process(columns=[0, 2])
    asked = candidates([(1, 1), (4, 0)], [0])
    found = chosen.read_without(asked, np.array([1]))

    np.testing.assert_array_equal(found, process().read_without(asked, np.array([1]))[..., [0, 2]])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.signals import gaussian_process, leave_one_out
from recommender.signals.gaussian_process import Rows
from recommender.signals.tables import NAMES, Tables

ITEMS, ASKED = 6, 3
HISTORIES = st.lists(st.tuples(st.integers(0, ITEMS), st.sampled_from([-1, 0, 1])), max_size=30)


def tables(columns=tuple(range(6))):
    """Of few items, so that a history holds them again and again; the last is an item nobody knows."""
    source = np.random.default_rng(5)
    space = source.normal(size=(ITEMS + 1, 4)).astype(np.float32)
    space /= np.linalg.norm(space, axis=1, keepdims=True)
    space[[2, ITEMS]] = 0.0  # no text about these
    return Tables(
        mean=source.uniform(0.2, 0.8, (2, ITEMS + 1)).astype(np.float32),
        count=source.integers(0, 50, (2, ITEMS + 1)).astype(np.float32),
        factors=source.normal(0, 0.4, (2, ITEMS + 1, 3)).astype(np.float32),
        columns=np.array(columns),
        spaces=[space],
        bumps=[0.06],
    )


def recomputed(read, history, asked):
    item = np.array([*(one for one, _ in history), *asked], dtype=np.int64)
    liked = np.array([*(like for _, like in history), *[-1] * len(asked)], dtype=np.int8)
    before = np.minimum(np.arange(len(item)), len(history))
    return read(item, liked, before)[..., len(history) :, :]


@given(HISTORIES, st.data())
def test_every_column_is_what_reading_the_shorter_history_gives(history, data):
    places = sorted(data.draw(st.sets(st.integers(0, len(history) - 1)) if history else st.just(set())))
    asked = [0, 3, ITEMS]
    made = tables()
    found = made.read_without(
        1,
        np.array([*(one for one, _ in history), *asked], dtype=np.int64),
        np.array([*(like for _, like in history), *[-1] * ASKED], dtype=np.int8),
        len(history),
        np.array(places, dtype=np.int64),
    )
    shorter = [history, *(history[:place] + history[place + 1 :] for place in places)]
    expected = [recomputed(lambda *rows: made.read(1, *rows), one, asked) for one in shorter]

    assert found.shape == (1 + len(places), ASKED, len(NAMES))
    np.testing.assert_allclose(found, expected, atol=1e-6)


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
        for ours, expected in zip(found, gaussian_process.read(shorter), strict=True):
            np.testing.assert_allclose(ours[at], expected[history - 1 :], atol=1e-11)


def test_only_the_columns_a_backbone_reads_are_given():
    chosen = tables(columns=[0, 5])
    item, liked = np.array([1, 4, 0]), np.array([1, 0, -1], dtype=np.int8)
    found = chosen.read_without(0, item, liked, 2, np.array([1]))

    np.testing.assert_array_equal(found, tables().read_without(0, item, liked, 2, np.array([1]))[..., [0, 5]])

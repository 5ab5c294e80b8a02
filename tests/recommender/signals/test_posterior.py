import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.signals import posterior, whole_history
from recommender.signals.posterior import Rows

LIKES = st.lists(st.sampled_from([-1, 0, 1]), min_size=2, max_size=12)


def rows(liked, before=None, seed=0):
    source = np.random.default_rng(seed)
    size = len(liked)
    space = source.normal(size=(size, 4))
    space /= np.linalg.norm(space, axis=1, keepdims=True)
    space[::5] = 0.0
    return Rows(
        source.uniform(0.2, 0.8, size),
        source.normal(0, 0.3, (size, 3)),
        [space],
        [0.05],
        np.array(liked, dtype=np.int8),
        np.arange(size) if before is None else np.array(before),
    )


@given(LIKES, st.integers(0, 11))
def test_no_like_from_a_row_on_changes_what_is_read_of_it(liked, place):
    place = min(place, len(liked) - 1)
    rewritten = liked[:place] + [1 if like == 0 else 0 for like in liked[place:]]
    one, other = posterior.read(rows(liked)), posterior.read(rows(rewritten))

    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(ours[: place + 1], theirs[: place + 1], atol=1e-12)


@given(LIKES)
def test_rows_of_one_moment_do_not_read_each_other(liked):
    """All after the first two share a moment: their histories end there."""
    before = [min(place, 2) for place in range(len(liked))]
    rewritten = liked[:2] + [1 - max(like, 0) for like in liked[2:]]

    np.testing.assert_allclose(
        posterior.read(rows(liked, before))[0], posterior.read(rows(rewritten, before))[0], atol=1e-9
    )


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=12), st.integers(0, 9), st.booleans())
def test_many_items_after_a_whole_history_are_read_as_one_by_one(liked, asked, repeated):
    history = len(liked)
    made = rows([*liked, *[-1] * asked], [*range(history), *[history] * asked])
    if repeated and history > 1:  # the same item met twice
        made.factors[1], made.spaces[0][1] = made.factors[0], made.spaces[0][0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_history, "AT_A_TIME", 4)
        found = whole_history.read(made, history)

    for ours, theirs in zip(found, posterior.read(made), strict=True):
        np.testing.assert_allclose(ours, theirs[history:], atol=1e-5)  # float32, where it is many


def test_a_reading_is_the_posterior_of_a_gaussian_process():
    liked = [1, 0, -1, 1, 0, 1, -1]
    made = rows(liked)
    told = np.flatnonzero(made.liked[:-1] >= 0)
    common = made.factors @ made.factors.T + 0.05 * posterior.near(made.spaces[0], made.spaces[0])
    weights = np.linalg.solve(common[np.ix_(told, told)] + made.noise * np.eye(len(told)), np.eye(len(told)))
    with_last = common[-1, told]
    mean, std, _ = posterior.read(made)

    np.testing.assert_allclose(mean[-1], with_last @ weights @ (made.liked - made.mean)[told], atol=1e-5)
    np.testing.assert_allclose(std[-1] ** 2, common[-1, -1] - with_last @ weights @ with_last + made.noise, atol=1e-5)


def test_candidates_after_a_history_read_as_the_next_row_would():
    liked = [1, 0, 1, 1, 0]
    next_row = [column[-1] for column in posterior.read(rows(liked))]
    made = rows(liked)
    candidate = Rows(
        np.r_[made.mean[:4], made.mean[4], made.mean[4]],
        made.factors[[0, 1, 2, 3, 4, 4]],
        [made.spaces[0][[0, 1, 2, 3, 4, 4]]],
        made.amplitudes,
        np.array([*liked[:4], -1, -1], dtype=np.int8),
        np.array([0, 1, 2, 3, 4, 4]),
    )

    for column, expected in zip(posterior.read(candidate), next_row, strict=True):
        np.testing.assert_allclose(column[-2:], expected, atol=1e-12)


def test_without_history_a_reading_says_nothing():
    mean, _, with_drift = posterior.read(rows([1, 0, 1], before=[0, 0, 0]))

    assert mean.tolist() == with_drift.tolist() == [0.0, 0.0, 0.0]

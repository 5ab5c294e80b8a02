import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from recommender.thinkrec.experts.traits import SURE, traits


def test_aspects_that_a_groups_likes_have_more_often_are_told_with_their_counts():
    groups = [0] * 20 + [1] * 30
    having = [{"western": 6 + n % 2, "drama": 3} for n in range(20)] + [
        {"western": 1, "drama": 3 + n % 3} for n in range(30)
    ]
    first, second = traits(groups, [10] * 50, having)
    assert [trait.aspect for trait in first] == ["western"]
    western = first[0]
    assert (western.likes, western.of, western.people) == (130, 200, 20)
    assert western.share == pytest.approx(0.65)
    assert western.elsewhere == pytest.approx(0.1)
    assert [trait.aspect for trait in second] == ["drama"]


@given(st.integers(0, 9999))
def test_t_is_welchs_over_end_users(seed):
    random = np.random.default_rng(seed)
    likes = random.integers(1, 30, size=60)
    had = [random.binomial(count, 0.7 if n < 25 else 0.2) for n, count in enumerate(likes)]
    groups = [0 if n < 25 else 1 + n % 2 for n in range(60)]
    found = traits(groups, likes.tolist(), [{"noir": int(count)} for count in had])
    share = np.array(had) / likes
    (noir,) = found[0]
    assert noir.t == pytest.approx(ttest_ind(share[:25], share[25:], equal_var=False).statistic)
    assert found[1] == found[2] == []


def test_one_end_users_long_history_is_no_trait_of_the_group():
    groups = [0] * 20 + [1] * 20
    likes = [1000] + [10] * 39
    having = [{"horror": 900}] + [{"horror": n % 2} for n in range(39)]
    assert traits(groups, likes, having) == [[], []]


def test_what_all_of_a_group_like_and_nobody_else_is_sure():
    likes = [4, 2, 1, 7, 3, 5, 5, 5, 5, 5]
    first, second = traits([0] * 5 + [1] * 5, likes, [{"anime": count} for count in likes[:5]] + [{}] * 5)
    assert first[0].t == math.inf
    assert (first[0].likes, first[0].of, first[0].people, first[0].elsewhere) == (17, 17, 5, 0)
    assert second == []


@pytest.mark.parametrize(
    ("groups", "likes", "having"),
    [
        ([], [], []),
        ([0], [5], [{"a": 5}]),
        ([0] * 4 + [1] * 9, [5] * 13, [{"a": 5}] * 4 + [{}] * 9),  # four: how such end users vary is not known
        ([0] * 9 + [1] * 4, [5] * 13, [{"a": 5}] * 9 + [{}] * 4),
        ([0] * 9, [5] * 9, [{"a": 5}] * 9),  # nobody to compare with
        ([0] * 9 + [1] * 9, [5] * 18, [{"a": 5}] * 18),
        ([0, 0, 1, 1], [0, 0, 0, 0], [{}] * 4),
        ([1, 1], [0, 3], [{}, {"a": 1}]),  # the first group is empty
    ],
)
def test_where_nothing_can_be_told_nothing_is(groups, likes, having):
    assert traits(groups, likes, having) == [[]] * (max(groups, default=-1) + 1)


def test_who_likes_nothing_is_left_out():
    groups, likes = [0] * 6 + [1] * 6, [4] * 12
    having = [{"a": 3 + n % 2} for n in range(6)] + [{"a": n % 2} for n in range(6)]
    more = traits([*groups, 0, 1], [*likes, 0, 0], [*having, {}, {}])
    assert more == traits(groups, likes, having)
    assert more[0][0].t > SURE


def test_the_three_lists_are_of_the_same_end_users():
    with pytest.raises(ValueError, match="zip"):
        traits([0, 1], [1], [{}, {}])

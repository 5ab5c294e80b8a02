"""Feedback buckets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalogs.feedback import FIRST_RATING, LIKED, NOT_LIKED, UNKNOWN, FeedbackScale

SCALE = FeedbackScale(1.0, 5.0, 3.0)


def bucket(rating, label):
    return int(SCALE.bucket(np.array([rating]), np.array([label], dtype=np.int8))[0])


def test_every_half_step_of_the_scale_has_its_own_bucket():
    steps = [1 + n / 2 for n in range(9)]

    assert [bucket(rating, -1) for rating in steps] == list(range(FIRST_RATING, SCALE.buckets))


def test_labels_without_ratings_have_buckets_of_their_own():
    assert [bucket(np.nan, label) for label in (-1, 0, 1)] == [UNKNOWN, NOT_LIKED, LIKED]


def test_a_label_outranks_a_rating_that_contradicts_it():
    rating, label = np.array([5.0, 5.0, 1.0, np.nan]), np.array([0, -1, 1, -1], dtype=np.int8)

    assert SCALE.liked(rating, label).tolist() == [0, 1, 1, -1]
    assert [bucket(5.0, 0), bucket(1.0, 1)] == [NOT_LIKED, LIKED]
    assert bucket(5.0, 1) == bucket(5.0, -1)


@given(st.floats(allow_infinity=False), st.sampled_from([-1, 0, 1]))
def test_any_rating_lands_in_a_bucket(rating, label):
    assert 0 < bucket(rating, label) < SCALE.buckets

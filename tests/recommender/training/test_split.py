import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.training.errors import TooLittleDataError
from recommender.training.split import TEST, TRAIN, UNSCORED, VALID, describe, r4ec, split

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def end_users(counts):
    return np.repeat(np.arange(len(counts)), counts).astype(np.int32)


@given(COUNTS)
def test_within_an_end_user_time_only_moves_from_history_to_train_to_valid_to_test(counts):
    end_user = end_users(counts)
    codes = r4ec(end_user)

    for which in range(len(counts)):
        assert (np.diff(codes[end_user == which]) >= 0).all()


@given(COUNTS)
def test_the_first_eleven_are_never_scored_and_a_fifth_is_tested(counts):
    codes = r4ec(end_users(counts))
    first = 0
    for count in counts:
        own = codes[first : first + count]
        first += count
        assert (own[:11] == UNSCORED).all()
        if count > 11:
            assert (own[11:] != UNSCORED).all()
            assert (own == TEST).sum() == min(count - 11, count - count * 8 // 10 - 1)


@given(COUNTS)
def test_an_end_users_part_does_not_depend_on_others(counts):
    together = r4ec(end_users(counts))
    alone = np.concatenate([r4ec(end_users([count])) for count in counts])

    assert (together == alone).all()


def test_validation_is_a_tenth_of_each_train_part_and_at_least_one():
    codes = r4ec(end_users([40]))

    assert [(codes == code).sum() for code in (UNSCORED, TRAIN, VALID, TEST)] == [11, 20, 2, 7]
    assert [(r4ec(end_users([15])) == code).sum() for code in (TRAIN, VALID, TEST)] == [1, 1, 2]


def test_what_is_not_known_to_be_liked_or_not_is_never_scored():
    liked = np.tile([1, 0, -1], 20).astype(np.int8)
    codes = split("r4ec", end_users([60]), liked)

    assert (codes[liked == -1] == UNSCORED).all()
    assert (codes == TEST).any()


@pytest.mark.parametrize(("counts", "says"), [([5, 9], "longest history\nhas 9"), ([], "0 interactions")])
def test_too_little_data_says_what_is_missing(counts, says):
    end_user = end_users(counts)
    liked = (np.arange(len(end_user)) % 2).astype(np.int8)

    with pytest.raises(TooLittleDataError, match=says.replace("\n", " ")):
        split("r4ec", end_user, liked)


def test_a_catalog_that_only_has_likes_is_refused_in_plain_words():
    with pytest.raises(TooLittleDataError, match="like threshold"):
        split("r4ec", end_users([40]), np.ones(40, dtype=np.int8))


def test_describe_counts_samples_positives_and_end_users_of_each_part():
    end_user, liked = end_users([40, 40, 5]), np.tile([1, 0, 0, 0, 1], 17).astype(np.int8)
    found = describe(split("r4ec", end_user, liked), end_user, liked)

    assert found["test"] == {"samples": 14, "positives": 6, "end_users": 2}
    assert found["train"]["samples"] == 40


@pytest.mark.data
def test_the_counts_of_r4ecs_paper_come_out_exactly(research_data):
    with gzip.open(research_data / "ml-1m" / "interactions.csv.gz", "rt") as file:
        next(file)
        end_user = np.array([int(line[: line.index(",")]) for line in file], dtype=np.int32)
    codes = r4ec(np.sort(end_user))

    assert np.isin(codes, [TRAIN, VALID]).sum() == 737_358
    assert (codes == TEST).sum() == 196_411

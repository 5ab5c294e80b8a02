import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.split import (
    FOLDS,
    PARTS,
    TEST,
    TRAIN,
    UNSCORED,
    VALID,
    assign,
    by_cuts,
    describe,
    global_time,
    kar,
    r4ec,
    relative_order,
    split,
)
from recommender.models import Clock
from recommender.runs.errors import CannotTrainError, TooLittleDataError

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

    assert found["test"] == {"samples": 14, "labelled": 14, "positives": 6, "end_users": 2}
    assert found["train"]["samples"] == 40


def test_describe_counts_unknown_labels_apart():
    end_user, liked = end_users([40]), np.tile([1, -1], 20).astype(np.int8)
    found = describe(r4ec(end_user), end_user, liked)

    assert found["test"] == {"samples": 7, "labelled": 3, "positives": 3, "end_users": 1}


@given(COUNTS, st.integers(0, 9), st.integers(0, 5))
def test_kar_keeps_each_end_user_in_one_part_and_its_prompt_out_of_scoring(counts, fold, seed):
    end_user = end_users(counts)
    codes = kar(end_user, fold=fold, seed=seed)

    for which, count in enumerate(counts):
        own, prefix = codes[end_user == which], min(-(-count // 2), 30)
        assert (own[:prefix] == UNSCORED).all()
        assert len(set(own[prefix:].tolist())) <= 1
        assert UNSCORED not in own[prefix:]


def test_over_all_folds_kar_tests_and_validates_everybody_once_in_equal_parts():
    end_user = end_users([4] * 57)
    tested, validated = (
        [set(end_user[kar(end_user, fold=fold) == code].tolist()) for fold in range(FOLDS)] for code in (TEST, VALID)
    )

    assert sorted(who for fold in tested for who in fold) == list(range(57))
    assert sorted(who for fold in validated for who in fold) == list(range(57))
    assert {len(fold) for fold in tested} == {5, 6}


def test_kar_deals_by_seed_and_always_the_same():
    end_user = end_users([4] * 40)

    assert (kar(end_user, seed=1) == kar(end_user, seed=1)).all()
    assert (kar(end_user, seed=1) != kar(end_user, seed=2)).any()
    assert np.unique(end_user[kar(end_user) == TEST]).tolist() == [0, 8, 32, 35]  # in any version of numpy


@pytest.mark.parametrize("fold", [-1, 10])
def test_a_fold_that_is_none_is_refused(fold):
    with pytest.raises(ValueError, match="from 0 to 9"):
        kar(end_users([4]), fold=fold)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_global_time_trains_on_nothing_later_than_what_it_tests(moments):
    moment = np.array(moments, dtype=np.int64)
    codes = global_time(moment)
    last = -1
    for code in (TRAIN, VALID, TEST):
        part = moment[codes == code]
        assert (part > last).all()
        last = max([last, *part.tolist()])


def test_global_time_is_80_10_10_where_moments_differ():
    codes = global_time(np.random.default_rng(0).permutation(1000))

    assert [(codes == code).sum() for code in (UNSCORED, TRAIN, VALID, TEST)] == [0, 800, 100, 100]


def test_a_clock_that_only_orders_divides_each_end_users_own_interactions():
    end_user, moment = end_users([10, 20]), np.r_[np.arange(10), np.arange(20)]
    codes = assign("global-time", end_user, moment=moment, clock=Clock.ORDER)

    assert (codes == relative_order(end_user)).all()
    assert [(codes[end_user == 1] == code).sum() for code in PARTS.values()] == [16, 2, 2]


@given(st.lists(st.integers(-(2**40), 2**40), max_size=60), st.integers(-50, 50), st.integers(0, 50))
def test_a_row_at_a_given_moment_belongs_to_the_part_that_begins_there(moments, valid_from, more):
    moment = np.array([*moments, valid_from, valid_from + more], dtype=np.int64)
    codes = by_cuts(moment, (valid_from, valid_from + more))

    assert (codes[moment < valid_from] == TRAIN).all()
    assert (codes[(moment >= valid_from) & (moment < valid_from + more)] == VALID).all()
    assert (codes[moment >= valid_from + more] == TEST).all()


def test_given_moments_cut_all_end_users_at_once_and_by_any_clock_that_knows_an_order():
    end_user, moment = end_users([3, 2]), np.array([1, 5, 9, 4, 8])
    for clock in (Clock.SECONDS, Clock.ORDER):
        assert assign("given", end_user, moment=moment, clock=clock, cuts=(5, 9)).tolist() == [
            TRAIN,
            VALID,
            TEST,
            TRAIN,
            VALID,
        ]


def test_moments_that_go_back_are_refused():
    with pytest.raises(ValueError, match="test_from must not be before valid_from"):
        by_cuts(np.arange(3), (2, 1))


@pytest.mark.parametrize("name", ["global-time", "given"])
def test_a_split_by_moment_without_moments_is_refused(name):
    with pytest.raises(CannotTrainError, match=f"{name} needs the moment"):
        split(name, end_users([10]), np.ones(10, dtype=np.int8))


@pytest.mark.parametrize(
    ("name", "says"), [("kar", "10 end users"), ("global-time", "three moments"), ("given", "its two moments")]
)
def test_each_split_says_what_it_needs(name, says):
    with pytest.raises(TooLittleDataError, match=says):
        split(name, end_users([2]), np.array([1, 0], dtype=np.int8), moment=np.array([5, 5]))


@pytest.fixture(scope="module")
def ml_1m(research_data):
    """End users and labels of all interactions, sorted by end user; the file is in order within each."""
    with gzip.open(research_data / "ml-1m" / "interactions.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(0, 3), dtype=np.int32)
    table = table[np.argsort(table[:, 0], kind="stable")]
    return table[:, 0], table[:, 1].astype(np.int8)


@pytest.mark.data
def test_the_counts_of_r4ecs_paper_come_out_exactly(ml_1m):
    end_user, liked = ml_1m
    found = describe(r4ec(end_user), end_user, liked)

    assert found["train"]["samples"] + found["valid"]["samples"] == 737_358
    assert found["test"]["samples"] == 196_411
    assert {found[part]["end_users"] for part in PARTS} == {6040}
    assert sum(found[part]["labelled"] for part in PARTS) == 933_769 - (liked[r4ec(end_user) != UNSCORED] < 0).sum()


@pytest.mark.data
def test_a_fold_of_kar_on_ml_1m_tests_604_end_users(ml_1m):
    end_user, liked = ml_1m
    found = describe(kar(end_user), end_user, liked)

    assert [found[part]["end_users"] for part in PARTS] == [4832, 604, 604]


@pytest.mark.data
def test_thinkrecs_moments_cut_its_rows_as_it_did(research_data):
    with gzip.open(research_data / "thinkrec-ml-1m" / "interactions.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(2, 3, 4), dtype=str)
    moment, part = table[:, 1].astype(np.int64), np.array([PARTS[name] for name in table[:, 2]])
    codes = by_cuts(moment, (1017620997, 1030839253))

    assert (codes == part).all()
    assert [(codes == code).sum() for code in PARTS.values()] == [33_891, 10_401, 7_331]

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.attributes import LEAST_END_USERS, LEAST_ITEMS, MOST_IN_A_BAG, Vocabulary, fit
from recommender.dataset.split import split
from recommender.training.prepare import demographics_of
from tests.recommender.training import synthetic

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["a", "b", ""]),
    st.lists(st.sampled_from(["x", "y"]), max_size=3),
    st.dictionaries(st.just("deeper"), st.integers(), max_size=1),
)
BAGS = st.lists(st.dictionaries(st.sampled_from(["one", "two", "three"]), VALUES, max_size=3), max_size=12)


def test_all_values_of_a_list_become_tokens_and_many_numbers_become_quantiles():
    bags = [{"genres": ["A", "B"], "year": 1950 + n} for n in range(20)]
    vocabulary = fit(bags, least=LEAST_ITEMS)

    assert {"genres=A", "genres=B"} <= set(vocabulary.tokens)
    assert len([token for token in vocabulary.tokens if token.startswith("year#")]) == 10
    assert (vocabulary.encode(bags) > 0).sum(axis=1).tolist() == [3] * 20


def test_a_number_with_few_values_keeps_each_of_them():
    bags = [{"age": age} for age in [1, 18, 18, 56] * 30]
    tokens = fit(bags, least=LEAST_END_USERS).encode(bags)

    assert len(np.unique(tokens[:4])) == 3
    assert tokens[1] == tokens[2]


def test_no_bucket_of_a_number_is_too_small_to_be_a_token():
    bags = [{"age": 18 + n} for n in range(40)]
    vocabulary = fit(bags, least=LEAST_END_USERS)

    assert len(vocabulary.tokens) == 4
    assert (vocabulary.encode(bags) > 0).all()


def test_what_only_one_item_has_is_left_to_its_id():
    bags = [{"plot": "a long text", "country": "FR"}, {"plot": "another", "country": "FR"}]
    vocabulary = fit(bags, least=LEAST_ITEMS)

    assert vocabulary.tokens == ("country=FR",)
    assert vocabulary.encode(bags).tolist() == [[1], [1]]


def test_zip_codes_that_few_people_share_are_not_tokens():
    bags = [{"zip": f"{n:05}", "gender": "female"} for n in range(500)] + [{"zip": "48104"}] * LEAST_END_USERS

    assert fit(bags, least=LEAST_END_USERS).tokens == ("gender=female", "zip=48104")


def test_nothing_known_is_padding():
    bags = [{}, {"year": None}]
    vocabulary = fit(bags, least=LEAST_ITEMS)

    assert vocabulary.tokens == ()
    assert vocabulary.encode(bags).tolist() == [[0], [0]]


@pytest.mark.parametrize(
    "bag", [{}, {"age": None}, {"gender": "x"}, {"shoe": 41}, {"gender": {"a": 1}}, {"age": "old"}]
)
def test_values_that_training_did_not_meet_have_no_token(bag):
    vocabulary = fit([{"age": 30, "gender": "male"}] * LEAST_END_USERS, least=LEAST_END_USERS)

    assert not vocabulary.encode([bag]).any()


def test_numbers_beyond_those_met_fall_into_the_outer_buckets():
    vocabulary = fit([{"age": 20}, {"age": 60}] * LEAST_END_USERS, least=LEAST_END_USERS)
    low, high, infant, old = vocabulary.encode([{"age": age} for age in (20, 60, 1, 99)]).tolist()

    assert (infant, old) == (low, high)
    assert low != high


@given(BAGS, BAGS)
def test_any_attributes_are_encoded_and_a_stored_vocabulary_encodes_them_alike(fitted_on, given_later):
    vocabulary = fit(fitted_on, least=2)
    restored = Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json())))
    encoded = vocabulary.encode(given_later)

    assert restored == vocabulary
    assert encoded.shape == (len(given_later), vocabulary.width)
    assert encoded.max(initial=0) < vocabulary.size
    assert (restored.encode(given_later) == encoded).all()


def test_a_bag_is_cut_at_a_number_of_tokens():
    bags = [{"tags": [f"t{n:02}" for n in range(40)]}] * 2

    assert fit(bags, least=2).encode(bags).shape == (2, MOST_IN_A_BAG)


def test_demographics_are_fitted_on_the_end_users_of_the_train_part_alone():
    data = synthetic.in_memory(synthetic.rows(end_users=60))
    codes = split("kar", data.end_user, data.liked, fold=0)
    tested = np.setdiff1d(data.end_user, data.end_user[codes == 1])
    for number in tested:
        data.end_user_attributes[number]["only_tested"] = "yes"

    assert len(tested) >= 3
    vocabulary = demographics_of(data, codes)
    assert vocabulary is not None
    assert not [token for token in vocabulary.tokens if "only_tested" in token]
    assert {"gender=female", "gender=male"} <= set(vocabulary.tokens)


def test_without_attributes_there_are_no_demographics():
    data = synthetic.in_memory(synthetic.rows())
    for bag in data.end_user_attributes:
        bag.clear()

    assert demographics_of(data, split("r4ec", data.end_user, data.liked)) is None


def test_descriptions_are_no_tokens_even_where_items_share_one():
    told = "A crew of thieves plans one last robbery in Naples."
    bags = [{"genres": ["Crime"], "description": told, "notes": [told, "used"]}] * 3
    assert fit(bags, least=2).tokens == ("genres=Crime", "notes=used")

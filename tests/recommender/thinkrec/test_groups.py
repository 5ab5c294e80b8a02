import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from recommender.thinkrec.experts import groups
from recommender.thinkrec.experts.groups import extended, group

pytestmark = pytest.mark.once
RNG = np.random.default_rng


def clouds(*sizes, width=6, spread=0.3, seed=0):
    """End users around one centre for each size, and which centre is whose."""
    random = RNG(seed)
    centres = random.normal(scale=3, size=(len(sizes), width))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return (centres[owner] + spread * random.normal(size=(len(owner), width))).astype(np.float32), owner


def everyone(vectors):
    return np.ones(len(vectors), dtype=bool)


def same_partition(one, other):
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


@pytest.mark.parametrize("method", ["ward", "kmeans"])
def test_silhouette_finds_the_groups_that_are_there_the_largest_first(method):
    vectors, owner = clouds(20, 60, 40)
    found = group(vectors, everyone(vectors), method=method)
    assert same_partition(found.of, owner)
    assert found.sizes == (60, 40, 20)
    assert set(found.of[20:80]) == {0}
    assert max(found.silhouettes, key=found.silhouettes.get) == 3
    assert set(found.silhouettes) <= set(range(2, 11))
    assert "3 groups of 60, 40, 20 end users" in found.words


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6))
def test_wards_groups_are_scikit_learns(seed, number):
    vectors = RNG(seed).normal(size=(30, 4)).astype(np.float32)
    scaled = StandardScaler().fit_transform(vectors.astype(np.float64))
    theirs = AgglomerativeClustering(n_clusters=number, linkage="ward").fit_predict(scaled)
    assert same_partition(group(vectors, everyone(vectors), number=number).of, theirs)


def test_the_silhouette_is_scikit_learns():
    vectors, _ = clouds(30, 30, spread=1.5)
    found = group(vectors, everyone(vectors))
    scaled = StandardScaler().fit_transform(vectors.astype(np.float64))
    assert found.silhouettes[2] == pytest.approx(
        silhouette_score(scaled, group(vectors, everyone(vectors), number=2).of)
    )


def test_an_experts_vector_is_the_mean_raw_vector_of_its_end_users_of_the_train_part():
    vectors, _ = clouds(30, 20)
    training = np.arange(50) % 3 > 0
    found = group(vectors, training)
    for place in range(2):
        np.testing.assert_allclose(
            found.experts[place], vectors[training & (found.of == place)].mean(axis=0), rtol=1e-5
        )


@pytest.mark.parametrize("method", ["ward", "kmeans"])
def test_end_users_outside_of_the_train_part_change_nothing_for_it(method):
    vectors, _ = clouds(30, 20, 25, spread=2.0)
    alone = group(vectors, everyone(vectors), method=method)
    more = np.concatenate([1000 * RNG(1).normal(size=(40, 6)).astype(np.float32), vectors])
    found = group(more, np.arange(len(more)) >= 40, method=method)
    assert np.array_equal(found.of[40:], alone.of)
    assert np.array_equal(found.experts, alone.experts)
    assert found.silhouettes == alone.silhouettes


def test_others_go_to_the_expert_whose_direction_is_theirs():
    vectors, owner = clouds(30, 20, 25)
    found = group(vectors, everyone(vectors))
    assert np.array_equal(found.nearest(vectors), found.of)
    assert np.array_equal(found.nearest(0.01 * vectors), found.of)
    late = np.zeros(len(vectors), dtype=bool)
    late[::4] = True
    assert same_partition(group(vectors, ~late).of, owner)
    assert found.nearest(np.zeros((1, 6), dtype=np.float32)).tolist() == [0]


@pytest.mark.parametrize("method", ["ward", "kmeans"])
def test_the_same_seed_gives_the_same_groups(method):
    vectors = RNG(3).normal(size=(80, 5)).astype(np.float32)
    one, other = (group(vectors, everyone(vectors), method=method, seed=7) for _ in range(2))
    assert np.array_equal(one.of, other.of)
    assert one.words == other.words


def test_silhouette_chooses_no_group_of_a_few_odd_end_users_but_a_given_number_may():
    vectors, _ = clouds(40)
    vectors[:2] += 50  # two far away, which silhouette would love
    assert len(group(vectors, everyone(vectors)).sizes) == 1
    assert group(vectors, everyone(vectors), number=2).sizes == (38, 2)


def test_above_a_size_k_means_takes_wards_place_and_says_so(monkeypatch):
    monkeypatch.setattr(groups, "WARD_UP_TO", 49)
    vectors, owner = clouds(30, 20)
    found = group(vectors, everyone(vectors))
    assert same_partition(found.of, owner)
    assert "by k-means (Ward's would need too much memory above 49)" in found.words
    assert "too much memory" not in group(vectors[1:], everyone(vectors[1:])).words


def test_silhouette_of_many_end_users_is_that_of_some_of_them(monkeypatch):
    vectors, owner = clouds(60, 40, spread=1.0)
    of_all = group(vectors, everyone(vectors)).silhouettes[2]
    monkeypatch.setattr(groups, "SILHOUETTE_OF", 30)
    found = group(vectors, everyone(vectors))
    assert same_partition(found.of, owner)
    assert found.silhouettes[2] == pytest.approx(of_all, abs=0.1)
    assert found.silhouettes[2] != of_all


@pytest.mark.parametrize("method", ["ward", "kmeans"])
@pytest.mark.parametrize("vectors", [np.ones((1, 3)), np.ones((2, 3)), np.full((40, 3), 0.1), np.zeros((40, 3))])
def test_one_end_user_or_equal_vectors_are_one_group(vectors, method):
    found = group(vectors.astype(np.float32), everyone(vectors), method=method)
    assert found.sizes == (len(vectors),)
    assert not found.of.any()
    assert "show no others" in found.words


@pytest.mark.parametrize(
    ("vectors", "training", "number", "told"),
    [
        (np.array([[1, 2], [np.nan, 1]]), [True, True], None, "1 of 2 .* NaN"),
        (np.array([[1, 2], [np.inf, 1]]), [True, False], None, "1 of 2 .* infinite"),
        (np.ones((2, 2)), [False, False], None, "nobody"),
        (np.zeros((0, 2)), [], None, "nobody"),
        (np.ones((5, 2)), [True] * 5, 2, "2 groups .* there are 1"),
        (np.eye(3), [True] * 3, 4, "4 groups .* there are 3"),
        (np.eye(3), [True] * 3, 0, "0 groups"),
        (np.ones(3), [True] * 3, None, "a row for each"),
    ],
)
def test_what_makes_no_groups_is_refused_in_words(vectors, training, number, told):
    with pytest.raises(ValueError, match=told):
        group(vectors.astype(np.float32), np.array(training, dtype=bool), number=number)


def test_as_many_groups_as_end_users_are_possible_where_k_means_may_find_fewer():
    vectors = np.eye(4, dtype=np.float32)
    assert group(vectors, everyone(vectors), number=4).of.tolist() == [0, 1, 2, 3]
    found = group(vectors, everyone(vectors), method="kmeans", number=4)
    assert set(found.of) == set(range(len(found.sizes)))
    assert found.words.startswith(f"{len(found.sizes)} groups")


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=30), st.integers(0, 9))
def test_a_group_more_holds_those_who_were_in_none_and_moves_nobody_else(before, seed):
    of = np.array(before)
    vectors = RNG(seed).normal(size=(len(of), 3)).astype(np.float32)
    number = of.max() + 1
    if number == 0 or (of >= 0).all() or len(set(before) - {-1}) < number:
        with pytest.raises(ValueError, match=r"No group can be added: (nobody|everybody)|Nobody is left in group"):
            extended(vectors, of)
        return
    found = extended(vectors, of)
    assert np.array_equal(found.of[of >= 0], of[of >= 0])
    assert set(found.of[of < 0]) == {number}
    assert found.sizes == tuple(np.bincount(found.of))
    for one, expert in enumerate(found.experts):
        np.testing.assert_allclose(expert, vectors[found.of == one].mean(axis=0), atol=1e-6)

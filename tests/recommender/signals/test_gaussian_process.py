import numpy as np
import pytest

from recommender.dataset.examples import build
from recommender.dataset.split import TEST, VALID, split
from recommender.dataset.texts import KnowledgeRows
from recommender.signals import gaussian_process, spaces, statistics
from recommender.signals.folds import FOLDS, fold_of
from recommender.signals.sources import Sources
from tests.recommender.signals.sources import CONFIG, relabelled
from tests.recommender.training.synthetic import in_memory, rows


@pytest.fixture(scope="module")
def data():
    return in_memory(rows(end_users=60))


@pytest.fixture(scope="module")
def codes(data):
    return split("r4ec", data.end_user, data.liked)


def fit(data, codes, config=CONFIG, **more):
    return gaussian_process.prepare(Sources(config, data, codes, **more))(None)


@pytest.fixture(scope="module")
def fitted(data, codes):
    return fit(data, codes)


def test_nobodys_own_likes_are_in_what_is_said_about_them(data, codes, fitted):
    """Out of fold: turn all likes of one end user around, and what is fitted for their fold stays as it is."""
    for number in (0, 7):
        fold = fold_of(data.end_users[number])
        other = fit(relabelled(data, data.end_user == number), codes)

        np.testing.assert_array_equal(other.factors[fold], fitted.factors[fold])
        np.testing.assert_array_equal(other.mean[fold], fitted.mean[fold])
        assert any((other.mean[other_fold] != fitted.mean[other_fold]).any() for other_fold in range(FOLDS))


@pytest.mark.parametrize("folds", [5, 12])
@pytest.mark.parametrize("signal", [statistics, gaussian_process])
def test_before_their_first_interaction_nobodys_columns_know_what_they_like(data, codes, signal, folds):
    config, number = CONFIG.but(signal_folds=folds, metadata=False), 7
    first = np.flatnonzero(data.end_user == number)[0]
    read = []
    for shown in (data, relabelled(data, data.end_user == number)):
        made = signal.prepare(Sources(config, shown, codes))(None)
        assert len(made.mean) == folds
        read.append(made.read_all(build(shown, KnowledgeRows([]), history=5), alive=lambda: None)[first])

    np.testing.assert_array_equal(*read)


def test_nothing_is_fitted_on_what_is_validated_or_tested_on(data, codes, fitted):
    other = fit(relabelled(data, (codes == VALID) | (codes == TEST)), codes)

    np.testing.assert_array_equal(other.factors, fitted.factors)
    np.testing.assert_array_equal(other.mean, fitted.mean)
    assert other.amplitudes == fitted.amplitudes


def test_texts_that_say_nothing_are_given_less_weight_than_the_truth(data, codes):
    """The null: random vectors for knowledge."""
    random = spaces.of_vectors(np.random.default_rng(3).normal(size=(len(data.items), 8)).astype(np.float32))
    genres = spaces.of_attributes(data.item_tokens)
    by_sentences = CONFIG.but(metadata=False, metadata_text=True)

    nothing, truth = (fit(data, codes, by_sentences, sentences=space).amplitudes[0] for space in (random, genres))

    assert nothing < truth


def test_an_item_without_attributes_or_text_is_near_nothing():
    space = spaces.of_attributes(np.array([[1, 2], [1, 0], [2, 0], [0, 0]], dtype=np.int32))

    assert np.linalg.norm(space[:3], axis=1) == pytest.approx(1.0)
    assert not spaces.of_vectors(np.zeros((3, 4), dtype=np.float32)).any()

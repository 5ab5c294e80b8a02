from dataclasses import replace

import numpy as np
import pytest

from recommender.dataset.examples import build, leaking_rows
from recommender.dataset.split import TEST, VALID, split
from recommender.dataset.texts import KnowledgeRows
from recommender.measures.scores import gauc
from recommender.models import SubjectKind
from recommender.recipe import SIGNALS, TrainConfig
from recommender.signals import fitting, spaces, tables
from recommender.signals.tables import NAMES, Tables, fold_of
from tests.recommender.training.fitting import knowledge_of
from tests.recommender.training.synthetic import in_memory, rows

CONFIG = TrainConfig()


@pytest.fixture(scope="module")
def data():
    return in_memory(rows(end_users=60))


@pytest.fixture(scope="module")
def codes(data):
    return split("r4ec", data.end_user, data.liked)


@pytest.fixture(scope="module")
def fitted(data, codes):
    return fitting.fit(data, codes, CONFIG)


def relabelled(data, chosen):
    return replace(data, liked=np.where(chosen, 1 - data.liked, data.liked).astype(np.int8))


def test_nobodys_own_likes_are_in_what_is_said_about_them(data, codes, fitted):
    """Out of fold: turn all likes of one end user around, and the tables of their fold stay as they are."""
    for number in (0, 7):
        fold = fold_of(data.end_users[number])
        other = fitting.fit(relabelled(data, data.end_user == number), codes, CONFIG)

        np.testing.assert_array_equal(other.factors[fold], fitted.factors[fold])
        np.testing.assert_array_equal(other.mean[fold], fitted.mean[fold])
        assert any((other.mean[other_fold] != fitted.mean[other_fold]).any() for other_fold in range(tables.FOLDS))


def test_nothing_is_fitted_on_what_is_validated_or_tested_on(data, codes, fitted):
    other = fitting.fit(relabelled(data, (codes == VALID) | (codes == TEST)), codes, CONFIG)

    np.testing.assert_array_equal(other.factors, fitted.factors)
    np.testing.assert_array_equal(other.mean, fitted.mean)
    assert other.bumps == fitted.bumps


def test_signals_alone_rank_what_an_end_user_likes_first(data, codes, fitted):
    examples = fitting.join(build(data, KnowledgeRows([]), history=5), fitted)
    test = codes == TEST
    score = examples.signals[:, NAMES.index("mean")] + examples.signals[:, NAMES.index("taste")]

    assert gauc(data.liked[test], score[test], data.end_user[test]) > 0.75


def test_stored_tables_read_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "signals.npz")
    item, liked = np.array([3, 4, 5, -1]), np.array([1, 0, -1, -1], dtype=np.int8)
    loaded = Tables.load(tmp_path / "signals.npz")

    np.testing.assert_array_equal(
        loaded.read(2, item, liked, np.array([0, 1, 2, 2])), fitted.read(2, item, liked, np.array([0, 1, 2, 2]))
    )


def test_every_signal_can_be_switched_off(data, codes):
    off = dict.fromkeys(SIGNALS, False)

    assert fitting.fit(data, codes, CONFIG.but(**off)) is None
    for name, width in (("statistics", 3), ("collaborative", 2), ("metadata", 2), ("mood", 1)):
        assert len(fitting.fit(data, codes, CONFIG.but(**off | {name: True})).columns) == width


def test_texts_that_say_nothing_are_given_less_weight_than_the_truth(data, codes):
    """The null: random vectors for knowledge."""
    random = spaces.of_vectors(np.random.default_rng(3).normal(size=(len(data.items), 8)).astype(np.float32))
    genres = spaces.of_attributes(data.item_tokens)

    nothing, truth = (
        fitting.fit(data, codes, CONFIG.but(metadata=False), knowledge=space).bumps[0] for space in (random, genres)
    )

    assert nothing < truth


def test_an_item_without_attributes_or_text_is_near_nothing():
    space = spaces.of_attributes(np.array([[1, 2], [1, 0], [2, 0], [0, 0]], dtype=np.int32))

    assert np.linalg.norm(space[:3], axis=1) == pytest.approx(1.0)
    assert not spaces.of_vectors(np.zeros((3, 4), dtype=np.float32)).any()


def test_an_example_its_items_text_was_made_from_is_read_without_that_text(data, codes):
    """The witnesses of a text get the readings of the model without knowledge, all others those with it."""
    texts = knowledge_of(data).texts
    shown = next(n for n, text in enumerate(texts) if text.kind == SubjectKind.ITEM)
    witness = int(data.keys[np.flatnonzero(data.item == texts[shown].subject)[0]])
    known = KnowledgeRows([*texts[:shown], replace(texts[shown], shown=frozenset({witness})), *texts[shown + 1 :]])
    bare = build(data, known, history=5)
    without = fitting.join(bare, fitting.fit(data, codes, CONFIG))
    random = spaces.of_vectors(np.random.default_rng(3).normal(size=(len(data.items), 8)).astype(np.float32))
    leaking = leaking_rows(bare, known)
    tables_with = fitting.fit(data, codes, CONFIG, knowledge=random)
    informed = fitting.join(bare, tables_with, denied=leaking, instead=without)

    assert leaking[np.flatnonzero(data.keys == witness)].all()
    assert 0 < leaking.sum() < len(data)
    np.testing.assert_array_equal(informed.signals[leaking], without.signals[leaking])
    assert (informed.signals[~leaking] != without.signals[~leaking]).any()

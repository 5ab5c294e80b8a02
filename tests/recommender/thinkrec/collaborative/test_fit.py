import numpy as np
import pytest

from recommender.dataset.split import TRAIN, UNSCORED, Parts, split
from recommender.runs.errors import CannotTrainError
from recommender.setting import SettingError
from recommender.thinkrec.collaborative.fit import MODELS, fit
from tests.recommender.training import synthetic

QUICK = {"width": 16, "learning_rate": 0.01, "batch_size": 128, "epochs": 12, "patience": 5}
CUTS = 1150, 1190


def rows():
    """24 moments of 30 end users: 15 are trained on, 4 validate, 5 are tested. The last end user comes after them."""
    made = [row for row in synthetic.rows(items=40) if row[0] < 29 or row[2] >= CUTS[0]]
    data = synthetic.in_memory(made, items=41)
    return data, split("given", data.end_user, data.liked, moment=data.moment, cuts=CUTS)


def settings_of(name, **changes):
    return MODELS[name][0](**(QUICK | changes))


@pytest.fixture(scope="module")
def fitted():
    data, codes = rows()
    return data, codes, {name: fit(data, codes, settings_of(name)) for name in MODELS}


@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_a_planted_taste_is_learnt(fitted, name):
    _, _, made = fitted

    assert made[name].valid.auc > 0.65


@pytest.mark.parametrize("name", MODELS)
def test_vectors_are_of_who_and_what_the_train_part_met_and_zeros_of_others(fitted, name):
    data, codes, made = fitted
    vectors = made[name].vectors
    item_met = np.isin(np.arange(len(data.items)), data.item[codes == TRAIN])

    assert vectors.end_user.shape == (30, 16)
    assert vectors.item.shape == (41, 16)
    assert {vectors.end_user.dtype, vectors.item.dtype} == {np.dtype(np.float32)}
    assert vectors.end_user_known.tolist() == [True] * 29 + [False]
    assert (vectors.item_known == item_met).all()
    assert not vectors.item_known[40]
    for table, known in ((vectors.end_user, vectors.end_user_known), (vectors.item, vectors.item_known)):
        assert (np.abs(table).sum(axis=1) > 0).tolist() == known.tolist()


@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_the_score_is_the_product_of_the_vectors(fitted, name):
    data, codes, made = fitted
    rows, vectors = Parts.of(codes).test, made[name].vectors
    logit = (vectors.end_user[data.end_user[rows]] * vectors.item[data.item[rows]]).sum(axis=1)

    np.testing.assert_allclose(made[name].probability(rows), 1 / (1 + np.exp(-logit)), atol=1e-5)
    assert (made[name].probability(rows)[data.end_user[rows] == 29] == 0.5).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_seed_gives_the_same_vectors_again_and_another_seed_others(fitted, name):
    data, codes, made = fitted
    again = fit(data, codes, settings_of(name))

    np.testing.assert_array_equal(again.vectors.item, made[name].vectors.item)
    np.testing.assert_array_equal(again.vectors.end_user, made[name].vectors.end_user)
    other = fit(data, codes, settings_of(name, seed=7, epochs=1))
    assert (other.vectors.item != made[name].vectors.item).any()


@pytest.mark.parametrize("name", MODELS)
def test_labels_of_the_test_part_change_no_vector(name):
    data, codes = rows()
    test = Parts.of(codes).test
    before = fit(data, codes, settings_of(name, epochs=2))
    data.liked[test] = 1 - data.liked[test]
    after = fit(data, codes, settings_of(name, epochs=2))

    np.testing.assert_array_equal(before.vectors.end_user, after.vectors.end_user)
    np.testing.assert_array_equal(before.vectors.item, after.vectors.item)


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_stops_after_epochs_without_gain_and_keeps_the_best(name):
    data, codes = rows()
    made = fit(data, codes, settings_of(name, epochs=200, patience=3))

    assert made.epochs == made.best_epoch + 3 < 200


@pytest.mark.parametrize("name", MODELS)
def test_without_a_single_like_a_fit_is_still_one(name):
    data, codes = rows()
    data.liked[:] = 0
    made = fit(data, codes, settings_of(name, epochs=1))

    assert np.isfinite(made.probability(Parts.of(codes).test)).all()
    assert np.isfinite(made.vectors.end_user).all()
    assert made.valid.auc is None


def test_without_a_valid_part_it_is_refused_in_words():
    data, codes = rows()
    codes[codes != TRAIN] = UNSCORED

    with pytest.raises(CannotTrainError, match="in the train part and in the valid part"):
        fit(data, codes, settings_of("mf"))


def test_the_published_widths_are_the_defaults():
    assert [kind().width for kind, _ in MODELS.values()] == [256, 64, 64]
    sasrec = MODELS["sasrec"][0]()
    assert (sasrec.longest, sasrec.blocks, sasrec.heads, sasrec.dropout) == (25, 2, 1, 0.2)
    assert MODELS["lightgcn"][0]().layers == 2
    with pytest.raises(SettingError, match="width must be a whole number from 1 to 4096"):
        MODELS["mf"][0](width=0)
    with pytest.raises(SettingError, match="heads must divide the width, which is 64"):
        MODELS["sasrec"][0](heads=3)

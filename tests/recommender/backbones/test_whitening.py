import numpy as np
import pytest

from recommender.artifacts import writing
from recommender.backbones.adapter import END_USER, ITEM
from recommender.backbones.whitening import principal
from tests.recommender.training.fitting import SMALL, fitted


def vectors(count, width=12, seed=0):
    source = np.random.default_rng(seed)
    spread = np.linspace(1, 3, width)
    return (source.normal(size=(count, width)) * spread + 2).astype(np.float32)


def unit(made):
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_whitened_vectors_have_no_mean_unit_variance_and_nothing_in_common():
    made = vectors(500)
    centre, turn = principal(7 * made, 4)
    white = (unit(made) - centre) @ turn

    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(4), atol=1e-3)


def test_the_widest_directions_are_kept():
    made = vectors(500)
    centred = unit(made) - unit(made).mean(axis=0)
    _, turn = principal(made, 4)
    basis = np.linalg.qr(turn)[0]
    kept = np.square(centred @ basis).sum()

    assert kept == pytest.approx(np.sort(np.linalg.eigvalsh(centred.T @ centred))[-4:].sum(), rel=1e-4)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_vectors_leave_the_other_directions_empty(count):
    centre, turn = principal(vectors(count), 6)
    white = (unit(vectors(5, seed=1)) - centre) @ turn

    assert np.isfinite(white).all()
    assert np.count_nonzero(turn.any(axis=0)) == max(0, count - 1)


def test_directions_of_noise_are_not_blown_up():
    made = vectors(300)
    made[:, 6:] = 1e-6 * vectors(300, seed=2)[:, 6:]
    _, turn = principal(made, 12)

    assert np.abs(turn).max() < 1000


def test_more_directions_than_the_encoder_has_are_empty():
    _, turn = principal(vectors(50, width=4), 6)

    assert turn.shape == (4, 6)
    assert not turn[:, 4:].any()


def test_a_run_fits_it_on_the_texts_of_its_train_part_and_an_artifact_keeps_it(tmp_path):
    config = SMALL.but(whiten=3, epochs=1)
    found = fitted(config)
    whitening = found.backbone.knowledge.whitening
    met = np.unique(found.examples.item_text[found.parts.train])
    centre, turn = principal(found.vectors[met[met > 0]], 3)
    writing.write(
        tmp_path / "1",
        found.backbone,
        config,
        found.interactions,
        found.knowledge,
        signals=found.signals,
        demographics=found.examples.demographics,
        facts={},
    )
    restored = writing.restore(tmp_path / "1", found.vectors)

    np.testing.assert_allclose(whitening.centre[ITEM, 0], centre, atol=1e-6)
    np.testing.assert_allclose(whitening.turn[ITEM], turn, atol=1e-5)
    assert not np.allclose(whitening.turn[ITEM], whitening.turn[END_USER])
    assert (restored.knowledge.prepared == found.backbone.knowledge.prepared).all()

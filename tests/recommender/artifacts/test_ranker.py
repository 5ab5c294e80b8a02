import threading
from dataclasses import dataclass

import numpy as np
import pytest

from recommender.artifacts import ranker, writing
from recommender.signals.folds import fold_of
from tests.recommender.training.fitting import SMALL, fitted


@dataclass
class Met:
    item_id: str
    rating: float | None = 5.0
    label: int | None = None


HISTORY = [Met("i000"), Met("i004"), Met("i001", 1.0), Met("i005", None, 1), Met("i008", None, None)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = fitted(SMALL, end_users=60)
    folder = tmp_path_factory.mktemp("backbones") / "1"
    writing.write(
        folder,
        found.backbone,
        SMALL,
        found.interactions,
        found.knowledge,
        signals=found.signals,
        demographics=found.examples.demographics,
        facts={},
    )
    return folder


@pytest.fixture(scope="module")
def loaded(folder):
    return ranker.read(folder)


def test_all_items_are_scored_with_probabilities_in_their_order(loaded):
    scores = loaded.score("u000", HISTORY)

    assert scores.shape == (40,)
    assert ((scores > 0) & (scores < 1)).all()
    assert list(loaded.items)[:2] == ["i000", "i001"]


def test_given_items_score_as_among_all_and_one_by_one(loaded):
    chosen = ["i007", "i003", "i007"]
    every = dict(zip(loaded.items, loaded.score("u000", HISTORY), strict=True))

    np.testing.assert_allclose(loaded.score("u000", HISTORY, chosen), [every[one] for one in chosen], atol=1e-6)
    np.testing.assert_allclose(loaded.score("u000", HISTORY, ["i007"])[0], every["i007"], atol=1e-6)
    assert loaded.score("u000", HISTORY, []).shape == (0,)


def test_many_items_are_scored_in_pieces_without_a_seam(loaded, monkeypatch):
    whole = loaded.score("u000", HISTORY)
    monkeypatch.setattr(ranker, "ITEMS_AT_A_TIME", 7)

    np.testing.assert_allclose(loaded.score("u000", HISTORY), whole, atol=1e-6)


def test_an_unknown_end_user_is_one_without_knowledge(loaded):
    """Every other end user has a text in this artifact; the odd ones have none."""
    nobody = next(name for name in map(str, range(100)) if fold_of(name) == fold_of("u001"))

    np.testing.assert_array_equal(loaded.score(nobody, HISTORY), loaded.score("u001", HISTORY))
    assert not np.allclose(loaded.score(nobody, HISTORY), loaded.score("u000", HISTORY), atol=1e-7)


def test_a_new_end_user_is_known_by_attributes_and_values_never_met_are_none(loaded):
    nobody = loaded.score("new", HISTORY)

    assert not np.allclose(loaded.score("new", HISTORY, attributes={"gender": "male"}), nobody, atol=1e-7)
    np.testing.assert_array_equal(loaded.score("new", HISTORY, attributes={"gender": "?", "shoe": 41}), nobody)
    np.testing.assert_array_equal(
        loaded.effects("new", HISTORY, ["i010"], attributes={"gender": "?"})[0],
        loaded.effects("new", HISTORY, ["i010"])[0],
    )


def test_unknown_items_are_scored_alike_and_do_not_disturb_others(loaded):
    scores = loaded.score("u000", HISTORY, ["new", "i003", "newer"])

    assert scores[0] == pytest.approx(scores[2], abs=1e-7)
    assert scores[1] == pytest.approx(loaded.score("u000", HISTORY, ["i003"])[0], abs=1e-6)
    assert np.isfinite(loaded.score("u000", [Met("new"), *HISTORY])).all()


def test_no_history_is_scored(loaded):
    assert np.isfinite(loaded.score("u000", [])).all()


def test_what_is_older_than_the_backbones_window_counts_by_its_like_alone(loaded):
    window = [Met(f"i{n:03}", 1.0 + n % 5) for n in range(loaded.history)]
    scores = loaded.score("u000", window)

    np.testing.assert_allclose(loaded.score("u000", [Met("i030", None), *window]), scores, atol=1e-5)
    assert not np.allclose(loaded.score("u000", [Met("i030", 1.0), *window]), scores, atol=1e-5)


def test_a_contribution_is_what_the_logit_loses_without_the_entry(loaded):
    items = ["i010", "i011"]
    contributions = loaded.effects("u000", HISTORY, items)[0]

    def logit(history):
        scores = loaded.score("u000", history, items)
        return np.log(scores / (1 - scores))

    assert contributions.shape == (2, 5)
    for place in range(5):
        without = [met for at, met in enumerate(HISTORY) if at != place]
        np.testing.assert_allclose(contributions[:, place], logit(HISTORY) - logit(without), atol=1e-5)


def test_what_is_older_than_an_entry_left_out_moves_up():
    shorter = ranker._without_each(np.array([0, 0, 5, 6, 7]), 3)

    assert shorter.tolist() == [[0, 0, 5, 6, 7], [0, 0, 0, 6, 7], [0, 0, 0, 5, 7], [0, 0, 0, 5, 6]]


def test_entries_older_than_the_window_did_not_contribute(loaded):
    window = [Met(f"i{n:03}") for n in range(loaded.history)]
    contributions = loaded.effects("u000", [Met("i030"), Met("i031"), *window], ["i011"])[0]

    assert contributions.shape == (1, loaded.history + 2)
    assert contributions[0, :2].tolist() == [0, 0]
    assert contributions[0, 2:].any()
    assert loaded.effects("u000", [], ["i011"])[0].shape == (1, 0)


def test_threads_share_one_ranker_and_get_the_same_scores(loaded):
    expected, found = loaded.score("u000", HISTORY), []
    threads = [threading.Thread(target=lambda: found.append(loaded.score("u000", HISTORY))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all((one == expected).all() for one in found)
    assert len(found) == 8

import numpy as np
import pytest

from benchmarks import thinkrec_signal
from benchmarks.thinkrec_rows import interactions
from recommender.signals.llm_scores import Answered

FILMS = {str(n): {"genres": "War", "title": f"Film {n} (1999)"} for n in range(1, 5)}


def answered(end_user, score):
    count = len(end_user)
    return Answered(np.array(end_user), np.arange(count), np.array(score), np.zeros(count), np.ones(count))


def test_a_score_is_replaced_by_the_same_persons_last_one_before_it_alone():
    made = thinkrec_signal.of_the_one_before(answered([4, 4, 4, 7, 7], [0.1, 0.2, 0.3, 0.4, 0.5]))

    assert made == pytest.approx([np.nan, 0.1, 0.2, np.nan, 0.4], nan_ok=True)


def test_how_much_somebody_likes_is_what_they_rated_strictly_before():
    rows = [("a", "1", 1, 5), ("a", "2", 0, 6), ("a", "3", 1, 6), ("a", "4", 1, 7), ("b", "1", 0, 5)]
    data = interactions(rows, FILMS)
    common = 3 / 5

    made = thinkrec_signal.levels(data, np.arange(5))

    expected = [common, (1 + 2 * common) / 3, (1 + 2 * common) / 3, (2 + 2 * common) / 5, common]
    assert made[:, 0] == pytest.approx(expected)
    assert made[:, 1] == pytest.approx(expected)


def test_the_last_ten_are_a_share_of_their_own():
    films = {str(n): {"genres": "War", "title": f"Film {n} (1999)"} for n in range(1, 20)}
    data = interactions([("a", str(n), int(n < 4), n) for n in range(1, 15)], films)
    common = 3 / 14

    whole, last = thinkrec_signal.levels(data, np.array([13]))[0]

    assert whole == pytest.approx((3 + 2 * common) / 15)
    assert last == pytest.approx(2 * common / 12)


def test_what_the_level_says_of_scores_leaves_what_has_nothing_to_do_with_it():
    draw = np.random.default_rng(1)
    level, own = draw.random((400, 2)), draw.normal(size=400)
    score = 2 * level[:, 0] - level[:, 1] + 3 + own

    rest = score - thinkrec_signal.by_level(score, level)

    assert np.corrcoef(rest, own)[0, 1] > 0.99
    assert np.abs(level.T @ rest).max() < 1e-8

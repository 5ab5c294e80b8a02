"""The measures of `benchmarks.steering`, on rankings made by hand, and its wordings."""

import math

import numpy as np
import pytest

from benchmarks.steering import corrections, measures, texts
from benchmarks.steering.corrections import Aspect
from recommender.grounding.statements import Facet

SCORES = np.array([0.9, 0.7, 0.5, 0.3])
FILMS = [
    ("a", "Gold Rush, The (1925)", {"genres": ["Comedy"], "director": "Ann Ash"}),
    ("b", "Heat (1995)", {"genres": ["Crime"], "director": "Bo Birch"}),
    ("c", "Thief (1981)", {"genres": ["Crime"], "director": "Bo Birch"}),
    ("d", "Inception (2010)", {"genres": ["Crime", "Sci-Fi"], "director": "Cy Cedar"}),
]


def meets(*places: int) -> np.ndarray:
    found = np.zeros(len(SCORES), dtype=bool)
    found[list(places)] = True
    return found


def test_exposure_is_the_discounted_share_of_the_best_there_could_be():
    assert measures.exposure(SCORES, meets(0, 1)) == pytest.approx(1)
    best = 1 + 1 / math.log2(3)
    assert measures.exposure(SCORES, meets(1, 3)) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best)
    assert measures.exposure(SCORES, meets()) == 0


def test_of_equal_scores_the_first_stands_first():
    assert measures.ranks_of(np.array([0.5, 0.9, 0.5])).tolist() == [2, 1, 3]


@pytest.mark.parametrize(
    ("places", "after", "up", "outcome"),
    [
        ((2,), [0.9, 0.7, 0.8, 0.3], True, "right"),
        ((2,), [0.9, 0.7, 0.8, 0.3], False, "wrong"),
        ((2,), [0.9, 0.7, 0.2, 0.3], False, "right"),
        ((2,), [0.8, 0.7, 0.5, 0.3], True, "still"),  # scores move, ranks do not
        ((), [0.9, 0.7, 0.5, 0.3], True, "cannot"),
        ((0, 1, 2, 3), [0.9, 0.7, 0.5, 0.3], True, "cannot"),
        ((0, 1), [0.9, 0.7, 0.5, 0.3], True, "cannot"),  # full of it already
        ((0, 1), [0.1, 0.7, 0.5, 0.3], False, "right"),
        ((2, 3), [0.9, 0.7, 0.5, 0.3], False, "cannot"),  # empty of it already
    ],
)
def test_a_list_moves_as_asked_or_not(places, after, up, outcome):
    assert measures.outcome(SCORES, np.array(after), meets(*places), up=up) == outcome


def test_what_cannot_move_counts_for_nothing():
    assert measures.share(["right", "right", "wrong", "still", "cannot"], "right") == 0.5
    assert math.isnan(measures.share(["cannot"], "right"))


def test_genre_wise_ndcg_has_the_genre_as_what_is_right():
    assert measures.ndcg(SCORES, meets(0, 1), k=2) == pytest.approx(1)
    assert measures.ndcg(SCORES, meets(3), k=2) == 0
    assert math.isnan(measures.ndcg(SCORES, meets(), k=2))


def test_half_of_the_english_styles_are_held_out_and_each_has_eight_wordings_of_both_kinds():
    english = [style for style in corrections.styles() if style.language == "en"]
    assert len(english) >= 8
    assert sum(style.held_out for style in english) == len(english) / 2
    for style in corrections.styles():
        for wordings in (style.likes, style.dislikes):
            assert len(set(wordings)) >= 8
            assert all(wording.count("{}") + wording.count("{the}") == 1 for wording in wordings)


@pytest.mark.parametrize(
    ("wording", "kind", "words", "language", "text"),
    [
        ("{} bore[|s] her.", "genre", "comedies", "en", "Comedies bore her."),
        ("{} bore[|s] her.", "title", "The Gold Rush", "en", "The Gold Rush bores her."),
        ("no {}", "genre", "docs", "en", "no docs"),
        ("Le encanta[n|] {the}.", "genre", "comedias", "es", "Le encantan las comedias."),
        ("Le encanta[n|] {the}.", "genre", "documentales", "es", "Le encantan los documentales."),
        ("Le encanta[n|] {the}.", "title", "Heat", "es", "Le encanta Heat."),
    ],
)
def test_an_aspect_stands_in_its_place_in_its_number(wording, kind, words, language, text):
    assert corrections.worded(wording, Aspect(kind, (), {}, frozenset()), words, language) == text


def test_all_that_can_be_spoken_of_is_found_in_a_catalog():
    found = corrections.aspects_in(FILMS)
    assert {(one.kind, one.facets[0].key if one.facets else "", one.items) for one in found if one.kind != "title"} == {
        ("genre", "genres=Crime", frozenset("bcd")),
        ("creator", "director=Bo Birch", frozenset("bc")),
        ("content", "", frozenset("bcd")),  # heists
    }
    (rush,) = (one for one in found if one.items == frozenset("a"))
    assert (rush.facets, rush.words["en"]) == ((Facet("title", "", "a"),), ["The Gold Rush"])


def test_an_honest_text_says_what_the_counts_say():
    crime = Aspect("genre", (), {"en": ["crime films"]}, frozenset("bcde"))
    drama = Aspect("genre", (), {"en": ["dramas"]}, frozenset("fghi"))
    few = Aspect("genre", (), {"en": ["westerns"]}, frozenset("b"))
    rated = [*((name, True) for name in "bcde"), *((name, False) for name in "fghi")]
    taste = texts.taste_of(rated, [drama, crime, few])
    assert (taste.likes, taste.dislikes) == ([crime], [drama])
    assert texts.template(taste) == "They love crime films. They avoid dramas."


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (4, 320, 0.005, 0.032)],
)
def test_the_interval_of_a_share(right: int, of: int, low: float, high: float):
    found = ["right"] * right + ["still"] * (of - right) + ["cannot"] * 3
    assert measures.interval(found, "right") == pytest.approx((low, high), abs=0.001)


def test_of_nothing_there_is_no_interval():
    assert np.isnan(measures.interval(["cannot"], "right")).all()

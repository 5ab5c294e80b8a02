"""Which terms mean what a phrase says."""

import numpy as np
import pytest

from recommender.knowledge.nearness import Threshold, comparable

PLAIN = Threshold(known=0.9, foreign=0.6, part=0.95, centred=False)
TERMS = ["robbery", "late", "bank robbery"]


def at(*cosines: float) -> np.ndarray:
    """Vectors in a plane whose cosines with the first axis are these."""
    return np.array([[one, np.sqrt(1 - one * one)] for one in cosines], dtype=np.float32)


@pytest.mark.parametrize(
    ("said", "cosine", "found"),
    [
        (["überfall"], 0.7, True),  # no text has this word: a foreign one
        (["überfall"], 0.5, False),
        (["late"], 0.7, False),  # a word that texts have, and these do not mean it
        (["late"], 0.92, True),
        (["late", "robbery"], 0.92, False),  # some of the phrase's own words
        (["late", "robbery"], 0.97, True),
        (["robberies"], 1.0, False),  # its own word, which is looked for anyway
    ],
)
def test_how_near_a_term_must_lie_depends_on_the_phrase(said: list[str], cosine: float, found: bool) -> None:
    known, phrases = comparable(TERMS, at(cosine, 0, 0), at(1.0), at(0), PLAIN)
    terms = [term for term, _ in known.nearest(said, phrases[0], PLAIN)]
    assert terms == (["robbery"] if found else [])


def test_nearer_terms_count_for_more_and_none_as_much_as_the_words_themselves() -> None:
    known, phrases = comparable(["a b", "c d", "e f"], at(0.7, 1.0, 0.6), at(1.0), at(0), PLAIN)
    found = known.nearest(["überfall"], phrases[0], PLAIN)
    assert [term for term, _ in found] == ["c d", "a b", "e f"]
    assert [degree for _, degree in found] == [0.99, 0.625, 0.5]


def test_what_all_vectors_share_says_nothing_once_it_is_taken_away() -> None:
    shared = np.array([0, 0, 5], dtype=np.float32)
    terms = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=np.float32) + shared
    background = np.array([[1, 1, 0], [-1, -1, 0]], dtype=np.float32) + shared
    centred = Threshold(0.9, 0.9, 0.9, centred=True)
    known, phrases = comparable(["one", "two", "three", "four"], terms, terms[:1], background, centred)
    assert [term for term, _ in known.nearest(["eins"], phrases[0], centred)] == ["one"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["überfall"], ["late one night", "one early day"]),  # no text has the word, and no term means it
        (["late"], []),  # a word that texts have
    ],
)
def test_sentences_tell_of_what_no_term_means(said: list[str], told: list[str]) -> None:
    plain = Threshold(known=0.9, foreign=0.6, part=0.95, centred=False, sentence=0.4)
    sentences = ["one early day", "late one night", "a third thing"]
    known, phrases = comparable(
        TERMS, at(0.1, 0, 0), at(1.0), at(0), plain, sentences=sentences, of_sentences=at(0.4, 0.7, 0.3)
    )
    assert [term for term, _ in known.nearest(said, phrases[0], plain)] == told
    nearer, phrases = comparable(
        TERMS, at(0.7, 0, 0), at(1.0), at(0), plain, sentences=sentences, of_sentences=at(0.4, 0.7, 0.3)
    )
    assert [term for term, _ in nearer.nearest(["überfall"], phrases[0], plain)] == ["robbery"]

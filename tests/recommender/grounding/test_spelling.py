"""Words that somebody mistyped mean what they nearly are; words that are right stay, however near they are."""

import pytest

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.reader import read
from recommender.grounding.spelling import Spelling
from recommender.grounding.tagger.tags import tagger

KNOWN = frozenset(["auction", "action", "dream", "movie", "thrilled", "police", "comet"])
ITEMS = [
    ("f1", "The Godfather (1972)", {"genres": ["Crime", "Drama"], "director": "Francis Ford Coppola"}),
    ("f2", "Vertigo (1958)", {"genres": ["Mystery", "Thriller"], "director": "Alfred Hitchcock"}),
    ("f3", "Night Mail (1936)", {"genres": ["Documentary"], "director": "Harry Watt"}),
    ("f4", "Seven Brides (1954)", {"genres": ["Comedy", "Musical", "Western"], "director": "Stanley Donen"}),
]


def spelling() -> Spelling:
    return Spelling(
        ["documentaries", "comedy", "comedies", "action", "thriller", "western", "westerns", "hitchcock", "horror"],
        slips=2,
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("documantaries", "documentaries"),
        ("docmuentaries", "documentaries"),
        ("comedys", "comedy"),
        ("thrillr", "thriller"),
        ("westens", "westerns"),
        ("hitchcok", "hitchcock"),
        ("horor", "horror"),
    ],
)
def test_what_is_nearly_a_known_word_is_that_word(written: str, meant: str) -> None:
    assert spelling().meant(written, KNOWN.__contains__) == meant


@pytest.mark.parametrize(
    "word", ["auction", "auctions", "thrilled", "western", "comets", "hor", "h0rror", "spaceships"]
)
def test_words_that_are_right_short_or_far_stay(word: str) -> None:
    assert spelling().meant(word, KNOWN.__contains__) is None


def test_what_is_as_near_to_two_words_is_neither() -> None:
    assert Spelling(["hansen", "hanson"], slips=2).meant("hansan", KNOWN.__contains__) is None


@pytest.mark.parametrize(
    ("words", "polarity", "named"),
    [
        ("No more documantaries please", "dislikes", "Documentary"),
        ("i love westens and musicles", "likes", "Western"),
        ("Can't stand Hitchcok!", "dislikes", "Alfred Hitchcock"),
        ("I loved The Godfahter", "likes", "f1"),
        ("thrilers keep me up, in a good way", "likes", "Thriller"),
        ("Nicht schon wieder, bitte keine Western", "dislikes", "Western"),
    ],
)
def test_a_mistyped_sentence_is_read_as_it_was_meant(words: str, polarity: str, named: str) -> None:
    found = read(words, Lexicon.of(ITEMS), about="end_user", tagger=tagger())
    assert (polarity, named) in [(one.polarity, facet.value) for one in found for facet in one.aspect]


@pytest.mark.parametrize("words", ["I like films about auctions.", "Gute Nacht, ich sehe nichts", "a bit of dreams"])
def test_words_that_only_resemble_name_nothing(words: str) -> None:
    found = read(words, Lexicon.of(ITEMS), about="end_user", tagger=tagger())
    assert not [one for one in found if any(facet.kind != "phrase" for facet in one.aspect)]

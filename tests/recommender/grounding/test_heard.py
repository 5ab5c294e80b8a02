"""What rules read, weighed with a tagger that says of each piece of a text what a test wants."""

import re

import numpy as np
import pytest

from benchmarks.statements import lexicon_of
from recommender.grounding.fitted import fitted
from recommender.grounding.heard import heard
from recommender.grounding.opinions import Context, opinions_in
from recommender.grounding.reader import marked
from recommender.grounding.tagger.tags import Tags


def tags_of(text: str, inside: str, sign: int = 0) -> Tags:
    """Pieces of up to four letters; those that begin inside the words `inside` belong to an aspect of that sign."""
    found = list(re.finditer(r"\w{1,4}", text))
    at = [(text.index(word), text.index(word) + len(word)) for word in inside.split("|") if word]
    spans = np.full((len(found), 3), 0.01, dtype=np.float32)
    polarities = np.full((len(found), 4), 0.05, dtype=np.float32)
    polarities[:, sign] = 0.85
    for number, piece in enumerate(found):
        begins = any(piece.start() == start for start, _ in at)
        goes_on = any(start < piece.start() < end for start, end in at)
        spans[number, 1 if begins else 2 if goes_on else 0] = 0.98
    holders = np.full((len(found), 3), 1 / 3, dtype=np.float32)
    starts, ends = [piece.start() for piece in found], [piece.end() for piece in found]
    return Tags(starts, ends, np.log(spans), np.log(polarities), np.log(holders))


@pytest.mark.parametrize(
    ("text", "inside", "said"),
    [
        ("Then volcanoes again.", "volcanoes", ["volcanoes"]),
        ("Then volcanoes again.", "volc", []),  # less than half of the word
        ("Then supervolcanoes again.", "pervolcanoes", ["supervolcanoes"]),  # most of it
        ("Then Mr Quince and a volcano.", "Quince|volcano", ["volcano"]),
        ("Sent her six westerns.", "westerns", ["Western"]),
        ("Sent her the Polish westerns.", "Polish westerns", ["Poland & Western"]),
        ("They screened the Polish New Wave again.", "Polish New Wave", ["Polish New Wave"]),
        ("They screened Japan new things.", "Japan new things", ["Japan"]),  # no name
        ("The card says “hates westerns”.", "", []),  # somebody else's words
        ("Loves slow wobbling.", "", []),  # rules take it for a phrase
        ("She once adored westerns.", "westerns", []),
        ("Westerns, but never the silly ones.", "silly|Westerns", ["Western", "Western & silly"]),
    ],
)
def test_words_are_taken_whole_and_what_nobody_hears_is_left_out(text: str, inside: str, said: list[str]) -> None:
    (sentence,) = marked(text, lexicon_of("films"))
    opinions = heard(sentence, opinions_in(sentence, 0, Context()), tags_of(text, inside), is_item=False)
    named = [sorted(facet.value for facet in each.aspect.facets) for each in opinions if each.polarity in (1, -1, 0)]

    assert [" & ".join(values) for values in named] == said


def test_how_something_is_liked_belongs_to_it() -> None:
    text = "I like my horror slow and sad."
    (sentence,) = marked(text, lexicon_of("films"))
    opinions = heard(sentence, opinions_in(sentence, 0, Context()), tags_of(text, "horror|slow|sad"), is_item=False)
    (found,) = fitted(sentence, opinions)

    assert [facet.value for facet in found.aspect.facets] == ["Horror", "slow", "sad"]


def test_a_list_is_of_one_mind() -> None:
    """What the tagger takes one member for does not outweigh what it says of the others."""
    text = "I love westerns, thrillers and musicals."
    (sentence,) = marked(text, lexicon_of("films"))
    tags = tags_of(text, "westerns|thrillers|musicals")
    tags.polarities[tags.starts.index(text.index("musi")) :] = np.log([0.01, 0.97, 0.01, 0.01])
    opinions = heard(sentence, opinions_in(sentence, 0, Context()), tags, is_item=False)

    assert [opinion.polarity for opinion in opinions] == [1, 1, 1]
    (alone,) = marked("I love musicals.", lexicon_of("films"))
    tags = tags_of("I love musicals.", "musicals")
    tags.polarities[:] = np.log([0.002, 0.98, 0.01, 0.008])
    assert [each.polarity for each in heard(alone, opinions_in(alone, 0, Context()), tags, is_item=False)] == [-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("They do not care for horror, for example “Near Dark (1987)” (rated 3).", 0),
        ("They do not care for horror, for example “Near Dark (1987)” (rated 2).", -1),
        ("They do not care for horror, for example “Near Dark (1987)”: 4/5.", 1),
        ("He first saw “Near Dark (1987)” at two, it is said.", 1),  # no rating: the tagger's word counts
    ],
)
def test_a_rating_right_behind_a_title_outweighs_what_is_heard_of_it(text: str, said: int) -> None:
    (sentence,) = marked(text, lexicon_of("films"))
    opinions = heard(sentence, opinions_in(sentence, 0, Context()), tags_of(text, "Near Dark"), is_item=False)

    assert [each.polarity for each in opinions if each.aspect.is_title] == [said]

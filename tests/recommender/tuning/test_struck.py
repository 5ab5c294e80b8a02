"""Sentences are taken out of a text so that what is left reads as a text."""

import pytest

from recommender.tuning.struck import without


def left(text: str, *quotes: str) -> str:
    return without(text, [(text.index(quote), text.index(quote) + len(quote)) for quote in quotes])[0]


@pytest.mark.parametrize(
    ("text", "quotes", "expected"),
    [
        ("Loves crime. Hates musicals. Likes war.", ["musicals"], "Loves crime. Likes war."),
        ("Loves crime. Hates musicals.", ["crime"], "Hates musicals."),
        ("Loves crime. Hates musicals.", ["crime", "musicals"], ""),
        ("Loves crime. Hates musicals.", [], "Loves crime. Hates musicals."),
        # what a semicolon joins is one sentence: half of it would not read as one
        ("Loves crime; hates musicals. Likes war.", ["musicals"], "Likes war."),
        # a question and its answer
        ("Likes war. Drama? 7 of 11. Loves crime.", ["Drama? 7 of 11"], "Likes war. Loves crime."),
        ("First.\n\nLoves crime.\n\nLikes war.", ["crime"], "First.\n\nLikes war."),
        # a point of a list goes with its line, a list with its heading
        ("Likes:\n- crime\n- war\n\nDislikes:\n- musicals", ["crime"], "Likes:\n- war\n\nDislikes:\n- musicals"),
        ("Likes:\n- crime\n- war\n\n**Dislikes:**\n- musicals", ["musicals"], "Likes:\n- crime\n- war"),
        ("Likes:\n\n1. crime\n2. war\n\nAll else is fine.", ["crime", "war"], "All else is fine."),
        # of a line with two sentences the other stays
        ("- Crime. So is war.\n- Drama", ["Crime"], "- So is war.\n- Drama"),
    ],
)
def test_what_is_left_of_a_text(text: str, quotes: list[str], expected: str) -> None:
    assert left(text, *quotes) == expected


def test_the_places_of_what_went_are_those_of_whole_sentences() -> None:
    text = "Loves crime. Hates musicals. Likes war."
    assert [text[start:end] for start, end in without(text, [(text.index("musicals"), 20)])[1]] == ["Hates musicals."]

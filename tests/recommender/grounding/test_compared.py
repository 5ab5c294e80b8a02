"""Counts that a text compares, and what it calls most of what is liked, held against rows."""

import pytest

from recommender.grounding.evidence import Rated
from recommender.grounding.findings import findings


def films(genre: str, liked: int, disliked: int) -> list[Rated]:
    ratings = [4.0] * liked + [2.0] * disliked
    return [Rated(f"{genre} {at} (1990)", {"genres": [genre]}, each > 3, each) for at, each in enumerate(ratings)]


# 8 of 9 westerns, 4 of 5 romances, 1 of 8 comedies and none of 4 dramas were liked.
ROWS = [*films("Western", 8, 1), *films("Romance", 4, 1), *films("Comedy", 1, 7), *films("Drama", 0, 4)]


def words(text: str) -> list[str]:
    return [each.words for each in findings(text, [], ROWS, {}) if each.kind == "count"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("They enjoyed more comedies than westerns.", "says Comedy above Western; it is 1 against 8 liked"),
        ("They enjoyed fewer westerns than romances.", "says Western below or beside Romance; it is 8 against 4 liked"),
        ("Dramas outnumber westerns among their favourites.", "says Drama above Western; it is 0 against 8 liked"),
        ("They liked as many comedies as westerns.", "says Comedy below or beside Western; it is 1 against 8 liked"),
        ("They liked half as many westerns as romances.",
         "says Western below or beside Romance; it is 8 against 4 liked"),
        ("They liked more than three times as many westerns as romances.",
         "says Western above Romance; it is 8 against 4 liked"),
        ("Unter den Favoriten sind mehr Dramen als Western.", "says Drama above Western; it is 0 against 8 liked"),
        ("Le gustaron más comedias que westerns, y mucho.", "says Comedy above Western; it is 1 against 8 liked"),
        ("Their favourites are mostly dramas.", "says mostly dramas; it is 0 of 13 liked"),
        ("Most of their favourites are dramas.", "says Most of their favourites are dramas; it is 0 of 13 liked"),
        ("Comedies make up half of what they liked.",
         "says Comedies make up half of what they liked; it is 1 of 13 liked"),
        ("Most of the westerns pleased them. Most of the comedies did, too.", "says most; it is 1 of 8 liked"),
        ("Few of the comedies were liked, and few of the westerns, either.", "says few; it is 8 of 9 liked"),
        ("La mayoría de los westerns les gustó, y la mayoría de las comedias también.",
         "says majority; it is 1 of 8 liked"),
    ],
)  # fmt: skip
def test_a_wrong_comparison_is_found_with_what_is_true(text: str, found: str) -> None:
    assert words(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "They enjoyed more westerns than comedies.",
        "They enjoyed more romances than westerns were ever shown to them.",  # than what?
        "They want more comedies than westerns.",  # a wish
        "They rated fewer dramas than comedies.",
        "They disliked more comedies than romances.",
        "They liked twice as many westerns as romances.",
        "Westerns outnumber romances among the favourites.",
        "Their favourites are mostly westerns.",
        "Most of their favourites are westerns.",
        "They do not like more comedies than others do.",
        "Most of the westerns pleased them. Most of the romances did, too.",
        "Most of the westerns pleased them. Most of the comedies did not.",
        "Few of the comedies were liked, and few of the dramas, either.",
        "More comedy than drama, that one.",  # too few of either to be called wrong
    ],
)
def test_a_right_one_and_what_cannot_be_told_is_not(text: str) -> None:
    assert words(text) == []

"""Ratings that texts quote wrongly are found, in many ways of quoting them; nothing else is."""

import pytest

from recommender.grounding.ratings import misquotes

RATED = [("Heat (1995)", 4.0), ("Heat", 2.0), ("Alien", 5.0), ("Aliens", 3.5), ("It", 1.0), ("Ran", None), ("Big", 3.0)]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("“Alien” (rated 4) and “Heat (1995)” (rated 4) were liked.", ["Alien"]),
        ("Alien, rated 2, did not convince.", ["Alien"]),
        ("Gave Alien 3 stars.", ["Alien"]),
        ("*Alien* – 2/5", ["Alien"]),
        ("- Alien: 4.5 out of five", ["Alien"]),
        ("Aliens, which was rated 5, came next.", ["Aliens"]),
        ("»Big« with 1 star", ["Big"]),
        ('"Alien" scored 4,5', ["Alien"]),
        ("Heat (rated 4)", ["Heat"]),
    ],
)
def test_a_wrong_rating_is_found(text: str, wrong: list[str]) -> None:
    assert [found.title for found in misquotes(text, RATED)] == wrong


@pytest.mark.parametrize(
    "text",
    [
        "“Alien” (rated 5), “Aliens” (rated 3.5), “Heat (1995)” (rated 4) and Heat, rated 2.",
        "Liked Alien. Of 12 films 4 were rated 4 or better.",
        "Alien came in 1979; 2 stars went to something else.",
        "It rated 4 films.",  # too short a title to be told from a word
        "Ran (rated 3) has no rating to hold it against.",
        "Aliens 3 was never seen, nor was Biggest, rated 9.",
        "Alien (rated 5.0) and Alien again: 5 stars.",
        "",
    ],
)
def test_what_is_right_or_about_something_else_is_not(text: str) -> None:
    assert misquotes(text, RATED) == []


def test_either_of_two_ratings_of_one_title_is_right() -> None:
    twice = [("Alien", 5.0), ("Alien", 2.0)]

    assert misquotes("Alien (rated 2), later Alien (rated 5)", twice) == []
    assert [(found.said, found.rated) for found in misquotes("Alien (rated 3)", twice)] == [(3.0, 5.0)]

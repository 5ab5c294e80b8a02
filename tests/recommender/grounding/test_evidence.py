"""What is counted for and against a statement, and how it stands: by hand-made rows whose counts are plain."""

from typing import Any

import pytest

from recommender.grounding.evidence import Evidence, Rated, count, meets, standing
from recommender.grounding.statements import Facet, Polarity, Statement

DRAMA, WESTERN = Facet("attribute", "genres", "Drama"), Facet("attribute", "genres", "Western")
SEVENTIES = Facet("period", "year", "1970-1979")
TITLES = {"f1": "Heat (1995)", "f2": "Alien (1979)"}
HEAT = Rated("Heat (1995)", {"genres": ["Crime", "Drama"], "year": 1995, "director": "Michael Mann"}, True, 5.0)


def said(polarity: Polarity, *facets: Facet) -> Statement:
    return Statement(facets or (DRAMA,), polarity)


def rows(liked: int, disliked: int, *, others: tuple[int, int] = (0, 0)) -> list[Rated]:
    inside = [Rated(f"D{n}", {"genres": ["Drama"]}, n < liked) for n in range(liked + disliked)]
    outside = [Rated(f"W{n}", {"genres": ["Western"]}, n < others[0]) for n in range(sum(others))]
    return [*outside, *inside]


@pytest.mark.parametrize(
    ("facets", "met"),
    [
        ([DRAMA], True),
        ([WESTERN], False),
        ([Facet("attribute", "director", "Michael Mann")], True),
        ([Facet("attribute", "country", "Japan")], None),
        ([Facet("attribute", "year", "1995")], True),
        ([Facet("period", "year", "1990-1999")], True),
        ([SEVENTIES], False),
        ([Facet("title", "", "f1")], True),
        ([Facet("title", "", "f2")], False),
        ([Facet("title", "", "gone")], None),
        ([Facet("phrase", "", "slow burns")], None),
        ([DRAMA, Facet("period", "year", "1990-1999")], True),
        ([DRAMA, SEVENTIES], False),
        ([WESTERN, Facet("phrase", "", "slow burns")], False),
        ([DRAMA, Facet("phrase", "", "slow burns")], None),
    ],
)
def test_an_item_meets_an_aspect_where_it_has_every_facet(facets: list[Facet], met: bool | None) -> None:
    assert meets(facets, HEAT, TITLES) is met


@pytest.mark.parametrize(
    ("title", "attributes", "met"),
    [
        ("Alien (1979)", {}, True),
        ("Alien (1979)", {"year": 1986}, False),
        ("Alien", {"year": "1979-05-25"}, True),
        ("Alien", {"year": 1979.0}, True),
        ("Alien", {}, None),
    ],
)
def test_a_period_goes_by_the_attribute_else_by_the_year_behind_the_title(
    title: str, attributes: dict[str, Any], met: bool | None
) -> None:
    assert meets([SEVENTIES], Rated(title, attributes), {}) is met


def test_what_meets_an_aspect_is_counted_with_its_places_and_with_everything_else() -> None:
    history = [*rows(1, 2, others=(3, 1)), Rated("D9", {"genres": ["Drama"]}), Rated("bare", {}, True)]
    assert count(said("likes"), history, {}) == Evidence(1, 2, 1, (4, 5, 6, 7), 3, 1)


def test_what_no_row_can_tell_is_not_checkable() -> None:
    phrase = said("likes", Facet("phrase", "", "slow burns"))
    assert count(phrase, rows(2, 1), {}) is None
    assert count(phrase, [], {}) is None
    assert count(said("likes", Facet("attribute", "tone", "grim")), rows(2, 1), {}) is None
    assert standing(phrase, None) == "not_checkable"


@pytest.mark.parametrize(
    ("liked", "disliked", "others", "likes", "dislikes", "mixed"),
    [
        (3, 8, (0, 0), "contradicted", "supported", "supported"),
        (3, 8, (2, 17), "contradicted", "supported", "supported"),  # more than elsewhere, and still few
        (4, 6, (2, 17), "unsupported", "supported", "supported"),  # fewer than half, though more than elsewhere
        (4, 6, (10, 9), "contradicted", "supported", "supported"),
        (8, 3, (0, 0), "supported", "contradicted", "supported"),
        (2, 2, (5, 5), "unsupported", "unsupported", "supported"),
        (1, 0, (5, 5), "supported", "unsupported", "unsupported"),
        (0, 1, (5, 5), "unsupported", "supported", "unsupported"),
        (0, 2, (5, 5), "contradicted", "supported", "unsupported"),
        (4, 0, (5, 5), "supported", "contradicted", "contradicted"),
        (0, 0, (5, 5), "unsupported", "unsupported", "unsupported"),
    ],
)
def test_tastes_stand_by_most_of_what_meets_them(
    liked: int, disliked: int, others: tuple[int, int], likes: str, dislikes: str, mixed: str
) -> None:
    history = rows(liked, disliked, others=others)
    found = {p: standing(said(p), count(said(p), history, {})) for p in ("likes", "dislikes", "mixed")}
    assert found == {"likes": likes, "dislikes": dislikes, "mixed": mixed}


def test_one_title_is_held_against_itself() -> None:
    history = [HEAT, Rated("Alien (1979)", {}, False)]
    for polarity, item, expected in (
        ("likes", "f1", "supported"),
        ("dislikes", "f1", "contradicted"),
        ("likes", "f2", "contradicted"),
        ("likes", "gone", "not_checkable"),
    ):
        statement = said(polarity, Facet("title", "", item))
        assert standing(statement, count(statement, history, TITLES)) == expected


def test_rows_that_nobody_judged_say_nothing_for_or_against() -> None:
    history = [Rated("D1", {"genres": ["Drama"]}), Rated("W1", {"genres": ["Western"]}, True)]
    assert standing(said("likes"), count(said("likes"), history, {})) == "not_checkable"
    assert standing(said("neutral"), count(said("neutral"), history, {})) == "supported"


def test_a_fact_is_held_against_the_items_own_attributes() -> None:
    for facet, expected in (
        (DRAMA, "supported"),
        (WESTERN, "unsupported"),  # a list may leave something out
        (SEVENTIES, "contradicted"),
        (Facet("attribute", "director", "Ada Lin"), "contradicted"),
        (Facet("attribute", "country", "Japan"), "not_checkable"),
    ):
        fact = said("neutral", facet)
        assert standing(fact, count(fact, [HEAT], TITLES)) == expected


@pytest.mark.parametrize(("rating", "stands"), [(3.0, "supported"), (1.0, "unsupported")])
def test_a_title_rated_in_between_bears_out_two_minds(rating: float, stands: str) -> None:
    others = [Rated("A", {}, True, 5.0), Rated("B", {}, False, 2.0), Rated("C", {}, False, 1.0)]
    titles = {"x": "X"}
    statement = said("mixed", Facet("title", "", "x"))
    shown = [*others, Rated("X", {}, False, rating)]

    assert standing(statement, count(statement, shown, titles)) == stands

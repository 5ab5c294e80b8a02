"""What a model lists of its own text, as the catalog has it and beside what a reader read."""

import pytest

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.statements import Facet, Statement
from recommender.grounding.told import NOTHING, Listed, statements_of, together

LEXICON = Lexicon.of(
    [
        ("f1", "Paths of Glory (1957)", {"genres": ["War", "Drama"], "director": ["Stanley Kubrick"], "year": 1957}),
        ("f2", "The Kid (1921)", {"genres": ["Comedy"], "country": ["France"], "year": 1921}),
    ],
    nouns=("film",),
)
TEXT = "They praise war films and Kubrick.\nFrench comedies, “The Kid” apart, leave them cold; so do slow burns."


def keys(*listed: Listed, about: str = "end_user") -> list[tuple[str, str]]:
    return [(one.key, one.polarity) for one in statements_of(listed, TEXT, LEXICON, about=about)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("quote", "about", "found"),
    [
        ("They praise war films", "war", ["genres=War"]),
        ("war films and Kubrick", "war films, Stanley Kubrick", ["genres=War", "director=Stanley Kubrick"]),
        ("French comedies", "French comedies", ["country=France & genres=Comedy"]),
        ("French comedies", "French", ["country=France"]),
        ("“The Kid” apart", "The Kid", ["title=f2"]),
        ("so do  SLOW burns.", "slow burns", ["phrase=slow burns"]),
        ("paraphrased by the model", "slow burns", ["phrase=slow burns"]),
        ("leave them cold", "what makes you think", ["phrase=what makes you think"]),
        ("They adore westerns", "westerns", []),  # the text does not say so
        ("", "  ", []),
    ],
)
def test_what_is_listed_is_found_in_the_text_and_in_the_catalog(quote: str, about: str, found: list[str]) -> None:
    assert [key for key, _ in keys(Listed(quote, about, "likes"))] == found


def test_a_quote_marks_its_place() -> None:
    (one,) = statements_of([Listed("leave them  cold", "comedies", "dislikes")], TEXT, LEXICON, about="end_user")

    assert one.quote(TEXT) == "leave them cold"


def test_a_phrase_is_a_fact_of_an_item_whose_text_has_its_words_and_of_no_end_user() -> None:
    listed = [
        Listed("slow burns", about, "neutral") for about in ("slow burn", "war films and wit", "slow burns in space")
    ]
    assert keys(*listed, about="item") == [("phrase=slow burn", "neutral"), ("genres=War", "neutral")]
    assert keys(*listed) == [("genres=War", "neutral")]
    fact, _ = statements_of(listed, TEXT, LEXICON, about="item")
    assert [one.otherwise for one in together([fact], [])] == [""]  # readers look for no such facts


def test_an_items_own_title_is_no_statement() -> None:
    assert statements_of([Listed("The Kid", "The Kid", "likes")], TEXT, LEXICON, about="item", subject="f2") == []


def test_whose_opinion_it_is_counts_in_texts_about_items_only() -> None:
    listed = [Listed("war films", "war films", "dislikes", "hedged", "dislikers")]

    (of_item,) = statements_of(listed, TEXT, LEXICON, about="item")
    (of_person,) = statements_of(listed, TEXT, LEXICON, about="end_user")

    assert (of_item.holder, of_person.holder) == ("dislikers", "subject")
    assert of_item.strength < 0.5


def said(key: str, polarity: str, start: int = 0) -> Statement:
    kind, _, value = key.partition("=")
    facet = Facet("phrase", "", value) if kind == "phrase" else Facet("attribute", kind, value)
    return Statement((facet,), polarity, start=start, end=start + 1)  # type: ignore[arg-type]


def test_a_list_and_a_reading_are_held_against_each_other() -> None:
    theirs = [said("genres=War", "likes"), said("genres=Crime", "dislikes", 5), said("phrase=slow burns", "likes", 9)]
    ours = [said("genres=War", "likes"), said("genres=Crime", "likes", 5), said("genres=Drama", "mixed", 7)]

    found = [(one.statement.key, one.by_model, one.otherwise) for one in together(theirs, ours)]

    assert found == [
        ("genres=War", True, ""),
        ("genres=Crime", True, "likes"),
        ("genres=Drama", False, NOTHING),
        ("phrase=slow burns", True, NOTHING),
    ]


def test_a_phrase_that_is_part_of_the_other_is_the_same() -> None:
    (one,) = together([said("phrase=slow burns", "likes")], [said("phrase=very slow burns", "likes")])

    assert one.otherwise == ""


@pytest.mark.parametrize(
    "said",
    [
        {"quote": "q", "about": "war", "polarity": "loves"},
        {"quote": 3, "about": "war", "polarity": "likes"},
        {"quote": "q", "about": " ", "polarity": "likes"},
        {"quote": "q", "about": "\x00", "polarity": "likes"},
        {"quote": "q", "about": "war", "polarity": ["likes"]},
        {"quote": "q", "about": "war", "polarity": {"likes": 1}},
        {},
    ],
)
def test_an_entry_without_its_parts_is_none(said: dict[str, object]) -> None:
    assert Listed.of_json(said) is None


def test_an_odd_strength_or_holder_is_plain() -> None:
    one = Listed.of_json({"quote": "q", "about": " war  films", "polarity": "likes", "strength": 9, "who": "everybody"})

    assert one == Listed("q", "war films", "likes", "plain", "subject")


@pytest.mark.parametrize("odd", [["strong"], {"strong": 1}, None, 0.5, "\ud800"])
def test_what_else_stands_in_place_of_a_strength_or_holder_is_plain_too(odd: object) -> None:
    one = Listed.of_json({"quote": "q", "about": "war", "polarity": "likes", "strength": odd, "who": odd})

    assert one == Listed("q", "war", "likes")


def test_what_no_database_takes_is_left_out() -> None:
    one = Listed.of_json({"quote": "a\x00b \ud800", "about": "w\x00r \udfff", "polarity": "likes"})

    assert one == Listed("a b ?", "w r ?", "likes")

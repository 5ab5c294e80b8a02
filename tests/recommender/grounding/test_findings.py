"""What a text says that its rows contradict: found where it is wrong, and nowhere else. Statements are made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from recommender.grounding.evidence import Rated
from recommender.grounding.findings import Finding, findings
from recommender.grounding.statements import Facet, Holder, Polarity, Statement
from recommender.grounding.tagger.tags import tagger


def film(title: str, rating: float, *genres: str, year: int = 1995) -> Rated:
    return Rated(f"{title} ({year})", {"genres": list(genres), "year": year}, rating > 3, rating)


# 11 dramas, 3 of them liked; 3 westerns, 2 of them liked; 2 comedies, both liked.
ROWS = [
    film("Red Dust", 5, "Western", year=1962),
    film("Low Sun", 4, "Western", "Drama", year=1964),
    film("Long Grass", 2, "Western", year=1971),
    *(film(f"Letters {word}", 2, "Drama") for word in ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight")),
    film("Night Train, The", 5, "Drama", year=1978),
    film("Parade", 4, "Comedy"),
    film("Oh, Harvest!", 5, "Comedy", "Drama"),
]
TITLES = {str(place): row.title for place, row in enumerate(ROWS)}
DRAMA = Facet("attribute", "genres", "Drama")


def said(polarity: Polarity, *facets: Facet, start: int = 0, end: int = 10, holder: Holder = "subject") -> Statement:
    return Statement(facets, polarity, 1.0, start, end, holder)


def found(
    text: str, rows: Sequence[Rated] | Mapping[Holder, Sequence[Rated]] = ROWS, **options: object
) -> list[Finding]:
    return findings(text, [], rows, TITLES, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("They liked 7 of 11 dramas.", "says 7 of 11; it is 3 of 11 liked"),
        ("7 of the 11 dramas in the history were liked.", "says 7 of 11; it is 3 of 11 liked"),
        ("Seven out of eleven dramas pleased them.", "says 7 of 11; it is 3 of 11 liked"),
        ("Of the eleven dramas they rated, seven were received well.", "says 7 of 11; it is 3 of 11 liked"),
        ("They disliked 3 of the 11 dramas.", "says 3 of 11; it is 8 of 11 not liked"),
        ("3 of the 11 dramas failed.", "says 3 of 11; it is 8 of 11 not liked"),
        ("3 of 9 dramas were liked.", "says 3 of 9; it is 3 of 11 liked"),
        ("One of the three westerns was liked.", "says 1 of 3; it is 2 of 3 liked"),
        ("Dramas: 9/11 liked.", "says 9 of 11; it is 3 of 11 liked"),
        ("They liked nineteen of the thirty films.", "says 19 of 30; it is 5 of 14 liked"),
        ("Most of the dramas were liked.", "says most; it is 3 of 11 liked"),
        ("All of the westerns won them over.", "says all; it is 2 of 3 liked"),
        ("All 3 westerns were liked.", "says all 3; it is 2 of 3 liked"),
        ("They liked all three of the westerns shown.", "says all 3; it is 2 of 3 liked"),
        ("All 9 dramas were disliked.", "says all 9; it is 8 of 11 not liked"),
        ("Every western was liked.", "says every; it is 2 of 3 liked"),
        ("They liked all their westerns.", "says all; it is 2 of 3 liked"),
        ("They liked both westerns.", "says both 2; it is 2 of 3 liked"),
        ("Neither of the comedies was liked.", "says neither 2; it is 2 of 2 liked"),
        ("None of the comedies were liked.", "says none; it is 2 of 2 liked"),
        ("They liked few of the comedies.", "says few; it is 2 of 2 liked"),
        ("6 of the 14 entries with an opinion ended well.", "says 6 of 14; it is 5 of 14 liked"),
        ("6 of the 14 entries ended in much noise.", "says 6 of 14; it is 5 of 14 liked"),  # well or badly
        ("4 of the 9 dramas have a train in them.", "says 4 of 9; it is 3 of 11 liked"),
        ("Films from the 1960s: none liked.", "says none; it is 2 of 2 liked"),
        ("Eleven dramas, seven of them liked.", "says 7 of 11; it is 3 of 11 liked"),
        ("The list holds eleven dramas, and just seven of those went down well.", "says 7 of 11; it is 3 of 11 liked"),
        ("They sat through 11 dramas, and only 5 were a delight.", "says 5 of 11; it is 3 of 11 liked"),
        ("Count the dramas: eleven seen, seven enjoyed.", "says 7 of 11; it is 3 of 11 liked"),
        ("Dramas (11 seen, 2 liked).", "says 2 of 11; it is 3 of 11 liked"),
        ("Dramas: 5 liked, 6 disliked.", "says 5 of 11; it is 3 of 11 liked"),
        ("Westerns – 1 hit, 2 misses.", "says 1 of 3; it is 2 of 3 liked"),
        ("The majority of the dramas won them over.", "says majority; it is 3 of 11 liked"),
        ("All but two of the 11 dramas were liked.", "says 9 of 11; it is 3 of 11 liked"),
        ("Dramas: eleven seen, all but two liked.", "says 9 of 11; it is 3 of 11 liked"),
        ("Dramas: 7 liked out of 11.", "says 7 of 11; it is 3 of 11 liked"),
        ("Seven dramas out of eleven were liked.", "says 7 of 11; it is 3 of 11 liked"),
        ("They liked **7 out of 11** dramas.", "says 7 of 11; it is 3 of 11 liked"),
        ("With dramas they are 7 for 11.", "says 7 of 11; it is 3 of 11 liked"),
        ("One in two of the dramas was liked.", "says 1 of 2; it is 3 of 11 liked"),
        ("Not one of the comedies was liked.", "says none; it is 2 of 2 liked"),
        ("Hardly any of the comedies was liked.", "says hardly any; it is 2 of 2 liked"),
        ("Nearly all of the dramas were liked.", "says nearly all; it is 3 of 11 liked"),
        ("Two thirds of the dramas were liked.", "says two thirds; it is 3 of 11 liked"),
        ("Barely half of the comedies were liked.", "says half; it is 2 of 2 liked"),
        ("Of the eleven dramas most were liked.", "says most 11; it is 3 of 11 liked"),
        ("Of dramas they have seen eleven, and liked seven.", "says 7 of 11; it is 3 of 11 liked"),
        ("They rated eleven dramas; seven were liked.", "says 7 of 11; it is 3 of 11 liked"),
        ("They rated eleven dramas. Of these, seven were liked.", "says 7 of 11; it is 3 of 11 liked"),
        ("Dramas, then: they saw eleven such films and seven of them pleased.", "says 7 of 11; it is 3 of 11 liked"),
        ("Von den elf Dramen haben ihnen sieben gefallen.", "says 7 of 11; it is 3 of 11 liked"),
        ("Sie haben elf Dramen gesehen, sieben davon gefielen ihnen.", "says 7 of 11; it is 3 of 11 liked"),
        ("Von den zwei Komödien mochten sie keine einzige.", "says none 2; it is 2 of 2 liked"),
        ("De los once dramas le gustaron siete.", "says 7 of 11; it is 3 of 11 liked"),
        ("Drama: seven likes in eleven attempts.", "says 7 of 11; it is 3 of 11 liked"),
        ("They watched eleven dramas. They were won over by seven.", "says 7 of 11; it is 3 of 11 liked"),
        ("Dramas lent: 11. Returned with praise: 7.", "says 7 of 11; it is 3 of 11 liked"),
        ("Dramas? 7 out of 11 were hits.", "says 7 of 11; it is 3 of 11 liked"),
        ("Drama, their records say, is 7/11 with them.", "says 7 of 11; it is 3 of 11 liked"),
        ("They rated eleven dramas and complained of one of the eleven.", "says 1 of 11; it is 8 of 11 not liked"),
        ("With two exceptions all eleven dramas were liked.", "says 9 of 11; it is 3 of 11 liked"),
        ("More than half of the dramas were liked.", "says more than half; it is 3 of 11 liked"),
        ("At least six of the 11 dramas were liked.", "says 6 of 11; it is 3 of 11 liked"),
        ("Four fifths of the dramas were liked.", "says 4/5; it is 3 of 11 liked"),
        ("67 % of the dramas were liked.", "says 67%; it is 3 of 11 liked"),
        ("All three dramas fell below the mark for a like.", "says all 3; it is 8 of 11 not liked"),
        ("Rund drei Viertel der Dramen haben ihnen gefallen.", "says three quarters; it is 3 of 11 liked"),
        ("Sieben der elf gesehenen Dramen kamen bei ihnen gut an.", "says 7 of 11; it is 3 of 11 liked"),
        ("Le gustaron más de la mitad de los dramas.", "says more than half; it is 3 of 11 liked"),
    ],
)
def test_a_wrong_count_is_found_with_what_is_true(text: str, words: str) -> None:
    (finding,) = found(text)
    assert (finding.kind, finding.words) == ("count", words)
    assert text[finding.start : finding.end] in text
    assert finding.rows or "films" in text


@pytest.mark.parametrize(
    "text",
    [
        "They liked 3 of 11 dramas, and 8 of 11 dramas did not please them.",
        "3 of the 11 dramas in the history were liked, most of them late.",
        "They like both dramas and comedies; neither westerns nor thrillers.",
        "Two of the three westerns and both comedies were liked.",
        "5 of the 14 entries with an opinion ended well.",
        "Of the 14 entries with an opinion 5 ended well.",
        "11 of the 14 films are dramas.",
        "4 of the 11 dramas have a train in them.",
        "Most of the westerns were liked, few of the dramas were, and all of the comedies.",
        "Two of the three slow westerns were not liked.",  # no row tells which are slow
        "One of the last three dramas was liked.",
        "Two of these three were rated 5.",
        "5 of 11 dramas averaged above 3.",
        "Rated Parade 4/5, gave Red Dust 5 out of 5 stars.",
        "Some of the dramas, and a few of the westerns, were liked.",
        "Not all of the dramas failed.",
        "Both comedies were liked, and all 2 of the films from the 1960s.",
        "All three slow dramas were liked.",
        "They liked both Parade and Red Dust.",
        "Every second drama was liked; every time they saw one they were glad.",
        "Not every western was liked.",
        "8 of 11 musicals were liked.",  # of none it can be told
        "Eleven dramas, three of them liked; three westerns, two of which pleased them.",
        "Dramas: 3 liked, 8 not.",
        "They rated eleven dramas; the one they enjoyed most is Night Train.",
        "Saw eleven dramas and three westerns; two westerns were liked.",
        "All but eight of the 11 dramas were liked.",
        "Not one of the two comedies failed.",
        "With dramas they are 3 for 11; one in four is not much.",
        "About a quarter of the dramas were liked, hardly any of them early.",
        "They rated eleven dramas; three were liked.",
        "Slow books earn their praise, four times out of four.",
        "They rated eleven dramas; seven trains were in them.",
        "They saw ten such films and liked seven of them.",  # no telling which
        "Von den elf Dramen haben ihnen drei gefallen.",
        "De los once dramas no le gustaron ocho.",
        "De las comedias no le disgustó ninguna.",
        "Nearly every drama failed; one in three weeks is enough.",
        "With eight exceptions, all eleven dramas were liked.",
        "All dramas were liked, except Letters One and a few more.",
        "Fewer than half of the dramas were liked, at least two of the 11 dramas among them.",
        "27 % of the dramas were liked.",
        "They complained of every one of the eight dramas that disappointed them.",
        "They approach every western with joy.",
        "Bis auf acht haben ihnen alle elf Dramen gefallen.",
        "Both comedies, and every single one of the two, were liked.",
        "Drama 4/5, and Parade is 2/3 of a film.",
        "",
    ],
)
def test_a_right_count_and_what_cannot_be_told_is_not(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("They adored “The Lantern Keeper”.", "The Lantern Keeper"),
        ('They adored "Nine Winters (1983)".', "Nine Winters (1983)"),
        ("They adored *Salt on the Window*, too.", "Salt on the Window"),
        ("An example is A Train for Emilia (1971), which they rated highly.", "A Train for Emilia (1971)"),
    ],
)
def test_a_title_that_nobody_has_is_found(text: str, title: str) -> None:
    (finding,) = found(text)
    assert (finding.kind, text[finding.start : finding.end]) == ("title", title)
    elsewhere = ("Lantern Keeper, The (1990)", "Nine Winters", "Salt on the Window (2001)", "A Train for Emilia (1971)")
    assert found(text, known_titles=elsewhere) == []


@pytest.mark.parametrize(
    "text",
    [
        "They adored “The Night Train”, “Night Train, The (1978)” and The Night Train (1978).",
        "They adored “Oh Harvest” and “Letters One”, and Red Dust (1962) above all.",
        "They adored “Leters Two (1995)”.",  # a slip of the pen
        "A “slow burn” is fine, and so is what one may call “Drama”.",
        "They said: “It was much too long for what it had to tell.”",
        "**In short:** dramas of the nineties (1990s), no.",
        "Diese Person liebt „Der Nachtzug“ und mag auch „Parade“.",  # a title in another language
    ],
)
def test_titles_of_the_rows_and_other_quotations_are_not(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Diese Person mag „The Weavers of Lodz“ sehr, und das schon lange.", ["The Weavers of Lodz"]),
        ("Diese Person mag „Die Weber von Lodz“ (1931) sehr, und das schon lange.", ["Die Weber von Lodz"]),
        ("A esta persona le gustan «Los relojes (1931)» y «Tren de noche» (1978), y mucho.", ["Los relojes (1931)"]),
        ("Diese Person mag „Die Weber von Lodz“ (1977) sehr, und das schon lange.", []),  # of the year before a row
        ("Diese Person mag „Die Weber von Lodz“ sehr, und das schon lange.", []),
        ("Diese Person mag „Lodz Weavers“ sehr, und das schon lange.", []),
        ("Diese Person mag „The Night Train“ sehr, und das schon lange.", []),
    ],
)
def test_in_another_language_only_what_is_surely_none_is_found(text: str, titles: list[str]) -> None:
    assert [text[each.start : each.end] for each in found(text)] == titles
    assert found(text, known_titles=["The Weavers of Lodz (1931)"]) == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Most recently they enjoyed “Red Dust (1962)”.", "Red Dust"),
        ("Lately “Low Sun” has been on their mind.", "Low Sun"),
        ("Their latest success is “Letters Two”.", "Letters Two"),
        ("Last drop of the night: Low Sun.", "Low Sun"),
    ],
)
def test_a_latest_title_that_is_long_past_is_found(text: str, title: str) -> None:
    (finding,) = found(text)
    assert finding.kind == "order"
    assert text[finding.start : finding.end].startswith(title)
    assert finding.rows == tuple(place for place, row in enumerate(ROWS) if row.title.startswith(title))
    assert "came after it" in finding.words


@pytest.mark.parametrize(
    "text",
    [
        "Most recently they enjoyed “Oh, Harvest! (1995)”.",
        "“Red Dust” came first; most recently there was “Parade”.",
        "Lately they liked “Parade”, unlike “Red Dust”.",
        "They prefer recent films to “Red Dust”.",
        "Last night: Low Sun, as in every year.",
    ],
)
def test_one_of_the_last_is_not(text: str) -> None:
    assert found(text) == []


def test_a_dot_inside_a_title_does_not_cut_it() -> None:
    assert found("An example is WALK·E (2008).", [film("WALK·E", 4, "Comedy", year=2008)]) == []


def test_where_no_order_is_known_nothing_is_the_latest() -> None:
    (finding,) = found("Most recently they enjoyed “Parade”.", ordered=False)
    assert finding.kind == "order"
    assert "not known" in finding.words


def test_a_taste_turned_round_is_found_with_its_rows() -> None:
    text = "They love drama."
    wrong = findings(text, [said("likes", DRAMA, end=15)], ROWS, TITLES)
    assert [(f.kind, f.start, f.end, f.words) for f in wrong] == [
        ("polarity", 0, 15, "says that Drama is liked; 3 of 11 were liked")
    ]
    assert [ROWS[place].attributes["genres"] for place in wrong[0].rows].count(["Drama"]) == 9
    fine = [said("dislikes", DRAMA), said("likes", Facet("attribute", "genres", "Musical"))]
    assert findings(text, fine, ROWS, TITLES) == []


def test_a_statement_whose_count_is_looked_at_is_not_looked_at_twice() -> None:
    text = "They like only 3 of the 11 dramas."
    assert findings(text, [said("likes", DRAMA, end=len(text))], ROWS, TITLES) == []


def test_a_misquoted_rating_is_found_at_its_place() -> None:
    text = "They rated Parade (1995) (rated 2) highly."
    (finding,) = found(text)
    assert (finding.kind, text[finding.start : finding.end]) == ("rating", "Parade (1995) (rated 2")
    assert finding.rows == (12,)


# --- items ----------------------------------------------------------------------------------------------------------

ITEM = film("Last Water", 4, "Western", year=1958)
OF_ITEM: Mapping[Holder, Sequence[Rated]] = {
    "subject": [Rated(ITEM.title, ITEM.attributes)],
    "likers": [*ROWS[:4], ITEM],
    "dislikers": [*ROWS[3:8], Rated(ITEM.title, ITEM.attributes, False, 1.0)],
}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("People who like it liked 2 of 3 westerns.", True),
        ("People who like it liked 3 of 4 westerns.", True),  # with the item itself
        ("People who like it liked 1 of 3 westerns.", False),
        ("Of people who do not like it: none of the dramas were liked.", True),
        ("Of people who do not like it: 4 of 5 dramas were liked.", False),
        ("“Last Water” suits those who adored “Red Dust”.", True),
        ("It sits beside “The Lantern Keeper”.", False),
    ],
)
def test_a_text_about_an_item_is_held_against_the_side_it_speaks_of(text: str, right: bool) -> None:
    assert (found(text, OF_ITEM) == []) is right


def test_tastes_of_a_side_and_facts_of_the_item_are_held_against_their_own_rows() -> None:
    text = "It is a drama from the 1970s. Those who like it love westerns. Those who do not like it love drama."
    statements = [
        said("likes", DRAMA, start=63, end=len(text), holder="dislikers"),
        said("likes", Facet("attribute", "genres", "Western"), start=30, end=62, holder="likers"),
        said("neutral", Facet("period", "year", "1970-1979"), end=28),
        said("neutral", DRAMA, end=28),
    ]
    wrong = findings(text, statements, OF_ITEM, TITLES)
    assert [(f.kind, f.holder) for f in wrong] == [("fact", "subject"), ("polarity", "dislikers")]
    assert wrong[1].rows == (0, 1, 2, 3, 4)


@pytest.mark.skipif(tagger() is None, reason="The encoder is not installed.")
@pytest.mark.parametrize(
    ("sentence", "rows", "words"),
    [
        ("They cannot get enough of dramas.", ROWS, "says that Drama is liked; 3 of 11 were liked"),
        ("They warm to comedies only rarely, if at all.", ROWS, "says that Comedy is not liked; 2 of 2 were liked"),
        ("Of people who don't like it: dramas suit them well.", OF_ITEM, "says that Drama is liked; 0 of 5 were liked"),
        (
            "They adore comedies.\n\nDislikes:\n- dramas\n- comedies",
            ROWS,
            "says that Comedy is not liked; 2 of 2 were liked",
        ),
        ("+ comedies\n+ drama\n- romance", ROWS, "says that Drama is liked; 3 of 11 were liked"),
        ("Horror: never. Comedies: never.", ROWS, "says that Comedy is not liked; 2 of 2 were liked"),
        ("Dramen mag sie sehr, und das ist gut so.", ROWS, "says that Drama is liked; 3 of 11 were liked"),
        ("Le encantan los dramas, y mucho.", ROWS, "says that Drama is liked; 3 of 11 were liked"),
        ("Likes:\n- comedies\n\nDislikes:\n- dramas", ROWS, None),
        ("+ comedies\n- dramas", ROWS, None),
        ("At first glance one might think that they love dramas.", ROWS, None),
        ("They used to love dramas.", ROWS, None),
        ("They like comedies, and dramas leave them cold.", ROWS, None),
        ("People who rated it low rarely take to dramas.", OF_ITEM, None),
        ("They liked three dramas.", ROWS, None),  # that many were
    ],
)
def test_a_sentence_against_all_others_is_read_by_itself(sentence: str, rows: Any, words: str | None) -> None:
    wrong = findings(sentence, [], rows, TITLES, tagger=tagger())
    assert [finding.words for finding in wrong] == ([] if words is None else [words])

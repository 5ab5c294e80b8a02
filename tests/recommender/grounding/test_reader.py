"""What the reader reads: kinds of construction, the gold corpus, places, and whatever anybody may write."""

import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statements import Count, compare, lexicon_of
from recommender.grounding.reader import read
from recommender.grounding.statements import Statement
from tests.conftest import ROOT
from tests.statements_corpus import read_corpus

MARKS = {"likes": "+", "dislikes": "-", "mixed": "±", "neutral": "0"}
LINES = (ROOT / "tests" / "data" / "readings.txt").read_text(encoding="utf-8").splitlines()
READINGS = [tuple(line.split("|")[:1] + line[2:].rsplit("|", 1)) for line in LINES if not line.startswith(";")]
FILM = "f300"


def short(statement: Statement) -> str:
    values = "&".join(sorted(facet.value for facet in statement.aspect if facet.kind != "phrase"))
    holder = "" if statement.holder == "subject" else f"@{statement.holder[0]}"
    return f"{MARKS[statement.polarity]}{values}{holder}"


def keys(text: str, catalog: str = "films", about: str = "end_user", subject: str = "") -> list[str]:
    statements = read(text, lexicon_of(catalog), about=about, subject=subject)  # type: ignore[arg-type]
    return [f"{MARKS[statement.polarity]}{statement.key}" for statement in statements]


@pytest.mark.parametrize(("about", "text", "said"), READINGS)
def test_a_construction_is_read(about: str, text: str, said: str) -> None:
    statements = read(text, lexicon_of("films"), about="item" if about == "i" else "end_user", subject=FILM)
    known = [each for each in statements if any(facet.kind != "phrase" for facet in each.aspect)]

    assert " ".join(sorted({short(each) for each in known if about == "i" or each.polarity != "neutral"})) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Enjoys 1970s dramas, slow burns and unreliable narrators.",
         ["+genres=Drama & year=1970-1979", "+phrase=slow burns", "+phrase=unreliable narrators"]),
        ("Loves dark comedies; thrillers with twists bore them to tears.",
         ["+genres=Comedy & phrase=dark", "-genres=Thriller & phrase=twists"]),
        ("Black-and-white crime is what I crave. She loves hand-drawn animation.",
         ["+genres=Crime & phrase=Black-and-white", "+genres=Animation & phrase=hand-drawn"]),
        ("I like black and white comedies, well-made westerns.",
         ["+genres=Comedy & phrase=black and white", "+genres=Western"]),
        ("19 of 30 dramas liked; 3 of 11 comedies; 5 of 5 westerns.",
         ["±genres=Drama", "-genres=Comedy", "+genres=Western"]),
        ("She liked Gold Rush, The (1925), “Up” and Alien, 4/5. Nothing beats Heat.",
         ["+title=f002", "+title=f146", "+title=f312", "+title=f226"]),
        ("It is a big film about us, up in the heat.", []),
        ("Likes early seventies thrillers, films before 1960 and the 1990s and later.",
         ["+genres=Thriller & year=1970-1973", "+year=0-1959", "+year=1990-9999"]),
        ("Of late, odd, tender comedies. She gave four westerns to her aunt.",
         ["+genres=Comedy & phrase=odd & phrase=tender", "0genres=Western"]),
        ("An avid western fan who has rejected horror.", ["+genres=Western", "-genres=Horror"]),
        ("Likes musicals, but not the lonely ones; prefers thick books to thin ones.",
         ["+genres=Musical", "-genres=Musical & phrase=lonely", "+phrase=thick books", "-phrase=thin ones"]),
        ("Enjoys dramas with twins in them. After all these years romance baffles her entirely.",
         ["+genres=Drama & phrase=twins", "0genres=Romance"]),
        ("Likes westerns, especially those with trains. Mag Dramen, vor allem die mit Pferden.",
         ["+genres=Western", "+genres=Western & phrase=trains", "+genres=Drama", "+genres=Drama & phrase=Pferden"]),
        ("Le gustan las comedias amargas y el terror rural. El drama gusta poco.",
         ["+genres=Comedy & phrase=amargas", "+genres=Horror & phrase=rural", "-genres=Drama"]),
        ("She likes being startled; he likes to be puzzled.", ["+phrase=startled", "+phrase=puzzled"]),
        ("Anything with volcanoes. Everything by Leone!", ["+phrase=volcanoes", "+director=Sergio Leone"]),
        ("Alles mit Vulkanen!", ["+phrase=Vulkanen"]),
        ("Er sagt, dass er traurige Lieder hasst.", ["-phrase=traurige Lieder"]),
        ("## Likes\n- noir\n- Kurosawa's films\n\n## Dislikes\n1. **Genres:** war, musicals\n",
         ["+genres=Film-Noir", "+director=Akira Kurosawa", "-genres=War", "-genres=Musical"]),
    ],
)  # fmt: skip
def test_what_is_named_together_is_one_aspect(text: str, said: list[str]) -> None:
    assert sorted(keys(text)) == sorted(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("People who avoid gore will hate it.", "-phrase=gore"),
        ("It is not for readers who are bored by letters.", "-phrase=letters"),
        ("Anyone in search of quarrels may find it tame.", "+phrase=quarrels"),
        ("Readers of quarrels are at risk.", "+phrase=quarrels"),
    ],
)
def test_what_people_are_like_is_not_what_they_think_of_the_item(text: str, said: str) -> None:
    statements = read(text, lexicon_of("films"), about="item", subject="f146")

    assert [(f"{MARKS[each.polarity]}{each.key}", each.holder) for each in statements] == [(said, "dislikers")]


def test_heroes_of_series_and_authors_without_von_are_known() -> None:
    said = keys("She adores Holmes and Goethe, but not Brown.", "books")

    assert said[:2] == ["+series=Sherlock Holmes", "+author=Johann Wolfgang von Goethe"]
    assert not any("Father Brown" in each for each in said)


def test_a_text_about_an_item_has_facts_and_the_tastes_of_its_audience() -> None:
    text = "A 1979 horror film by Ridley Scott. Fans of Kubrick will enjoy it. People who want a comedy will not."

    assert keys(text, about="item", subject="f146") == [
        "0director=Ridley Scott & genres=Horror & year=1979-1979",
        "+director=Stanley Kubrick",
        "+genres=Comedy",
    ]
    statements = read(text, lexicon_of("films"), about="item", subject="f146")
    assert [statement.holder for statement in statements] == ["subject", "likers", "dislikers"]


def test_how_firmly_something_is_said_is_its_strength() -> None:
    strengths = [read(f"{words} horror.", lexicon_of("films"), about="end_user")[0].strength
                 for words in ("Really loves", "Likes", "Perhaps likes")]  # fmt: skip

    assert strengths == sorted(strengths, reverse=True)
    assert len(set(strengths)) == 3


def test_a_quote_is_the_clause_that_says_so() -> None:
    text = "Mr. Smith loves war films, but musicals bore him. The end."
    war, musical = read(text, lexicon_of("films"), about="end_user")

    assert war.quote(text) == "Mr. Smith loves war films,"
    assert musical.quote(text) == "musicals bore him."


@pytest.mark.parametrize(
    ("part", "precision", "recall"),
    [("fit", 0.86, 0.84), ("dev", 0.55, 0.47), ("held_out", 0.63, 0.56)],
)
def test_the_gold_is_found(part: str, precision: float, recall: float) -> None:
    """What is reached, with a little room; benchmarks/statements.py says more."""
    count = Count()
    for text in read_corpus(part):  # type: ignore[arg-type]
        count.add(compare(text)[0])

    assert count.precision >= precision
    assert count.recall >= recall


@pytest.mark.parametrize(
    ("catalog", "about", "text", "said"),
    [
        ("films", "end_user", "He avoids musicals, with Cabaret as the exception.", ["-genres=Musical", "+title=f114"]),
        ("films", "end_user", "5 of the 15 dramas on record got a positive response.", ["-genres=Drama"]),
        ("films", "end_user", "The list holds six comedies, and five of those went down well.", ["+genres=Comedy"]),
        ("films", "end_user", "She warms to horror only rarely.", ["-genres=Horror"]),
        ("films", "end_user", "Horror will ich nicht mehr sehen.", ["-genres=Horror"]),
        (
            "films",
            "end_user",
            "Komödien findet er öde, Dramen hingegen großartig.",
            ["-genres=Comedy", "+genres=Drama"],
        ),
        ("films", "end_user", "No me apetece ver terror.", ["-genres=Horror"]),
        ("films", "end_user", "Westerns are too long for her.", ["-genres=Western", "-phrase=too long"]),
        ("films", "end_user", "She liked Alien, but it was not too long.", ["+title=f146"]),
        ("films", "end_user", "Krimis sind mir zu düster.", ["-genres=Crime", "-phrase=zu düster"]),
        ("films", "end_user", "Ich mag Western, um dabei zu lachen.", ["+genres=Western"]),
        ("films", "end_user", "She loves live-action fantasy.", ["+genres=Fantasy & phrase=live-action"]),
        ("films", "end_user", "She loves slow-burn horror.", ["+genres=Horror & phrase=slow-burn"]),
        ("films", "end_user", "I love the Koreans.", ["+country=South Korea"]),
        (
            "films",
            "end_user",
            "She likes westerns, both classic and revisionist.",
            ["+genres=Western", "+genres=Western & phrase=revisionist"],
        ),
        (
            "films",
            "end_user",
            "Likes British comedies but not American ones.",
            ["+country=United Kingdom & genres=Comedy", "-country=United States & genres=Comedy"],
        ),
        (
            "films",
            "end_user",
            "She enjoys small-scale European dramas and serial killer thrillers.",
            ["+genres=Drama & phrase=European & phrase=small-scale", "+genres=Thriller & phrase=serial killer"],
        ),
        (
            "films",
            "end_user",
            "She likes short, rhymed, silly comedies.",
            ["+genres=Comedy & phrase=rhymed & phrase=short & phrase=silly"],
        ),
        (
            "films",
            "end_user",
            "Likes musicals provided these are short.",
            ["±genres=Musical", "+genres=Musical & phrase=short"],
        ),
        ("films", "end_user", "No westerns of the modern sort, please.", ["-genres=Western & phrase=modern"]),
        ("films", "end_user", "Likes musicals in which nobody sings.", ["+genres=Musical & phrase=nobody sings"]),
        ("films", "end_user", "ngl I adore interstellar. it made me SOB", ["+title=f324"]),
        ("films", "end_user", "I adore interstellar things. It made me sob.", ["+phrase=interstellar things"]),
        ("films", "end_user", "Loves the Coen brothers.", ["+director=Joel Coen"]),
        ("films", "end_user", "She avoids films in 3D.", ["-phrase=in 3D"]),
        (
            "films",
            "end_user",
            "Enjoys comedies from the 1930s and 1940s.",
            ["+genres=Comedy & year=1930-1939", "+genres=Comedy & year=1940-1949"],
        ),
        ("films", "item", "Too slow for its own good.", ["-phrase=Too slow"]),
        (
            "films",
            "item",
            "A thriller about a strike, made in Japan.",
            ["0country=Japan & genres=Thriller"],
        ),
        ("films", "item", "**Year:** 1959", ["0year=1959-1959"]),
        ("films", "item", "It was shown in 12 towns, 1959 visitors came.", []),
        ("films", "item", "Den Film lieben Leute, die Western mögen, und Kinder.", ["+genres=Western"]),
        ("books", "end_user", "She adores Dracula and Frankenstein.", ["+title=b004", "+title=b029"]),
    ],
)
def test_what_was_misread_of_prose_is_read(catalog: str, about: str, text: str, said: list[str]) -> None:
    assert keys(text, catalog, about, FILM if about == "item" else "") == said


WORDS = st.sampled_from(
    ["loves", "not", "horror", "1970s", "and", ",", "(", ")", "Alien", "rated", "5", "3 of 4", ":", "\n", "- ", "“",
     "without", "unless", "those", "who", "like", "it", "people", "🎬", "’s", "ß", "Kein", "no", "le gusta", "*", "—"]
)  # fmt: skip


@given(
    st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=40).map(" ".join)), st.sampled_from(["end_user", "item"])
)
def test_any_text_is_read_and_places_are_inside_it(text: str, about: str) -> None:
    for statement in read(text, lexicon_of("films"), about=about, subject=FILM):  # type: ignore[arg-type]
        assert 0 <= statement.start < statement.end <= len(text)
        assert 0 < statement.strength <= 1
        assert statement.aspect


@pytest.mark.parametrize("piece", ["horror, ", "some comedies worked, ", "not ", "(horror ", "J.", "those who like "])
def test_the_work_grows_with_the_text_and_no_faster(piece: str) -> None:
    def calls(times: int) -> int:
        counted = 0

        def count(frame: FrameType, event: str, argument: object) -> None:
            nonlocal counted
            counted += 1

        sys.setprofile(count)
        try:
            read(piece * times, lexicon_of("films"), about="end_user")
        finally:
            sys.setprofile(None)
        return counted

    assert calls(4000) < 12 * calls(500)  # eight times the text; squared, it would be 64

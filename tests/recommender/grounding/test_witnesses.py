"""Words of approval beside a statement, headings of lists, and when witnesses are sure."""

import pytest

from recommender.grounding import outcomes
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.phrases import without_stars
from recommender.grounding.reader import marked
from recommender.grounding.statements import Facet, Polarity, Statement
from recommender.grounding.tagger.tags import tagger
from recommender.grounding.witnesses import Witnesses, heading_of, told_of

LEXICON = Lexicon.of([("1", "Red Dust (1962)", {"genres": ["Drama", "Comedy", "Horror"]})])
DRAMA = Facet("attribute", "genres", "Drama")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Dramas are a delight to them.", True),
        ("Dramas fail to please.", None),  # both signs
        ("You won't hear a word of complaint about dramas.", True),
        ("They have yet to enjoy a drama.", False),
        ("Not the silent kind, but dramas are enjoyed.", True),  # a negation of another clause
        ("Dramas: never", False),
        ("Dramas – yes!", True),
        ("+ drama", True),
        ("Dramen langweilen sie, das ist alles.", False),
        ("No soporta los dramas.", False),
        ("Dramas have a train in them.", None),
    ],
)
def test_words_tell_how_something_was_received(text: str, told: bool | None) -> None:
    (said,) = marked(text, LEXICON)
    assert outcomes.told(said, range(len(said.tokens))) is told


def test_a_statement_is_told_by_its_own_words_then_by_those_beside_it() -> None:
    text = "dramas etc. give her a good comedy"
    (said,) = marked(text, LEXICON)
    assert told_of(said, Statement((DRAMA,), "dislikes", 1.0, 0, 6)) is None  # good is behind a stop
    label = "Dislikes: dramas"
    (said,) = marked(label, LEXICON)
    assert told_of(said, Statement((DRAMA,), "dislikes", 1.0, 10, 16)) is False


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Likes:\n- comedies\n- dramas", "Likes:"),
        ("Likes:\n- comedies\n\n**Dislikes**\n\n1. horror\n2) dramas", "**Dislikes**"),
        ("They told us much.\n- dramas", ""),
        ("Likes:\ndramas", ""),
        ("- dramas", ""),
    ],
)
def test_an_item_of_a_list_has_its_heading(text: str, heading: str) -> None:
    assert heading_of(text, text.index("dramas")) == heading


def test_bold_type_is_taken_away_and_places_stay() -> None:
    (said,) = marked("They like **2 of 3** *dramas*.", LEXICON)
    plain = without_stars(said)
    assert "*" not in [token.word for token in plain.tokens]
    (mention,) = plain.mentions.values()
    assert [plain.word(place) for place in range(mention.begin, mention.end)] == ["dramas"]
    assert plain.taken[mention.begin]


@pytest.mark.skipif(tagger() is None, reason="The encoder is not installed.")
@pytest.mark.parametrize(
    ("text", "polarity", "sure"),
    [
        ("They love dramas.", "likes", True),
        ("They love dramas.", "dislikes", False),
        ("They used to love dramas.", "likes", False),
        ("Do they love dramas?", "likes", False),
        ("Dramas have a train in them.", "likes", False),
        ("Dislikes:\n- dramas", "dislikes", True),
    ],
)
def test_witnesses_are_sure_where_they_agree(text: str, polarity: Polarity, sure: bool) -> None:
    reader = tagger()
    assert reader is not None
    *_, said = marked(text, LEXICON)
    witnesses = Witnesses.of(said, "subject", LEXICON, "end_user", reader)
    start = said.tokens[0].start
    assert witnesses.are_sure(Statement((DRAMA,), polarity, 1.0, start, len(text))) is sure

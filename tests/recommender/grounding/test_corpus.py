"""The gold corpus has the form that its README promises."""

import json
from collections import Counter

import pytest

from tests.statements_corpus import PARTS, catalog_items, catalog_values, gold_text, read_corpus

CORPUS = tuple(read_corpus())
STYLES = {part: {text.style for text in CORPUS if text.part == part} for part in PARTS}


def line(**changes) -> str:
    statement = {"aspect": ["genres=Drama"], "polarity": "likes", "holder": "subject"}
    data = {"catalog": "films", "about": "end_user", "text": "Likes dramas.", "statements": [statement | changes]}
    return json.dumps(data)


def test_the_corpus_has_its_sizes():
    assert len(CORPUS) >= 700
    assert min(len(styles) for styles in STYLES.values()) >= 6
    counts = Counter(text.part for text in CORPUS)
    assert 0.42 <= counts["held_out"] / (counts["fit"] + counts["held_out"]) <= 0.5
    assert counts["dev"] >= 240
    assert sum(text.about == "item" for text in CORPUS) >= 60
    assert sum(text.catalog == "books" for text in CORPUS) >= 0.18 * len(CORPUS)


def test_no_two_parts_have_a_style_in_common():
    assert sum(map(len, STYLES.values())) == len(set().union(*STYLES.values()))
    assert min(Counter((text.part, text.style) for text in CORPUS).values()) >= 10


def test_no_text_stands_twice():
    counts = Counter(" ".join(text.text.casefold().split()) for text in CORPUS)
    assert [text for text, count in counts.items() if count > 1] == []


def test_no_statement_stands_twice_in_a_text():
    for text in CORPUS:
        counts = Counter((statement.key, statement.polarity, statement.holder) for statement in text.statements)
        assert max(counts.values(), default=1) == 1, text.text


def test_an_aspect_has_each_facet_once():
    for text in CORPUS:
        for statement in text.statements:
            assert len(set(statement.aspect)) == len(statement.aspect), text.text


def test_every_part_has_every_polarity_holder_and_kind_of_facet():
    for part in PARTS:
        statements = [statement for text in CORPUS if text.part == part for statement in text.statements]
        assert {statement.polarity for statement in statements} == {"likes", "dislikes", "mixed", "neutral"}
        assert {statement.holder for statement in statements} == {"subject", "likers", "dislikers"}
        kinds = {facet.kind for statement in statements for facet in statement.aspect}
        assert kinds == {"attribute", "period", "title", "phrase"}


def test_every_part_has_texts_that_state_nothing():
    for part in PARTS:
        assert any(not text.statements for text in CORPUS if text.part == part)


def test_books_are_whole():
    books = catalog_items("books")
    assert len(books) >= 60
    assert len(catalog_values("books")["title"]) == len(books)
    assert all(book["title"] and book["year"].isdigit() and book["genres"] and book["author"] for book in books)


@pytest.mark.parametrize(
    "changes",
    [
        {"aspect": []},
        {"aspect": ["genres=Opera"]},
        {"aspect": ["author=Jane Austen"]},
        {"aspect": ["title=f999"]},
        {"aspect": ["year=1979-1970"]},
        {"aspect": ["phrase=slow burns"]},
        {"aspect": ["phrase="]},
        {"polarity": "loves"},
        {"holder": "likers"},
    ],
)
def test_a_key_that_nothing_has_is_refused(changes):
    assert gold_text(line(), "fit", "style").statements[0].key == "genres=Drama"
    with pytest.raises(ValueError, match=r"is not in|no statement|one holder"):
        gold_text(line(**changes), "fit", "style")

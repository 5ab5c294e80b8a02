"""Rows of ThinkRec's tuning: what they show, what they never show, and which traces are learnt."""

import json
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.dataset import split
from recommender.dataset.interactions import Interactions, read_interactions
from recommender.models import Catalog, Interaction, Item
from recommender.thinkrec.prompts import MOST_KEYWORDS, Described, Past, Person, asked
from recommender.thinkrec.tuning import rows
from recommender.thinkrec.tuning.config import TAGS, CannotTuneThinkrecError
from recommender.thinkrec.tuning.rows import PLACE, Prompts, Row, Trace
from tests.builders import make_catalog, make_end_user, make_interaction, make_item


@pytest.fixture
def catalog() -> Catalog:
    """Three end users with 20 interactions each, two at every moment, by turns liked and not; one is not known."""
    catalog = make_catalog("films")
    items = [make_item(catalog, f"Film {n} (1990)", external_id=f"f{n}", genres=["Drama", "War"]) for n in range(20)]
    for user in range(3):
        end_user = make_end_user(catalog, f"u{user}")
        for n, item in enumerate(items):
            rating = None if n == 3 else 5.0 if n % 2 else 1.0
            make_interaction(end_user, item, rating=rating, moment=100 * user + n // 2 + 1)
    return catalog


def codes(interactions: Interactions) -> split.Codes:
    return split.split("r4ec", interactions.end_user, interactions.liked)


def built(catalog: Catalog, *traces: Trace, tags: tuple[str, ...] = tuple(TAGS)) -> rows.Rows:
    interactions = read_interactions(catalog)
    return rows.build(interactions, codes(interactions), traces, tags=tags)


@pytest.mark.django_db
def test_a_history_is_the_last_ten_known_likes_and_dislikes_strictly_before_the_row(catalog: Catalog) -> None:
    first = built(catalog).train[0]
    assert (first.end_user, first.item, first.label, first.answer) == ("u0", "f11", True, "Yes")
    # f10 is of the row's own moment, and of f3 nobody knows whether it was liked.
    assert [name for name, _ in first.history] == ["f0", "f1", "f2", "f4", "f5", "f6", "f7", "f8", "f9"]
    assert [liked for _, liked in first.history] == [int(name[1:]) % 2 == 1 for name, _ in first.history]
    assert all(len(row.history) <= 10 for row in built(catalog).train)


@pytest.mark.django_db
def test_what_was_thought_of_the_item_and_of_later_ones_changes_no_prompt(catalog: Catalog) -> None:
    prompts = Prompts(rows.shown_items(catalog), "movie")
    before = built(catalog).train[0]
    Interaction.objects.filter(end_user__external_id="u0", moment__gte=6).update(rating=1.0)
    after = built(catalog).train[0]
    assert (before.answer, after.answer) == ("Yes", "No")
    assert prompts.of(before) == prompts.of(after)
    assert prompts.of(before, known=lambda _: True) == prompts.of(after, known=lambda _: True)


@pytest.mark.django_db
def test_rows_need_no_query_each(catalog: Catalog) -> None:
    interactions = read_interactions(catalog)
    with connection.execute_wrapper(lambda *_: pytest.fail("a query")):
        assert rows.build(interactions, codes(interactions), tags=())


@pytest.mark.django_db
def test_traces_of_other_parts_of_other_tags_and_of_the_wrong_word_are_not_learnt(catalog: Catalog) -> None:
    def trace(item: str, answer: str, *, moment: int = 6, tag: str = "first_try", end_user: str = "u0") -> Trace:
        return Trace(end_user, item, moment, answer, tag)

    found = built(
        catalog,
        trace("f11", "Yes. They like\n  odd ones."),
        trace("f11", "Yes, they like odd ones.", tag="human"),
        trace("f11", "Yes. They were told.", tag="hinted"),
        trace("f11", "No. They do not like it."),
        trace("f11", "Yesterday they did."),
        trace("f11", "Yes."),
        trace("f11", "Yes. It is of another moment.", moment=5),
        trace("f18", "No. It is tested.", moment=10),
        trace("f11", "Yes. Nobody is called so.", end_user="u9"),
        tags=("first_try", "human"),
    )
    reasons = [row for row in found.train if row.kind == "reason"]
    assert [row.answer for row in reasons] == ["Yes. They like odd ones.", "Yes. they like odd ones."]
    assert found.left_out == {"tag": 1, "contradicts": 3, "elsewhere": 3}
    assert reasons[0].history == found.train[0].history


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"end_user": "u"}', '{"end_user":1,"item":1,"moment":"x","answer":"","tag":""}']
)
def test_a_line_that_is_no_trace_is_named(tmp_path: Path, line: str) -> None:
    told = {"end_user": "u", "item": "f", "moment": 3, "answer": "Yes. So.", "tag": "human", "more": 1}
    path = tmp_path / "traces.jsonl"
    path.write_text(f"{json.dumps(told)}\n\n{line}\n")
    with pytest.raises(CannotTuneThinkrecError, match="Line 3 of the traces"):
        list(rows.read_traces(path))


@pytest.mark.django_db
def test_a_history_grows_over_the_rows_that_follow_and_then_begins_with_ten_again(catalog: Catalog) -> None:
    interactions = read_interactions(catalog)
    alone = rows.build(interactions, codes(interactions), tags=()).train
    grown = rows.build(interactions, codes(interactions), tags=(), grows=3).train
    assert [(row.item, row.answer) for row in grown] == [(row.item, row.answer) for row in alone]
    for mine, theirs in zip(grown, alone, strict=True):
        assert mine.history[len(mine.history) - len(theirs.history) :] == theirs.history
        assert len(mine.history) <= 13
    assert max(len(row.history) for row in grown) > 10
    units = rows.together(grown, most=32)
    assert [row for unit in units for row in unit] == grown
    assert len(units) < len(grown)
    for unit in units:
        first = unit[0].history
        assert all((row.end_user, row.history[: len(first)]) == (unit[0].end_user, first) for row in unit)
    assert max(map(len, rows.together(grown, most=2))) == 2
    assert {len(unit) for unit in rows.together(grown, most=1)} == {1}


ROW = Row("u1", "c", True, "recommend", "Yes", (("a", True), ("b", False)))
ITEMS = {
    "a": Described("Heat (1995)", ("Crime",)),
    "b": Described("Alien", ()),
    "c": Described('The "Best"', ("Drama", "War")),
}


def test_a_prompt_of_text_alone_has_no_places_and_says_nothing_of_vectors() -> None:
    (_, user), entities = Prompts(ITEMS, "movie").of(ROW)
    assert entities == []
    assert user["content"] == (
        '<history>\n"Heat (1995)" (evaluation: Yes) with description: Crime; "Alien" (evaluation: No)\n</history>\n'
        "Will the person like the movie below? Answer with one word, Yes or No.\n"
        '"The \\"Best\\"" with description: Drama, War'
    )


def test_each_known_entity_has_a_place_and_an_unknown_one_is_left_out() -> None:
    (_, user), entities = Prompts(ITEMS, "movie").of(ROW, known=lambda entity: entity != ("item", "b"))
    assert entities == [("item", "a"), ("end_user", "u1"), ("item", "c")]
    assert user["content"].count(PLACE) == user["content"].count("feature") == 3
    assert '"Alien" (evaluation: No)' in user["content"]
    (_, user), entities = Prompts(ITEMS, "movie").of(ROW, known=lambda entity: entity[0] == "item")
    assert "The person has" not in user["content"]
    assert [name for _, name in entities] == ["a", "b", "c"]


@settings(max_examples=40, deadline=None)
@given(title=st.text(), keyword=st.text(), history=st.integers(0, 12))
def test_no_title_can_pass_for_the_prompts_own_parts(title: str, keyword: str, history: int) -> None:
    row = Row("u", "x", True, "recommend", "Yes", (("x", True),) * 10)
    (_, user), entities = Prompts({"x": Described(title, (keyword,))}, "movie").of(
        row, known=lambda _: True, history=history
    )
    text = user["content"]
    assert text.count(PLACE) == len(entities) == min(history, 10) + 2
    assert text.count("<history>") == text.count("</history>") == 1
    assert len(text.split("\n")) == 6


@pytest.mark.django_db
def test_items_are_described_by_the_attributes_that_prompts_show(catalog: Catalog) -> None:
    Item.objects.filter(external_id="f0").update(attributes={"genres": "War", "secret": "x"})
    Item.objects.filter(external_id="f1").update(attributes={"genres": [str(n) for n in range(30)]})
    found = rows.shown_items(catalog)
    assert found["f0"] == Described("Film 0 (1990)", ("War",))
    assert len(found["f1"].keywords) == MOST_KEYWORDS


def test_what_is_learnt_from_is_what_is_asked_when_lists_are_scored() -> None:
    past = tuple(Past(ITEMS[name], liked) for name, liked in ROW.history)
    (scored,) = asked(Person("movie", past), [ITEMS[ROW.item]])
    assert Prompts(ITEMS, "movie").of(ROW)[0] == list(scored.messages)

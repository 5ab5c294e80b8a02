"""What callers write to filter a list: read as meant, refused with words, held against items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.models import Catalog, Item
from recommender.serving import filters
from recommender.serving.arrange import _values
from recommender.serving.catalog_index import index_of
from recommender.serving.conditions import LONGEST, Condition, ConditionError
from recommender.serving.items import values_by_item
from recommender.statements import aspects
from tests.builders import make_catalog, make_item


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ("genres:Drama", Condition("genres", ("Drama",))),
        (" genres : Drama ", Condition("genres", ("Drama",))),
        ("genres:Drama|Comedy", Condition("genres", ("Drama", "Comedy"))),
        ("-genres:Horror", Condition("genres", ("Horror",), negated=True)),
        ("year>=1990", Condition("year", comparison=">=", number=1990)),
        ("-price<0.5", Condition("price", comparison="<", number=0.5, negated=True)),
        ("title:2001: a space odyssey", Condition("title", ("2001: a space odyssey",))),
        (r"name\:x:a\|b", Condition("name:x", ("a|b",))),
        ("sale price>-3e2", Condition("sale price", comparison=">", number=-300)),
    ],
)
def test_a_condition_is_read_as_it_is_meant(written: str, condition: Condition) -> None:
    assert Condition.of(written) == condition


@pytest.mark.parametrize(
    "written",
    ["", ":", "genres", "genres:", ":Drama", "genres:a|", "year>=", "year>=x", "year>=nan", "year>1e999", "-", "-:x",
     "x" * LONGEST + ":y"],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ConditionError, match="Write `genres:Drama`"):
        Condition.of(written)


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=3))
def test_any_name_and_any_values_can_be_written_with_backslashes(name: str, values: list[str]) -> None:
    def escaped(text: str) -> str:
        return "".join(f"\\{letter}" for letter in text)

    name, values = f"n{name.strip()}", [f"v{value.strip()}" for value in values]
    written = f"{escaped(name)}:{'|'.join(map(escaped, values))}"
    assert Condition.of(written) == Condition(name, tuple(values))


@given(st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused(written: str) -> None:
    try:
        condition = Condition.of(written)
    except ConditionError:
        return
    assert condition.name
    assert bool(condition.values) is (condition.comparison is None)


@pytest.fixture
def shop(db: None) -> Catalog:
    aspects.KEPT.clear()
    catalog = make_catalog()
    make_item(catalog, "One (1984)", external_id="1", genres=["Drama", "War"], price=3)
    make_item(catalog, "Two (1999)", external_id="2", genres=["Comedy"], price="12.5")
    make_item(catalog, "Three", external_id="3", genres="drama", sizes=[7, 9])
    return catalog


def left(catalog: Catalog, *written: str) -> set[str]:
    index = index_of(catalog)
    mask, _ = filters.meeting(catalog, index, [Condition.of(each) for each in written])
    return {name for name, is_left in zip(index.external_ids, mask, strict=True) if is_left}


def left_now(catalog: Catalog, *written: str, count: int = 9) -> set[str]:
    index = index_of(catalog)
    read = [Condition.of(each) for each in written]
    met = filters.meeting_now(catalog, index, read, np.arange(len(index)), count=count)
    return {name for name, is_left in zip(index.external_ids, met, strict=True) if is_left}


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ([], "123"),
        (["genres:Drama"], "13"),
        (["genres:DRAMA|comedy"], "123"),
        (["-genres:Drama"], "2"),
        (["genres:Drama", "-genres:War"], "3"),
        (["Genres:war"], "1"),
        (["price>3"], "2"),
        (["price<=3"], "1"),
        (["-price>3"], "13"),
        (["sizes>=7"], "3"),
        (["year>=1985"], "2"),
        (["year:1984"], "1"),
        (["year:1984|1999"], "12"),
        (["year:MCMLXXXIV"], ""),
        (["price:12.5"], "2"),
        (["genres:Western"], ""),
    ],
)
def test_conditions_leave_the_items_that_meet_all_of_them(shop: Catalog, written: list[str], ids: str) -> None:
    assert left(shop, *written) == left_now(shop, *written) == set(ids)


def test_an_item_that_was_changed_meets_a_filter_no_more_at_once(shop: Catalog) -> None:
    assert left_now(shop, "price>=3") == {"1", "2"}
    Item.objects.filter(external_id="1").update(attributes={"price": 0})
    Item.objects.filter(external_id="3").update(attributes={"price": 4})
    assert left(shop, "price>=3") == {"1", "2"}  # as this process has read them
    assert left_now(shop, "price>=3") == {"2", "3"}
    assert left_now(shop, "-price>=3") == {"1"}


def test_no_more_items_are_looked_at_than_are_wanted(shop: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "LOOKED_AT_ONCE", 1)
    assert left_now(shop, "price>=3", count=1) == {"1", "2", "3"}  # the first is enough
    assert left_now(shop, "price>=4", count=1) == {"2", "3"}
    monkeypatch.setattr(filters, "MOST_LOOKED_AT", 0)
    assert left_now(shop, "price>=4", count=1) == {"1", "2", "3"}


def test_true_and_false_are_asked_for_as_they_were_sent(shop: Catalog) -> None:
    make_item(shop, external_id="safe", dishwasher="yes")  # as true is kept
    make_item(shop, external_id="film", genres=["True"])
    assert left(shop, "dishwasher:true") == left_now(shop, "dishwasher:true") == {"safe"}
    assert left(shop, "genres:true") == left_now(shop, "genres:true") == {"film"}


def test_an_attribute_that_no_item_has_is_an_error_that_names_those_there_are(shop: Catalog) -> None:
    with pytest.raises(ConditionError) as error:
        left(shop, "colour:red")
    assert str(error.value) == "Items have no attribute “colour”. They have: `genres`, `price`, `sizes`, `year`."


def test_a_value_that_no_item_has_is_said_with_what_is_near_it(shop: Catalog) -> None:
    _, notices = filters.meeting(shop, index_of(shop), [Condition.of("genres:Comdey|Drama")])
    (notice,) = notices
    assert notice.code == "unknown_value"
    assert notice.detail == "No item has “Comdey” as its genres. Near it: “Comedy”."


@pytest.mark.django_db
def test_a_description_is_nothing_to_choose_by() -> None:
    told = "A lighthouse keeper finds a map and sails north."
    catalog = make_catalog(prompt_attributes=["genres", "synopsis"])
    items = [make_item(catalog, genres=["Drama"], synopsis=told) for _ in range(2)]
    aspects.KEPT.clear()
    index = index_of(catalog)
    with pytest.raises(ConditionError, match=r"They have: `genres`\."):
        filters.meeting(catalog, index, [Condition("synopsis", (told,))])
    assert _values(catalog, aspects.aspects_of(catalog), index, np.arange(2)) == [[("genres", "Drama")]] * 2
    assert values_by_item(catalog, items[:1]) == {items[0].pk: (["Drama"], frozenset({"Drama"}))}
    aspects.KEPT.clear()

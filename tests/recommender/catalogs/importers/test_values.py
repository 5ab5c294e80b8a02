import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalogs.importers import values
from recommender.catalogs.importers.values import BadValueError

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))  # halves of surrogate pairs and NUL too
NESTED = st.dictionaries(st.text(), st.text(), max_size=2)


@given(ANY_TEXT)
def test_an_accepted_id_is_text_that_every_database_holds(raw: str) -> None:
    try:
        found = values.identifier(raw, "item")
    except BadValueError:
        return
    assert 0 < len(found) <= values.LONGEST_ID
    assert found == raw.strip()
    assert "\x00" not in found
    found.encode()


@given(
    st.dictionaries(
        ANY_TEXT,
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.lists(ANY_TEXT | NESTED) | NESTED,
        max_size=4,
    )
)
def test_attributes_are_json_that_every_database_holds(raw: dict[str, Any]) -> None:
    text = values.attributes(raw.items())
    assert "\\u0000" not in text
    for name, value in json.loads(text, parse_constant=pytest.fail).items():
        assert name
        assert isinstance(value, str | int | float | list)
        assert value not in ("", [])
    text.encode()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (1700000000, 1700000000),
        ("1700000000", 1700000000),
        (" 1700000000.9 ", 1700000000),
        ("-5", -5),
        ("2023-11-14", 1699920000),
        ("2023-11-14T22:13:20", 1700000000),
        ("2023-11-14T23:13:20+01:00", 1700000000),
        (datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), 1700000000),
        (date(2023, 11, 14), 1699920000),
    ],
)
def test_seconds_are_read_from_numbers_and_from_iso_times(raw: Any, expected: int) -> None:
    assert values.seconds(raw) == expected


@pytest.mark.parametrize("raw", [None, "", "soon", "nan", float("inf"), 1700000000000, "1" * 5000])
def test_what_is_no_second_is_a_reason(raw: Any) -> None:
    with pytest.raises(BadValueError):
        values.seconds(raw)


@pytest.mark.parametrize("raw", [None, "", "1.5", "x", 2**63 + 1, float("nan")])
def test_an_order_is_a_whole_number(raw: Any) -> None:
    assert values.order("17") == values.order(17.0) == 17
    with pytest.raises(BadValueError):
        values.order(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1979", 1979),
        ("-3", -3),
        ("2.5", 2.5),
        ("007", "007"),
        ("1e5", "1e5"),
        ("", ""),
        ("１", "１"),
        ("9" * 30, "9" * 30),
    ],
)
def test_only_plain_numbers_of_a_csv_become_numbers(raw: str, expected: object) -> None:
    assert values.number_or_text(raw) == expected


@given(st.text() | st.floats().map(str))
def test_a_rating_is_on_the_scale_or_a_reason(raw: str) -> None:
    try:
        rating = values.Ratings(1, 5)[raw]
    except BadValueError:
        return
    assert rating == float(raw)
    assert 1 <= rating <= 5

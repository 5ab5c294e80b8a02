"""A list goes on from page to page as it was ranked, whatever changes meanwhile."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from recommender.models import Catalog, Item, Recommendation
from recommender.serving import catalog_index
from recommender.serving.cursor import Cursor, CursorError
from tests.builders import make_end_user, make_interaction
from tests.recommender.api.test_problems import problem

LIST = "/api/v1/catalogs/films/users/u1/recommendations"
SCORES = st.none() | st.floats(0, 1).map(lambda score: round(score, 6))


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    catalog_index.KEPT.clear()


def ids(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(item["rank"], item["item_id"]) for item in answer["items"]]


def pages(api: APIClient, limit: int) -> list[dict[str, Any]]:
    found = [api.get(LIST, {"limit": limit}).json()]
    while found[-1]["next_cursor"]:
        found.append(api.get(LIST, {"limit": limit, "cursor": found[-1]["next_cursor"]}).json())
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_all_pages_together_are_the_list(api: APIClient, films: Catalog, limit: int) -> None:
    whole = api.get(LIST).json()
    found = pages(api, limit)
    assert [item for page in found for item in page["items"]] == whole["items"]
    assert [len(page["items"]) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert {(page["source"], page["degraded_code"]) for page in found} == {("popular", "no_backbone")}


def test_the_list_of_somebody_unknown_goes_on_too_and_stays_when_they_become_known(
    api: APIClient, films: Catalog
) -> None:
    here = LIST.replace("u1", "ünknown%2F1")
    whole = api.get(here).json()
    assert (whole["degraded_code"], whole["next_cursor"]) == ("unknown_user", None)
    first = api.get(here, {"limit": 1}).json()
    assert first["items"] == whole["items"][:1]
    rest = {"limit": 50, "cursor": first["next_cursor"]}
    elsewhere = api.get(LIST.replace("u1", "unknown"), rest)
    assert problem(elsewhere, status=400, kind="invalid-parameter")["errors"][0]["parameter"] == "cursor"
    for known in (False, True):
        if known:
            make_end_user(films, "ünknown/1")
        page = api.get(here, rest).json()
        assert (page["items"], page["next_cursor"]) == (whole["items"][1:], None)
        assert page["degraded_code"] == "unknown_user"  # as it was when the list was made
    logged = api.post(here, {"limit": 1, "cursor": first["next_cursor"]}, format="json").json()
    assert ids(api.get(f"/api/v1/recommendations/{logged['recommendation_id']}").json()) == ids(whole)[1:2]


def test_what_a_request_tells_has_one_page(api: APIClient, films: Catalog) -> None:
    for told in ({}, {"user_id": "new", "attributes": {"age": 30}}, {"user_id": "u1", "history": [{"item_id": "f1"}]}):
        answer = api.post("/api/v1/catalogs/films/recommendations", {"limit": 1} | told, format="json").json()
        assert (len(answer["items"]), answer["next_cursor"]) == (1, None)


def test_a_page_asked_for_twice_is_the_same_page(api: APIClient, films: Catalog) -> None:
    cursor = api.get(LIST, {"limit": 1}).json()["next_cursor"]
    first, second = (api.get(LIST, {"limit": 2, "cursor": cursor}).json() for _ in range(2))
    assert ids(first) == ids(second) == [(2, "f4"), (3, "f6")]


def test_later_pages_stay_when_popularity_changes_and_skip_what_is_gone(api: APIClient, films: Catalog) -> None:
    cursor = api.get(LIST, {"limit": 1}).json()["next_cursor"]
    for other in films.end_users.exclude(external_id="u1").exclude(interactions__item__external_id="f3"):
        make_interaction(other, Item.objects.get(external_id="f3"))
    Item.objects.get(external_id="f6").delete()
    for kept in (False, True):
        if kept:
            catalog_index.KEPT.clear()
        assert ids(api.get(LIST, {"cursor": cursor}).json()) == [(2, "f4"), (4, "f3")]
    assert ids(api.get(LIST, {"limit": 1}).json()) == [(1, "f3")]


def test_every_logged_page_has_an_id_of_its_own_and_ranks_of_the_list(api: APIClient, films: Catalog) -> None:
    first = api.post(LIST, {"limit": 2}, format="json").json()
    second = api.post(LIST, {"limit": 2, "cursor": first["next_cursor"]}, format="json").json()
    assert second["recommendation_id"] != first["recommendation_id"]
    assert second["next_cursor"] is None
    again = api.get(f"/api/v1/recommendations/{second['recommendation_id']}").json()
    assert ids(again) == ids(second) == [(3, "f6"), (4, "f3")]
    assert Recommendation.objects.count() == 2


@pytest.mark.parametrize("cursor", ["", "x", "a:b:c", "é", "x" * 9_000, ".eJw:1:2"])
def test_what_is_no_cursor_is_refused(api: APIClient, films: Catalog, cursor: str) -> None:
    found = problem(api.get(LIST, {"cursor": cursor}), status=400, kind="invalid-parameter")
    assert found["errors"][0]["parameter"] == "cursor"


def test_a_cursor_goes_on_with_no_other_list(api: APIClient, films: Catalog) -> None:
    cursor = api.get(LIST, {"limit": 1}).json()["next_cursor"]
    other = LIST.replace("u1", "other-1-0")
    assert (
        "about another" in problem(api.get(other, {"cursor": cursor}), status=400, kind="invalid-parameter")["detail"]
    )
    otherwise = api.get(LIST, {"cursor": cursor, "scenario": "thinkrec"})
    assert "leave `scenario`" in problem(otherwise, status=400, kind="invalid-parameter")["detail"]
    same = api.get(LIST, {"cursor": cursor, "scenario": "backbone"}).json()
    assert ids(same) == [(2, "f4"), (3, "f6"), (4, "f3")]
    problem(
        api.get(LIST, {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}),
        status=400,
        kind="invalid-parameter",
    )


@given(
    items=st.lists(st.tuples(st.integers(1, 2**53), SCORES), max_size=200),
    moved=st.none() | st.lists(st.integers(1, 2**40), max_size=5),
    reason=st.text(max_size=300),
    as_of=st.none() | st.integers(0, 2**60),
    teams=st.just(()) | st.just(["a", "b"]),
)
def test_what_a_cursor_says_is_read_again(items: Any, moved: Any, reason: str, as_of: int | None, teams: Any) -> None:
    sides = [place % 3 - 1 for place in range(len(items))] if teams else ()
    cursor = Cursor(
        1, 2, "d", "e", "a", "backbone", "popular", "no_history", reason, None, as_of, moved, 1, items, teams, sides
    )
    assert Cursor.read(cursor.written()) == cursor
    following = cursor.after(3)
    assert (following is None) == (len(items) <= 3)
    if following:
        assert (following.rank, list(following.items), following.sides) == (4, items[3:], sides[3:])


@given(st.text())
def test_no_text_makes_reading_a_cursor_fail_otherwise(text: str) -> None:
    with pytest.raises(CursorError):
        Cursor.read(text)

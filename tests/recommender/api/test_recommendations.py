"""GET …/recommendations, its replay, and the list of catalogs."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from recommender.artifacts import verified
from recommender.models import ApiToken, Catalog, EndUser, Item, Recommendation
from recommender.serving import catalog_index
from tests.builders import make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.recommender.serving.ranked import ranked_catalog
from tests.recommender.training import synthetic

Get = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    verified.LOADED.clear()
    catalog_index.KEPT.clear()


def test_a_list_without_a_backbone_is_named_and_holds_unseen_items(recommendations: Get) -> None:
    answer = recommendations()
    assert (answer["catalog"], answer["user_id"], answer["source"]) == ("films", "u1", "popular")
    assert answer["degraded"] is True
    assert answer["degraded_reason"].startswith("No backbone is active")
    assert (answer["backbone"], answer["knowledge_snapshot"]) == (None, None)
    assert [item["item_id"] for item in answer["items"]] == ["f5", "f4", "f6", "f3"]
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3, 4]
    assert all(item["reasons"] == [] for item in answer["items"])


@pytest.mark.parametrize(("limit", "count"), [(None, 10), (1, 1), (100, 16)])
def test_limit_is_ten_unless_given(api: APIClient, limit: int | None, count: int) -> None:
    ranked_catalog("planted")
    answer = api.get("/api/v1/catalogs/planted/users/u000/recommendations", {"limit": limit} if limit else {})
    assert len(answer.json()["items"]) == count


def test_an_explained_list_of_a_backbone_says_everything(api: APIClient) -> None:
    catalog = ranked_catalog("planted")
    reader = catalog.end_users.get(external_id="u000")
    turn = synthetic.approve(reader, "Likes dramas. Dislikes horror.", as_of=7)
    path = "/api/v1/catalogs/planted/users/u000/recommendations"
    first = api.get(path, {"limit": 1}).json()["items"][0]["item_id"]
    make_round(Item.objects.get(external_id=first), ("reason", "Quiet and slow."), ("reflect", ""))
    answer = api.get(path, {"explain": "full"}).json()
    assert (answer["source"], answer["degraded"], answer["degraded_reason"]) == ("backbone", False, "")
    assert answer["backbone"] == {"version": 1, "architecture": "din"}
    assert answer["knowledge_snapshot"] == 1
    assert (answer["scenario"], answer["score_kind"], answer["degraded_code"]) == ("backbone", "like_probability", None)
    preference, item = answer["user_explanation"], answer["items"][0]
    assert preference["text"] == "Likes dramas. Dislikes horror."
    assert (preference["explanation_id"], preference["review_status"]) == (turn.pk, "approved")
    assert preference["written_by"] == {"kind": "person", "name": None, "demonstration": False}
    assert preference["reviewed_at"].endswith("Z")
    assert (preference["as_of"], preference["as_of_order"]) == ("1970-01-01T00:00:07Z", None)
    assert (item["explanation"], item["explanation_status"]) == (None, "withheld")  # nobody has judged it
    shares = [reason["share"] for reason in item["reasons"]]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.001
    assert {reason["direction"] for reason in item["reasons"]} <= {"for", "against"}
    assert all((reason["effect"] > 0) == (reason["direction"] == "for") for reason in item["reasons"])
    shown = api.get(path, {"explain": "short", "min_review": "any"}).json()["items"][0]
    assert (shown["explanation"]["text"], shown["explanation"]["review_status"]) == ("Quiet and slow.", "unreviewed")


def test_a_list_can_be_asked_for_again_by_its_id(recommendations: Get, api: APIClient, token: ApiToken) -> None:
    served = recommendations(limit=2)
    logged = Recommendation.objects.get()
    assert logged.token == token
    Item.objects.filter(external_id="f4").update(title="Renamed")
    Item.objects.filter(external_id="f5").delete()
    for name in (served["recommendation_id"], served["recommendation_id"].upper()):
        assert api.get(f"/api/v1/recommendations/{name}").json() == served | {"next_cursor": None}


def test_a_replayed_list_keeps_its_backbone(api: APIClient) -> None:
    ranked_catalog("planted")
    served = api.post("/api/v1/catalogs/planted/users/u001/recommendations").json()
    again = api.get(f"/api/v1/recommendations/{served['recommendation_id']}").json()
    assert again == served | {"next_cursor": None}


@pytest.mark.parametrize("user_id", ["a/b", "ü 1", "recommendations", "x/recommendations", "100%"])
def test_any_id_of_imported_data_can_be_asked_for(api: APIClient, films: Catalog, user_id: str) -> None:
    from urllib.parse import quote

    make_end_user(films, user_id)
    answer = api.get(f"/api/v1/catalogs/films/users/{quote(user_id, safe='')}/recommendations")
    assert answer.status_code == 200
    assert answer.json()["user_id"] == user_id


def test_catalogs_are_listed_with_their_size_and_backbone(api: APIClient, films: Catalog) -> None:
    ranked_catalog("planted")
    make_catalog("empty", clock="order")
    assert api.get("/api/v1/catalogs").json() == {
        "catalogs": [
            {"name": "empty", "item_noun": "movie", "clock": "order", "items": 0, "end_users": 0, "backbone": None},
            {"name": "films", "item_noun": "movie", "clock": "seconds", "items": 6, "end_users": 22, "backbone": None},
            {
                "name": "planted",
                "item_noun": "movie",
                "clock": "seconds",
                "items": 40,
                "end_users": 30,
                "backbone": {"version": 1, "architecture": "din"},
            },
        ]
    }


def test_catalogs_take_as_many_queries_however_many_there_are(
    api: APIClient, films: Catalog, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_catalog()
    api.get("/api/v1/catalogs")
    with django_assert_num_queries(3):  # token, catalogs with their counts, active backbones
        api.get("/api/v1/catalogs")


@pytest.mark.parametrize(("explain", "queries"), [("none", 7), ("short", 10), ("full", 10)])
@pytest.mark.parametrize("limit", [1, 16])
def test_a_list_takes_a_fixed_number_of_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries, explain: str, queries: int, limit: int
) -> None:
    """Token, end user with catalog, history, what is approved, what they say, active backbone, items; explained:
    knowledge, rounds, their turns."""
    catalog = ranked_catalog("planted")
    for item in catalog.items.all()[:20]:
        make_round(item, ("reason", "Slow."), ("reflect", ""))
    for item in catalog.items.all()[20:]:
        synthetic.approve(item, "Fast.")
    make_round(catalog.end_users.get(external_id="u002"), ("reason", "Likes dramas."), ("reflect", ""))
    path = "/api/v1/catalogs/planted/users/u002/recommendations"
    api.get(path)
    with django_assert_num_queries(queries):
        api.get(path, {"limit": limit, "explain": explain})


@pytest.mark.parametrize("with_history", [True, False])
def test_a_step_down_the_ladder_costs_no_more_queries(
    api: APIClient, films: Catalog, django_assert_num_queries: DjangoAssertNumQueries, with_history: bool
) -> None:
    if not with_history:
        EndUser.objects.get(external_id="u1").interactions.all().delete()
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    api.get(path)
    with django_assert_num_queries(7):
        api.get(path)


def test_a_long_history_takes_no_more_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    catalog = ranked_catalog("planted")
    reader = catalog.end_users.get(external_id="u000")
    for moment in range(2_000, 2_200):
        make_interaction(reader, catalog.items.all()[0], moment=moment)
    make_item(catalog)
    path = "/api/v1/catalogs/planted/users/u000/recommendations"
    api.get(path)
    with django_assert_num_queries(7):
        assert api.get(path).status_code == 200

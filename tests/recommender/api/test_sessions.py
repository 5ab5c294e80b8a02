"""POST …/recommendations and …/recommendations:batch: lists for people of whom a request itself tells something."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts import quota
from recommender.accounts.tokens import create_token
from recommender.models import ApiToken, Catalog, EndUser, Recommendation, TokenScope
from recommender.serving import catalog_index, rules, segments
from recommender.statements import aspects
from tests.builders import make_account, make_catalog, make_end_user, make_interaction

SESSION = "/api/v1/catalogs/films/recommendations"
BATCH = f"{SESSION}:batch"
Post = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for kept in (catalog_index.KEPT, aspects.KEPT, rules.KEPT):
        kept.clear()


@pytest.fixture
def post(api: APIClient, films: Catalog) -> Post:
    def send(body: Any, *, to: str = SESSION, status: int = 200) -> dict[str, Any]:
        answer = api.post(to, body, format="json")
        assert answer.status_code == status, answer.json()
        return dict(answer.json())

    return send


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def test_a_visitor_s_list_leaves_out_what_they_met_and_says_what_it_is(post: Post) -> None:
    answer = post({"history": [{"item_id": "f5", "rating": 4}, {"item_id": "f4", "liked": False}], "limit": 2})
    assert ids(answer) == ["f6", "f2"]
    assert (answer["user_id"], answer["source"], answer["degraded_code"]) == ("", "popular", "no_backbone")
    logged = Recommendation.objects.get()
    assert (logged.end_user, str(logged.pk)) == (None, answer["recommendation_id"])


def test_a_visitor_s_list_can_be_asked_for_again_without_its_reasons(api: APIClient, post: Post) -> None:
    served = post({"history": [{"item_id": "f1"}], "explain": "short"})
    assert any(item["reasons"] for item in served["items"])
    again = api.get(f"/api/v1/recommendations/{served['recommendation_id']}").json()
    assert ids(again) == ids(served)
    assert not any(item["reasons"] for item in again["items"])
    assert again["user_id"] == ""


def test_a_told_taste_is_answered_with_what_was_understood(post: Post) -> None:
    answer = post({"text": "I love dramas", "limit": 3})
    assert answer["source"] == "knowledge"
    assert answer["score_kind"] == "worth_by_knowledge"
    assert answer["understood"] == [{"aspect": "Drama", "polarity": "likes", "quote": "I love dramas", "meets": 6}]
    assert "I love dramas" not in json.dumps(Recommendation.objects.values("items", "about")[0])


def test_what_is_told_of_a_known_end_user_comes_on_top(post: Post) -> None:
    answer = post({"user_id": "u1", "history": [{"item_id": "f3"}]})
    assert ids(answer) == ["f5", "f4", "f6"]
    assert answer["user_id"] == "u1"
    assert EndUser.objects.get(external_id="u1").interactions.count() == 2


def test_a_list_that_is_only_looked_at_is_not_logged(post: Post) -> None:
    assert post({"log": False})["recommendation_id"] is None
    assert not Recommendation.objects.exists()


def test_filters_and_exclusions_shorten_a_list_and_say_so(post: Post) -> None:
    answer = post({"filter": ["genres:drama"], "exclude": ["f6", "zzz"], "limit": 9})
    assert ids(answer) == ["f5", "f4", "f2", "f3", "f1"]
    assert [notice["code"] for notice in answer["notices"]] == ["unknown_items", "fewer_items"]
    nothing = post({"filter": ["-genres:Drama"]})
    assert (nothing["source"], nothing["degraded_code"], nothing["items"]) == ("nothing", "nothing_left", [])


@pytest.mark.parametrize(
    ("body", "parameter", "says"),
    [
        ({"limit": 0}, "limit", "from 1 to 100"),
        ({"limit": "5"}, "limit", "from 1 to 100"),
        ({"limt": 5}, "limt", "There is no member `limt`"),
        ({"diversity": 1.5}, "diversity", "a number from 0 to 1"),
        ({"diversity": True}, "diversity", "a number from 0 to 1"),
        ({"filter": "genres:Drama"}, "filter", "conditions"),
        ({"filter": ["nonsense"]}, "filter", "Write `genres:Drama`"),
        ({"filter": ["colour:red"]}, "filter", "They have: `genres`"),
        ({"exclude": [1]}, "exclude", "ids of items"),
        ({"exclude": ["x"] * 1001}, "exclude", "at most 1000"),
        ({"history": [{"item_id": "f1", "rating": 9}]}, "history[0].rating", "from 1 to 5"),
        ({"history": [{"item_id": "f1", "rating": "5"}]}, "history[0].rating", "number"),
        ({"history": [{"item_id": "f1"}, {"rating": 3}]}, "history[1].item_id", "required: text of 1 to 128"),
        ({"history": [{"item_id": 7}]}, "history[0].item_id", "must be text of 1 to 128 characters"),
        ({"history": [{"item_id": ""}]}, "history[0].item_id", "must be text of 1 to 128 characters"),
        ({"history": [{"item_id": "f1", "liked": "yes"}]}, "history[0].liked", "must be true or false"),
        ({"history": [{"item_id": "f1", "color": 1}]}, "history[0].color", "There is no member `color`"),
        ({"history": [{"item_id": "f1"}] * 1001}, "history", "It must be a list of 0 to 1000 entries."),
        ({"history": {"item_id": "f1"}}, "history", "It must be a list of 0 to 1000 entries."),
        ({"text": "x" * 2001}, "text", "2000"),
        ({"text": ["I love dramas"]}, "text", "text of at most"),
        ({"text": "a\u0000b"}, "text", "without NUL"),
        ({"attributes": {str(n): n for n in range(21)}}, "attributes", "At most 20"),
        ({"attributes": ["Ulm"]}, "attributes", "an object; each of its members text"),
        ({"attributes": {"age": {"from": 20}}}, "attributes.age", "text, a number below 2^63, true, false"),
        ({"attributes": {"age": [[20]]}}, "attributes.age", "or a list of such"),
        ({"attributes": {"age": 2**63}}, "attributes.age", "below 2^63"),
        ({"attributes": {"about": "x" * 20_001}}, "attributes", "20000 characters"),
        ({"cursor": "x"}, "cursor", "There is no member `cursor`"),
        ({"scenario": "thinking"}, "scenario", "one of"),
    ],
)
def test_a_body_that_is_wrong_is_told_where(post: Post, body: dict[str, Any], parameter: str, says: str) -> None:
    problem = post(body, status=400)
    assert problem["type"] == "urn:r4web:problem:invalid-parameter"
    assert [error["parameter"] for error in problem["errors"]] == [parameter]
    assert says in problem["errors"][0]["detail"]


def test_told_attributes_mean_what_they_do_of_end_users(post: Post, films: Catalog) -> None:
    segments.COMMON.clear()
    loyal = [make_end_user(films, f"loyal{n}", attributes={"member": "yes"}) for n in range(segments.LEAST_PEOPLE)]
    for person in loyal:
        make_interaction(person, films.items.get(external_id="f1"))
    assert ids(post({"limit": 1, "attributes": {"member": "yes", "city": None}})) == ["f1"]
    told = post({"limit": 1, "attributes": {"member": True, "age": ["old"]}})
    assert (ids(told), told["source"]) == (["f1"], "segment")
    make_end_user(films, "new", attributes={"member": "no"})
    told = post({"user_id": "new", "limit": 1, "attributes": {"member": True}})
    assert (ids(told), told["source"], told["next_cursor"]) == (["f1"], "segment", None)
    assert films.end_users.get(external_id="new").attributes == {"member": "no"}


@pytest.mark.parametrize("raw", ["", "[]", "7", "null", '{"limit": NaN}', "{", '{"text": "\\ud800"}', "[" * 9_000])
def test_odd_bodies_are_answered_and_never_fail(api: APIClient, films: Catalog, raw: str) -> None:
    answer = api.generic("POST", SESSION, raw, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or raw == ""


def test_numbers_greater_than_numbers_can_be_are_refused(api: APIClient, films: Catalog) -> None:
    for raw in (
        '{"diversity": 1e999}',
        '{"history": [{"item_id": "f1", "rating": 1e999}]}',
        f'{{"limit": 1{"0" * 400}}}',
    ):
        assert api.generic("POST", SESSION, raw, content_type="application/json").status_code == 400


def test_a_body_that_is_too_large_is_not_read(api: APIClient, films: Catalog) -> None:
    answer = api.generic("POST", SESSION, '{"text": "' + "x" * 3_000_000 + '"}', content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:r4web:problem:too-large")
    assert answer.json()["detail"].startswith("A body may take 2.5 MB here.")


@pytest.mark.parametrize("to", [SESSION, BATCH])
def test_reasons_need_their_scope(films: Catalog, to: str) -> None:
    _, key = create_token("tests", account=make_account(), scopes=[TokenScope.RECOMMENDATIONS_READ])
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    body = {"explain": "short"} | ({"entries": [{}]} if to == BATCH else {})
    assert client.post(to, body, format="json").json()["type"] == "urn:r4web:problem:scope-missing"


def test_an_unknown_catalog_and_an_erased_person_are_told(api: APIClient, post: Post) -> None:
    assert post({}, to="/api/v1/catalogs/none/recommendations", status=404)["type"].endswith("unknown-catalog")
    assert post({"user_id": "stranger", "unknown_user": "error"}, status=404)["type"].endswith("unknown-user")
    assert post({"user_id": "stranger"})["degraded_code"] == "unknown_user"


# --- GET …/users/{user_id}/recommendations -----------------------------------------------------------------------


def test_an_unknown_end_user_gets_a_list_and_404_only_by_option(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/stranger/recommendations"
    answer = api.get(path).json()
    assert (answer["source"], answer["degraded"], answer["degraded_code"]) == ("popular", True, "unknown_user")
    assert answer["user_id"] == "stranger"
    refused = api.get(path, {"unknown_user": "error"})
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:r4web:problem:unknown-user")
    assert not EndUser.objects.filter(external_id="stranger").exists()


def test_a_query_filters_excludes_and_sets_apart(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    query = "?filter=genres:Drama&filter=-genres:War&exclude=f5&exclude=f6&diversity=0.5"
    assert ids(api.get(path + query).json()) == ["f4", "f3"]
    for wrong in ("?filter=x", "?filter=", "?exclude=", "?diversity=2", "?diversity=nan", "?diversity="):
        assert api.get(path + wrong).status_code == 400, wrong


def test_the_items_of_a_search_are_ranked_alone(api: APIClient, films: Catalog, post: Post) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    found = api.get(path, {"among": ["f3", "f1", "f6", "f5", "zzz"], "exclude": "f6"}).json()
    assert ids(found) == ["f5", "f3"]  # they met f1
    assert "these items of `among`: “zzz”" in found["notices"][0]["detail"]
    assert ids(post({"history": [{"item_id": "f5"}], "among": ["f5", "f4"]})) == ["f4"]
    nothing = api.get(path, {"among": "f1"}).json()
    assert (nothing["items"], nothing["degraded_code"]) == ([], "nothing_left")
    similar = api.get("/api/v1/catalogs/films/items/f5/similar", {"among": ["f2", "f5"], "by": "attributes"}).json()
    assert ids(similar) == ["f2"]
    for none in ({"among": []}, {"among": [""]}):  # which would be another list than what was asked for
        assert post(none, status=400)["errors"][0]["parameter"] == "among"
    page = api.get(path, {"among": ["f3", "f4"], "limit": 1}).json()
    rest = api.get(path, {"cursor": page["next_cursor"], "limit": 5}).json()
    assert (ids(page), ids(rest)) == (["f4"], ["f3"])
    other = api.get(path, {"cursor": page["next_cursor"], "among": "f5"})
    assert other.status_code == 400


def test_what_is_sold_out_is_in_no_filtered_list_from_the_next_request_on(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    for name in ("f3", "f4", "f5", "f6"):
        films.items.filter(external_id=name).update(attributes={"genres": ["Drama"], "stock": 3})
    aspects.KEPT.clear()
    all_of_them = ids(api.get(path, {"filter": "stock>0"}).json())
    assert sorted(all_of_them) == ["f3", "f4", "f5", "f6"]
    rules.put(films, [rules.Wanted("pin", "f6", place=1)], by=None)  # type: ignore[arg-type]
    films.items.filter(external_id__in=["f4", "f6"]).update(attributes={"genres": ["Drama"], "stock": 0})
    for extra in ({}, {"diversity": "0.5"}, {"limit": "1"}):
        assert not {"f4", "f6"} & set(ids(api.get(path, {"filter": "stock>0", **extra}).json())), extra
    similar = api.get("/api/v1/catalogs/films/items/f5/similar", {"filter": "stock>0", "by": "attributes"}).json()
    assert ids(similar) == ["f3"]


def test_the_next_page_goes_on_with_the_filtered_list(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    first = api.get(path, {"limit": 2, "exclude": "f4"}).json()
    second = api.get(path, {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (ids(first), ids(second)) == (["f5", "f6"], ["f3"])
    other = api.get(path, {"limit": 2, "cursor": first["next_cursor"], "exclude": "f3"})
    assert other.status_code == 400


# --- many at once -------------------------------------------------------------------------------------------------


def test_a_batch_gives_each_entry_a_list_or_a_problem(post: Post, films: Catalog) -> None:
    entries = [
        {"user_id": "u1"},
        {"user_id": "stranger"},
        {"history": [{"item_id": "f6"}]},
        {"user_id": "other-6-5", "history": [{"item_id": "f1", "rating": 99}]},
        {"text": "I love dramas"},
    ]
    answer = post({"entries": entries, "limit": 1, "unknown_user": "error"}, to=BATCH)
    assert (answer["listed"], answer["failed"]) == (3, 2)
    got = [
        (
            each["index"],
            each["user_id"],
            ids(each["recommendations"]) if each["recommendations"] else each["problem"]["type"],
        )
        for each in answer["results"]
    ]
    assert got == [
        (0, "u1", ["f5"]),
        (1, "stranger", "urn:r4web:problem:unknown-user"),
        (2, "", ["f5"]),
        (3, "other-6-5", "urn:r4web:problem:invalid-parameter"),
        (4, "", ["f5"]),
    ]
    assert answer["results"][3]["problem"]["errors"][0]["parameter"] == "entries[3].history[0].rating"
    assert Recommendation.objects.count() == 3


def test_a_batch_of_known_end_users_is_what_each_would_get_alone(api: APIClient, post: Post) -> None:
    answer = post({"entries": [{"user_id": "u1"}, {"user_id": "other-5-1"}], "explain": "full"}, to=BATCH)
    for result in answer["results"]:
        alone = api.get(f"/api/v1/catalogs/films/users/{result['user_id']}/recommendations", {"explain": "full"}).json()
        assert result["recommendations"]["items"] == alone["items"]


@pytest.mark.parametrize("entries", [[], [{}] * 101, {}, [7], None])
def test_a_batch_without_entries_or_with_too_many_is_refused(post: Post, entries: Any) -> None:
    assert post({"entries": entries}, to=BATCH, status=400)["type"].endswith("invalid-parameter")


def test_an_entry_that_fails_here_keeps_nobody_else_s_from_coming(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    from recommender.api.v1 import batch

    made_for = batch.made_for

    def failing(whom: Any, *arguments: Any, **more: Any) -> dict[str, Any]:
        if whom.external_id == "u1":
            raise RuntimeError("a disk is full")
        return made_for(whom, *arguments, **more)

    monkeypatch.setattr(batch, "made_for", failing)
    answer = post({"entries": [{"user_id": "u1"}, {}]}, to=BATCH)
    assert answer["results"][0]["problem"]["type"] == "urn:r4web:problem:internal-error"
    assert answer["results"][1]["recommendations"]["items"]


def test_each_entry_counts_as_a_request(post: Post, token: ApiToken, monkeypatch: pytest.MonkeyPatch) -> None:
    ApiToken.objects.update(per_minute=10)
    quota._alone.clear()
    monkeypatch.setattr(quota, "_counted_for_all", lambda *_: (_ for _ in ()).throw(OSError("no broker")))
    monkeypatch.setattr(quota, "_window", lambda: (1, 30))
    post({"entries": [{}] * 8}, to=BATCH)
    refused = post({"entries": [{}] * 3}, to=BATCH, status=429)
    assert refused["type"] == "urn:r4web:problem:too-many-requests"
    quota._spent.clear()
    quota._alone.clear()


def test_a_catalog_the_token_does_not_open_is_not_there(films: Catalog) -> None:
    other = make_catalog("other")
    make_end_user(other, "u9")
    _, key = create_token("tests", account=make_account(), catalog=films)
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {key}")
    for to, body in (
        (f"/api/v1/catalogs/other/recommendations{more}", body)
        for more, body in (("", {}), (":batch", {"entries": [{}]}))
    ):
        assert client.post(to, body, format="json").status_code == 404

"""What an answer's shape, headers and methods promise."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.knowledge.disputes import dispute
from recommender.knowledge.service import reject
from recommender.models import Catalog, EndUser, Interaction, Item, Recommendation, Role, TokenScope
from recommender.serving import catalog_index
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.recommender.api.test_problems import problem
from tests.recommender.training import synthetic

LIST = "/api/v1/catalogs/films/users/u1/recommendations"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    catalog_index.KEPT.clear()


def without_ids(answer: Any) -> dict[str, Any]:
    changing = ("recommendation_id", "generated_at", "next_cursor")
    return {name: said for name, said in answer.json().items() if name not in changing}


@pytest.mark.parametrize(
    "asked",
    [{}, {"limit": 2}, {"explain": "full"}, {"explain": "short", "min_review": "any", "fields": ["title", "reasons"]}],
)
def test_post_answers_what_get_answers(api: APIClient, films: Catalog, asked: dict[str, Any]) -> None:
    make_round(Item.objects.get(external_id="f5"), ("reason", "Slow and kind."), ("reflect", ""))
    query = {name: ",".join(said) if isinstance(said, list) else said for name, said in asked.items()}
    got, posted = api.get(LIST, query), api.post(LIST, asked, format="json")
    assert (got.status_code, posted.status_code) == (200, 200)
    assert without_ids(got) == without_ids(posted)


def test_get_writes_nothing_unless_that_is_asked_for_and_post_logs(api: APIClient, films: Catalog) -> None:
    assert api.get(LIST).json()["recommendation_id"] is None
    assert api.head(LIST, {"log": "true"}).status_code == 200
    assert api.post(LIST, {"log": False}, format="json").json()["recommendation_id"] is None
    assert not Recommendation.objects.exists()
    for answer in (api.get(LIST, {"log": "true"}), api.post(LIST), api.post(LIST, {}, format="json")):
        assert Recommendation.objects.filter(pk=answer.json()["recommendation_id"]).exists()


def test_head_has_the_headers_of_get_and_no_body(api: APIClient, films: Catalog) -> None:
    got, headed = api.get(LIST), api.head(LIST)
    assert (headed.status_code, headed["ETag"], headed.content) == (200, got["ETag"], b"")


def test_fields_say_which_parts_of_items_are_wanted(api: APIClient, films: Catalog) -> None:
    assert api.get(LIST, {"fields": "score,title", "limit": 1}).json()["items"] == [
        {"item_id": "f5", "title": "Film 5", "rank": 1, "score": pytest.approx(4.7, abs=1)}
    ]
    assert api.post(LIST, {"fields": ["title"], "limit": 1}, format="json").json()["items"] == [
        {"item_id": "f5", "title": "Film 5", "rank": 1}
    ]
    assert api.get(LIST, {"fields": "item_id", "limit": 1}).json()["items"] == [{"item_id": "f5", "rank": 1}]


@pytest.mark.parametrize("names", ["", "titel", "title,", "title,user_id", "title,,score", "title, score"])
def test_unknown_names_of_fields_are_refused(api: APIClient, films: Catalog, names: str) -> None:
    for answer in (api.get(LIST, {"fields": names}), api.post(LIST, {"fields": names.split(",")}, format="json")):
        found = problem(answer, status=400, kind="invalid-parameter")
        assert found["detail"].startswith("`fields` must be one or more of item_id, rank, title, score, explanation")


@pytest.mark.parametrize(
    "body",
    [
        {"limit": "5"}, {"limit": 5.0}, {"limit": True}, {"limit": None}, {"limit": 0}, {"limit": 10**400},
        {"explain": ["full"]}, {"explain": None}, {"log": "true"}, {"log": 1}, {"fields": "title"}, {"fields": []},
        {"fields": [[]]}, {"cursor": 7}, {"as_of": "yesterday"}, {"as_of": True}, {"as_of": -1}, {"Limit": 5}, {"": 1},
    ],
)  # fmt: skip
def test_a_body_of_the_wrong_kind_is_refused_by_name(api: APIClient, films: Catalog, body: dict[str, Any]) -> None:
    found = problem(api.post(LIST, body, format="json"), status=400, kind="invalid-parameter")
    assert [error["parameter"] for error in found["errors"]] == list(body)
    assert not Recommendation.objects.exists()


@pytest.mark.parametrize("body", ["[]", "5", '"limit"', "null", "{", '{"limit": 1,}', "\xff", '{"limit": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(api: APIClient, films: Catalog, body: str) -> None:
    answer = api.post(LIST, body.encode("latin-1"), content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["type"] in ("urn:r4web:problem:invalid-body", "urn:r4web:problem:invalid-parameter")


@pytest.mark.parametrize("body", [b" \n", b'\xef\xbb\xbf{"log": true}'])
def test_a_blank_body_is_none_and_a_byte_order_mark_is_passed_over(api: APIClient, films: Catalog, body: bytes) -> None:
    answer = api.generic("POST", LIST, body, content_type="application/json")
    assert answer.status_code == 200, answer.json()
    assert Recommendation.objects.filter(pk=answer.json()["recommendation_id"]).exists()


def test_a_member_that_stands_twice_is_not_guessed_at(api: APIClient, films: Catalog) -> None:
    for body in ('{"limit": 1, "log": false, "limit": 2}', '{"as_of": {"a": 1, "a": 1}}'):
        answer = api.post(LIST, body, content_type="application/json")
        assert "stands twice" in problem(answer, status=400, kind="invalid-body")["detail"]


def test_post_has_no_query_and_takes_json_only(api: APIClient, films: Catalog) -> None:
    problem(api.post(f"{LIST}?limit=5"), status=400, kind="invalid-parameter")
    problem(api.post(LIST, {"limit": 5}), status=415, kind="unsupported-media-type")


def test_an_unchanged_answer_is_not_sent_again_and_every_change_is(api: APIClient, films: Catalog) -> None:
    reader = EndUser.objects.get(external_id="u1")
    asked = {"explain": "full"}
    tag = api.get(LIST, asked)["ETag"]
    again = api.get(LIST, asked, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    told = [again.headers.get(name) for name in ("Content-Type", "Content-Length", "Vary")]
    assert told == [None, None, "Accept-Encoding"]  # a cache would take them for those of what it has
    assert again["Cache-Control"] == "private, no-cache"
    assert api.get(LIST, asked, headers={"If-None-Match": "*"}).status_code == 304
    assert api.get(LIST, headers={"If-None-Match": tag}).status_code == 200  # another answer

    def changed() -> str:
        answer = api.get(LIST, asked, headers={"If-None-Match": tag})
        assert answer.status_code == 200
        return str(answer["ETag"])

    turn = synthetic.approve(reader, "They adore dramas.")
    tag = changed()
    turn.statements.all().delete()
    tag = changed()
    make_interaction(reader, Item.objects.get(external_id="f5"), moment=99)
    tag = changed()
    Item.objects.filter(external_id="f4").update(title="Another title")
    tag = changed()
    reject(turn)
    tag = changed()
    assert api.get(LIST, asked | {"log": "true"}, headers={"If-None-Match": tag}).status_code == 200


def test_answers_are_compressed_for_whoever_asks(api: APIClient, films: Catalog) -> None:
    plain, packed = api.get(LIST), api.get(LIST, headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), packed["Content-Encoding"]) == (None, "gzip")
    assert json.loads(gzip.decompress(packed.content))["items"] == plain.json()["items"]
    assert packed["ETag"] == plain["ETag"]
    for refused in ("gzip;q=0", "br, gzip; q=0.0"):
        assert api.get(LIST, headers={"Accept-Encoding": refused}).headers.get("Content-Encoding") is None
    assert api.get(LIST, headers={"Accept-Encoding": "br;q=0, gzip;q=0.5"})["Content-Encoding"] == "gzip"
    page = api.get("/sign-in/", headers={"Accept-Encoding": "gzip"})
    assert page.headers.get("Content-Encoding") is None


@pytest.mark.parametrize("given", ["shop-1", "a" * 100, "00-4bf92f35-01"])
def test_a_request_keeps_its_id(api: APIClient, films: Catalog, given: str) -> None:
    for path in (LIST, "/api/v1/nothing"):
        answer = api.get(path, headers={"X-Request-ID": given})
        assert answer["X-Request-ID"] == given
    assert answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "a" * 101, "two words", "line\\nbreak;", "ü"])
def test_a_request_without_a_plain_id_gets_one(api: APIClient, films: Catalog, given: str) -> None:
    first, second = (api.get(LIST, headers={"X-Request-ID": given})["X-Request-ID"] for _ in range(2))
    assert len({first, second, given}) == 3


def test_the_person_s_text_stands_once_beside_the_items(api: APIClient, films: Catalog) -> None:
    synthetic.approve(EndUser.objects.get(external_id="u1"), "They adore dramas. They rated two films so far.")
    answer = api.get(LIST, {"explain": "full"})
    assert answer.content.count(b"They adore dramas. They rated two films so far.") == 1
    first = answer.json()["items"][0]
    (statement,) = [reason for reason in first["reasons"] if reason["kind"] == "statement"]
    words = answer.json()["user_explanation"]["statements"]
    assert statement["statement_id"] in [one["statement_id"] for one in words]
    assert (statement["aspect"], statement["direction"], statement["share"]) == ("Drama", "for", 1.0)


def test_a_text_is_shown_only_with_enough_said_of_it(api: APIClient, films: Catalog) -> None:
    reader = EndUser.objects.get(external_id="u1")
    item = Item.objects.get(external_id="f5")
    turn = synthetic.approve(reader, "They adore dramas.")
    make_round(item, ("reason", "Slow and kind."), ("reflect", ""))

    def seen(**asked: str) -> tuple[str, str, str]:
        answer = api.get(LIST, asked | {"explain": "full", "limit": 1}).json()
        first = answer["items"][0]
        assert (first["explanation"] is None) == (first["explanation_status"] != "shown")
        return answer["min_review"], answer["user_explanation_status"], first["explanation_status"]

    assert seen() == ("reviewed", "shown", "withheld")  # a catalog starts like that
    assert seen(min_review="any") == ("any", "shown", "shown")
    assert seen(min_review="approved") == ("approved", "shown", "withheld")
    dispute(turn, reason="Not me.")
    assert seen(min_review="approved") == ("approved", "withheld", "withheld")
    assert seen(min_review="reviewed") == ("reviewed", "shown", "withheld")
    Catalog.objects.filter(pk=films.pk).update(min_review="any")
    assert seen() == ("any", "shown", "shown")


def test_a_proposal_that_a_person_wrote_or_called_reasonable_is_reviewed(api: APIClient, films: Catalog) -> None:
    for name, turns in (
        ("f5", (("reason", "Quick."), ("edit", "Slow and kind."))),
        ("f4", (("reason", "Slow."), ("reflect", "Too short."), ("override", ""))),
        ("f3", (("reason", "Slow."), ("reflect", ""))),
    ):
        make_round(Item.objects.get(external_id=name), *turns)
    found = api.get(LIST, {"explain": "full", "min_review": "any"}).json()["items"]
    statuses = {item["item_id"]: item["explanation"] and item["explanation"]["review_status"] for item in found}
    assert (statuses["f5"], statuses["f4"], statuses["f3"]) == ("reviewed", "reviewed", "unreviewed")


def test_as_of_knows_only_what_happened_before(api: APIClient, films: Catalog) -> None:
    reader = EndUser.objects.get(external_id="u1")
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    Interaction.objects.filter(end_user=reader, item__external_id="f2").update(moment=int(moment.timestamp()))

    def listed(as_of: str) -> list[str]:
        answer = api.get(LIST, {"as_of": as_of}).json()
        assert datetime.fromisoformat(answer["as_of"]) == datetime.fromisoformat(as_of)
        return [item["item_id"] for item in answer["items"]]

    assert "f2" in listed("2020-01-01T00:00:00Z")
    assert "f2" in listed("2020-01-01T01:00:00+01:00")
    assert "f2" not in listed((moment + timedelta(seconds=1)).isoformat())
    synthetic.approve(reader, "They adore dramas.", as_of=int(moment.timestamp()) + 5)
    for seconds, status in ((4, "none"), (5, "shown")):
        asked = {"as_of": (moment + timedelta(seconds=seconds)).isoformat(), "explain": "full"}
        assert api.get(LIST, asked).json()["user_explanation_status"] == status


@pytest.mark.parametrize(
    ("clock", "as_of", "said"),
    [
        ("seconds", "5", "a time such as"),
        ("seconds", "2020-01-01", "a time such as"),
        ("seconds", "2020-01-01T00:00:00", "a time such as"),
        ("seconds", "0001-01-01T00:00:00+14:00", "a time such as"),
        ("seconds", "9999-12-31T23:59:59-14:00", "a time such as"),
        ("seconds", "9999-12-31T23:59:59.5Z", "a time such as"),
        ("order", "2020-01-01T00:00:00Z", "a whole number"),
        ("none", "5", "Leave `as_of` out"),
    ],
)
def test_as_of_is_a_moment_of_the_catalog_s_clock(api: APIClient, clock: str, as_of: str, said: str) -> None:
    make_end_user(make_catalog("books", clock=clock), "u1")
    answer = api.get(LIST.replace("films", "books"), {"as_of": as_of})
    assert said in problem(answer, status=400, kind="invalid-parameter")["detail"]


def test_moments_without_times_are_numbers_under_another_name(api: APIClient) -> None:
    catalog = make_catalog("books", clock="order", prompt_attributes=["genres"])
    reader = make_end_user(catalog, "u1")
    make_interaction(reader, make_item(catalog, genres=["War"]), moment=7)
    make_item(catalog, genres=["War"])
    answer = api.get(LIST.replace("films", "books"), {"explain": "full", "as_of": "8"}).json()
    assert (answer["as_of"], answer["as_of_order"]) == (None, 8)
    (_, reason) = answer["items"][0]["reasons"]  # popularity comes first
    assert (reason["met_at"], reason["met_order"], reason["share"], reason["direction"]) == (None, 7, None, None)


@pytest.mark.parametrize("tail", ["recommendations/", "/recommendations", "x//recommendations", "u1/explanation/"])
def test_a_slash_too_many_is_told(api: APIClient, films: Catalog, tail: str) -> None:
    key = create_token("all", account=make_account(role=Role.LEAD), scopes=list(TokenScope))[1]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    strict = {"unknown_user": "error"} if tail.endswith("recommendations") else {}
    answer = api.get(f"/api/v1/catalogs/films/users/u1/{tail}", strict)
    assert "one too many" in problem(answer, status=404, kind="unknown-user")["detail"]

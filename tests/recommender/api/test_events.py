"""Events over REST: each counts once, at once, and what is wrong with one keeps no other from counting."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.erasure import service as erasure
from recommender.models import Catalog, EndUser, Event, Interaction, Recommendation, Role, SubjectKind, TokenScope
from tests.builders import make_account, make_end_user, make_item

Recommend = Callable[..., dict[str, Any]]
ADDRESS = "/api/v1/catalogs/films/events:batch"
AT = "2026-03-01T12:00:00Z"
MOMENT = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


@pytest.fixture
def send(api: APIClient, films: Catalog) -> Callable[..., dict[str, Any]]:
    def post(*events: Any, query: str = "", status: int = 200) -> dict[str, Any]:
        answer = api.post(f"{ADDRESS}{query}", json.dumps({"events": events}), content_type="application/json")
        assert answer.status_code == status, answer.json()
        return dict(answer.json())

    return post


def event(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"event_id": f"e{number}", "type": "like", "user_id": "u1", "item_id": "f3", "time": AT} | fields


def codes(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one["index"], one["code"]) for one in answer["rejected"]]


def interaction(**of: Any) -> tuple[float | None, int | None, int]:
    return Interaction.objects.values_list("rating", "label", "moment").get(**of)


def test_a_like_counts_with_the_next_request(send: Callable[..., Any], recommendations: Recommend) -> None:
    assert "f3" in [one["item_id"] for one in recommendations()["items"]]

    assert send(event()) == {"accepted": 1, "duplicates": 0, "rejected": []}

    assert "f3" not in [one["item_id"] for one in recommendations()["items"]]
    assert interaction(end_user__external_id="u1", item__external_id="f3") == (None, 1, MOMENT)


def test_opinions_are_kept_on_the_scale_and_other_events_with_their_list(
    send: Callable[..., Any], recommendations: Recommend
) -> None:
    listed = recommendations()["recommendation_id"]
    shown = {"recommendation_id": listed, "position": 2}
    answer = send(
        event(1, type="impression", **shown),
        event(2, type="click", **shown),
        event(3, type="dislike", item_id="f4"),
        event(4, type="rating", item_id="f5", value=4.5),
        event(5, type="purchase", item_id="f6"),
        event(6, type="explanation_helpful", value=False, **shown),
    )
    assert answer == {"accepted": 6, "duplicates": 0, "rejected": []}
    told = Event.objects.order_by("event_id").values_list("type", "position", "value", "moment")
    assert list(told) == [
        ("impression", 2, None, None),
        ("click", 2, None, None),
        ("dislike", None, None, MOMENT),
        ("rating", None, 4.5, MOMENT),
        ("purchase", None, None, MOMENT),
        ("explanation_helpful", 2, 0.0, None),
    ]
    about = Event.objects.exclude(recommendation=None).values_list("recommendation", flat=True)
    assert {str(each) for each in about} == {listed}
    assert [interaction(end_user__external_id="u1", item__external_id=f"f{n}")[:2] for n in (4, 5, 6)] == [
        (None, 0),
        (4.5, None),
        (None, 1),
    ]
    assert not Interaction.objects.filter(end_user__external_id="u1", item__external_id="f3").exists()


def test_the_same_event_again_is_a_duplicate_in_one_call_and_in_another(send: Callable[..., Any]) -> None:
    assert send(event(1), event(1), event(2, item_id="f4"))["duplicates"] == 1
    assert send(event(1), event(2, item_id="f4")) == {"accepted": 0, "duplicates": 2, "rejected": []}
    assert Event.objects.count() == 2


def test_what_is_said_again_in_the_same_second_takes_the_place_of_what_was_said(send: Callable[..., Any]) -> None:
    send(event(1, type="rating", value=2, time="2026-03-01T12:00:00.2Z"))
    send(event(2, type="like", time="2026-03-01T12:00:00.9Z"))
    send(event(3, type="dislike", time="2026-03-01T12:00:00.5Z"))
    assert interaction(end_user__external_id="u1", item__external_id="f3") == (2.0, 1, MOMENT)
    send(event(4, type="rating", value=1, time="2026-03-01T12:00:00.95Z"))
    assert interaction(end_user__external_id="u1", item__external_id="f3") == (1.0, None, MOMENT)


def test_without_an_order_an_end_user_has_one_interaction_with_an_item(
    send: Callable[..., Any], films: Catalog
) -> None:
    Catalog.objects.update(clock="none")
    send(event(1), event(2, type="rating", value=5, time="2026-02-01T00:00:00Z"))
    assert interaction(end_user__external_id="u1", item__external_id="f3")[:2] == (5.0, 1)


def test_where_the_clock_only_orders_an_order_or_the_time_is_taken(send: Callable[..., Any], films: Catalog) -> None:
    assert codes(send(event(1, order=7))) == [(0, "invalid-value")]
    Catalog.objects.update(clock="order")
    send(event(1, order=7), event(2, item_id="f4"))
    moments = Interaction.objects.filter(label=1).order_by("moment").values_list("moment", flat=True)
    assert list(moments) == [7, MOMENT]


WRONG: list[tuple[Any, str]] = [
    (7, "not-an-object"),
    ({"event_id": "e", "type": "like"}, "missing-field"),
    (event(user_id=None), "missing-field"),
    (event(rating=3), "unknown-field"),
    (event(type="Like"), "unknown-type"),
    (event(type=["like"]), "unknown-type"),
    (event(item_id="f99"), "unknown-item"),
    (event(user_id="nobody"), "unknown-user"),
    (event(user_id="a\0b"), "invalid-value"),
    (event(user_id="x" * 300), "invalid-value"),
    (event(event_id=" "), "invalid-value"),
    (event(event_id=True), "invalid-value"),
    (event(event_id="\ud800"), "invalid-value"),
    (event(type="rating"), "missing-field"),
    (event(type="rating", value="4"), "invalid-value"),
    (event(type="rating", value=True), "invalid-value"),
    (event(type="rating", value=5.5), "outside-scale"),
    (event(type="rating", value=float("nan")), "outside-scale"),
    (event(type="rating", value=float("inf")), "outside-scale"),
    (event(value=3), "invalid-value"),
    (event(time="soon"), "invalid-value"),
    (event(time=1772366400), "invalid-value"),
    (event(time="0001-01-01T00:00:00+23:00"), "invalid-value"),
    (event(time="2999-01-01T00:00:00Z"), "time-in-future"),
    (event(position=0), "invalid-value"),
    (event(position=2.0), "invalid-value"),
    (event(type="click", recommendation_id="7"), "invalid-value"),
    (event(type="click", recommendation_id="f" * 32), "unknown-recommendation"),
    (event(type="click", user_id=None), "missing-field"),
    (event(type="explanation_helpful"), "missing-field"),
]


def test_a_time_may_be_written_in_small_letters(send: Callable[..., Any]) -> None:
    assert send(event(type="click", time="2026-03-01t12:00:00z"))["accepted"] == 1  # RFC 3339, 5.6
    assert Event.objects.get().at.isoformat() == "2026-03-01T12:00:00+00:00"


def test_an_event_of_nobody_is_told_that_it_needs_an_end_user_or_a_list(send: Callable[..., Any]) -> None:
    [rejected] = send(event(type="click", user_id=None))["rejected"]
    assert rejected["detail"].startswith("`user_id` is missing: whose click it is.")


def test_what_is_wrong_with_one_event_keeps_no_other_from_counting(send: Callable[..., Any]) -> None:
    answer = send(*(raw for raw, _ in WRONG), event(99))
    assert codes(answer) == [(index, code) for index, (_, code) in enumerate(WRONG)]
    assert answer["accepted"] == Event.objects.count() == 1
    assert not any("f99" in one["detail"] or "nobody" in one["detail"] for one in answer["rejected"])


def test_ids_may_be_any_text_that_can_be_printed(send: Callable[..., Any], films: Catalog) -> None:
    odd = ["a/b", "👩\u200d🍳", "می\u200cخواهم", "Ünïcödé 漢字 🎬", "' OR 1=1 --", "{$gt: 1}", "%s", "x" * 128]
    for one in odd:
        make_item(films, external_id=one)
    events = [event(n, event_id=one, user_id=one, item_id=one) for n, one in enumerate(odd)]
    assert send(*events, query="?create=true")["accepted"] == len(odd)
    assert set(Event.objects.values_list("event_id", "end_user__external_id", "item__external_id")) == {
        (one, one, one) for one in odd
    }
    assert send(event(7, event_id=17, user_id=17), query="?create=true")["accepted"] == 1
    assert EndUser.objects.filter(external_id="17").exists()


def test_end_users_are_created_only_where_that_is_asked_and_an_event_of_theirs_can_be_taken(
    send: Callable[..., Any],
) -> None:
    assert codes(send(event(user_id="new"))) == [(0, "unknown-user")]
    answer = send(event(1, user_id="new"), event(2, user_id="other", item_id="f99"), query="?create=true")
    assert (answer["accepted"], codes(answer)) == (1, [(1, "unknown-item")])
    assert not EndUser.objects.filter(external_id="other").exists()


def test_a_list_is_the_end_users_own_and_a_visitor_needs_none(
    send: Callable[..., Any], recommendations: Recommend, films: Catalog
) -> None:
    listed = recommendations()["recommendation_id"]
    make_end_user(films, "u2")
    shown = {"type": "click", "recommendation_id": listed}
    answer = send(event(1, user_id="u2", **shown), event(2, user_id=None, **shown), event(3, **shown))
    assert (codes(answer), answer["accepted"]) == ([(0, "not-their-list")], 2)


def test_a_clock_that_is_a_little_ahead_counts_as_now(send: Callable[..., Any], recommendations: Recommend) -> None:
    ahead = timezone.now() + timedelta(minutes=2)
    assert send(event(1, time=ahead.isoformat()), event(2, item_id="f4", time=None))["accepted"] == 2
    assert Event.objects.filter(at__gt=timezone.now()).count() == 0
    assert not {"f3", "f4"} & {one["item_id"] for one in recommendations()["items"]}


def test_nobody_who_was_erased_comes_back_with_an_event(
    send: Callable[..., Any], films: Catalog, api: APIClient, recommendations: Recommend
) -> None:
    listed = recommendations()["recommendation_id"]
    send(event(1), event(2, type="click", recommendation_id=listed))
    exported = api.get("/api/v1/catalogs/films/users/u1").json()["events"]
    assert [(one["type"], one["recommendation_id"]) for one in exported] == [("like", None), ("click", listed)]

    receipt = erasure.erase(films, SubjectKind.END_USER, "u1")

    assert receipt.content["counts"]["events"] == 2
    assert not Event.objects.exists()
    assert codes(send(event(3), query="?create=true")) == [(0, "erased")]
    erasure.erase(films, SubjectKind.ITEM, "f3")
    assert codes(send(event(3, user_id="other-1-0"))) == [(0, "erased")]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "invalid-body"),
        (b"{", 400, "invalid-body"),
        (b"\xff\xfe", 400, "invalid-body"),
        (b'{"events": "many"}', 400, "invalid-body"),
        (b'{"events": [], "more": 1}', 400, "invalid-body"),
        (b"[" * 100_000, 400, "invalid-body"),
        (b'{"events": [' + b"1," * 10_000 + b"1]}", 400, "invalid-body"),
        (b'{"events": [' + b" " * (16 * 2**20) + b"]}", 413, "too-large"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(
    api: APIClient, films: Catalog, body: bytes, status: int, kind: str
) -> None:
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:r4web:problem:{kind}")


@pytest.mark.parametrize(
    "headers",
    [
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": ""},
        {"CONTENT_TYPE": "application/x-www-form-urlencoded"},
        {"CONTENT_TYPE": "application/json; charset=latin-1"},
        {"CONTENT_TYPE": "application/json", "HTTP_CONTENT_ENCODING": "gzip"},
    ],
)
def test_another_content_type_is_refused(api: APIClient, films: Catalog, headers: dict[str, str]) -> None:
    answer = api.generic("POST", ADDRESS, b'{"events": []}', **headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:r4web:problem:unsupported-media-type")


def test_events_of_lists_that_are_gone_stay(send: Callable[..., Any], recommendations: Recommend) -> None:
    send(event(1, type="click", recommendation_id=recommendations()["recommendation_id"]))
    Recommendation.objects.all().delete()
    assert Event.objects.get().recommendation is not None

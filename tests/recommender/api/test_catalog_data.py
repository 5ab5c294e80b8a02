"""Items, end users and whole catalogs over REST: what can be taken is taken, and seen by the next request."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.api import bodies, errors
from recommender.api.v1.catalog_data import ImportView
from recommender.erasure import service as erasure
from recommender.events import stream
from recommender.models import (
    AuditEntry,
    AuditEvent,
    Catalog,
    EndUser,
    IdempotencyKey,
    Interaction,
    Item,
    Role,
    SubjectKind,
    TokenScope,
)
from tests.builders import make_account

FILMS = "/api/v1/catalogs/films"
ITEMS, USERS, IMPORT = f"{FILMS}/items:batch", f"{FILMS}/users:batch", f"{FILMS}/import"


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


@pytest.fixture
def send(api: APIClient, films: Catalog) -> Callable[..., dict[str, Any]]:
    def post(address: str, *entries: Any) -> dict[str, Any]:
        name = address.rpartition("/")[2].partition(":")[0]
        answer = api.post(address, json.dumps({name: entries}), content_type="application/json")
        assert answer.status_code == 200, answer.json()
        return dict(answer.json())

    return post


@pytest.fixture
def stream_in(api: APIClient, films: Catalog) -> Callable[..., Any]:
    def post(*lines: Any, query: str = "", **headers: Any) -> Any:
        raw = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines)
        return api.generic("POST", f"{IMPORT}{query}", raw, content_type="application/x-ndjson", **headers)

    return post


def counts(answer: dict[str, Any]) -> tuple[int, int, int]:
    return answer["created"], answer["updated"], answer["unchanged"]


def codes(answer: dict[str, Any]) -> list[tuple[int, str]]:
    return [(one.get("index", one.get("line")), one["code"]) for one in answer.get("rejected") or answer["errors"]]


def test_a_new_item_is_recommended_with_the_next_request(
    send: Callable[..., Any], recommendations: Callable[..., dict[str, Any]]
) -> None:
    everything = {f"f{n}" for n in range(1, 7)}
    before = {one["item_id"] for one in recommendations(limit=100)["items"]}
    assert "new" not in before
    assert counts(send(ITEMS, {"item_id": "new", "title": "A new film"})) == (1, 0, 0)
    for one in everything:
        Interaction.objects.create(
            end_user=EndUser.objects.get(external_id="u1"), item=Item.objects.get(external_id=one), moment=10**6
        )
    assert [one["item_id"] for one in recommendations(limit=100)["items"]] == ["new"]


def test_what_an_entry_names_takes_the_place_of_what_was_there_and_the_rest_stays(send: Callable[..., Any]) -> None:
    answer = send(
        ITEMS,
        {"item_id": "f1", "title": "  Another\ttitle "},
        {
            "item_id": "f2",
            "attributes": {"year": 1979, "tags": ["a", "", "b"], "seen": True, "none": None, "empty": ""},
        },
        {"item_id": "f3", "title": "Film 3"},
        {"item_id": "f7", "title": "Film 7"},
        {"item_id": "f7", "attributes": {"year": 1980}},
    )
    assert (counts(answer), answer["rejected"]) == ((1, 3, 1), [])
    described = dict(Item.objects.values_list("external_id", "attributes"))
    assert Item.objects.get(external_id="f1").title == "Another title"
    assert described["f1"] == {"genres": ["Drama"]}
    assert described["f2"] == {"year": 1979, "tags": ["a", "b"], "seen": "yes"}
    assert described["f7"] == {"year": 1980}
    assert counts(send(USERS, {"user_id": "u1", "attributes": {"age": 40}}, {"user_id": 7})) == (1, 1, 0)
    assert counts(send(USERS, {"user_id": "u1"}, {"user_id": "7", "attributes": {}})) == (0, 0, 2)
    assert EndUser.objects.get(external_id="u1").attributes == {"age": 40}


WRONG: list[tuple[Any, str]] = [
    ([], "not-an-object"),
    ({"title": "No id"}, "missing-field"),
    ({"item_id": "n1"}, "missing-field"),
    ({"item_id": "n1", "title": 7}, "invalid-value"),
    ({"item_id": "n1", "title": "\x00\x01"}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "genre": "Drama"}, "unknown-field"),
    ({"item_id": "n1", "title": ""}, "invalid-value"),
    ({"item_id": "n\n1", "title": "T"}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": ["x"]}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": {"a": {"b": 1}}}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": {"a": [["b"]]}}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": {"a": float("nan")}}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": {"a": 10**400}}, "invalid-value"),
    ({"item_id": "n1", "title": "T", "attributes": {"a": "x" * 20_001}}, "too-long"),
]


def test_what_is_wrong_with_one_item_keeps_no_other_from_being_written(send: Callable[..., Any]) -> None:
    answer = send(ITEMS, *(raw for raw, _ in WRONG), {"item_id": "/ü 漢%s", "title": "🎬 \ud800"})
    assert codes(answer) == [(index, code) for index, (_, code) in enumerate(WRONG)]
    said = {code: one["detail"] for (_, code), one in zip(WRONG, answer["rejected"], strict=True)}
    assert said["unknown-field"] == "There is no field `genre`. An entry may have `item_id`, `title`, `attributes`."
    assert answer["created"] == 1
    assert Item.objects.get(external_id="/ü 漢%s").title == "🎬"


def test_an_item_is_read_back_as_it_is_kept(send: Callable[..., Any], api: APIClient) -> None:
    send(ITEMS, {"item_id": "a/b c", "title": "T", "attributes": {"safe": True, "none": None}})
    answer = api.get("/api/v1/catalogs/films/items/a%2Fb%20c")
    assert answer.json() == {"catalog": "films", "item_id": "a/b c", "title": "T", "attributes": {"safe": "yes"}}
    assert api.get("/api/v1/catalogs/films/items/f99").json()["type"] == "urn:r4web:problem:unknown-item"
    for scope, reads, erases in (("catalog:write", 200, 403), ("recommendations:read", 403, 403)):
        token = create_token("other", account=make_account(), scopes=[TokenScope(scope)])[1]
        other = APIClient(headers={"Authorization": f"Bearer {token}"})
        statuses = other.get(f"{FILMS}/items/f1").status_code, other.delete(f"{FILMS}/items/f1").status_code
        assert statuses == (reads, erases), scope


def test_the_attribute_that_is_wrong_is_named(send: Callable[..., Any]) -> None:
    attributes = {"year": 1979, "ean": 12345678901234567890}
    [rejected] = send(ITEMS, {"item_id": "n1", "title": "T", "attributes": attributes})["rejected"]
    assert rejected["detail"] == (
        "`ean` of `attributes` must be text, a number below 2^63, true, false, or a list of such."
    )


def test_a_byte_order_mark_is_passed_over_and_what_is_no_json_is_told_by_its_place(
    api: APIClient, films: Catalog
) -> None:
    def post(body: bytes) -> Any:
        return api.generic("POST", ITEMS, body, content_type="application/json")

    assert counts(post(b'\xef\xbb\xbf{"items": [{"item_id": "n1", "title": "T"}]}').json()) == (1, 0, 0)
    assert post(b'{"items": [\n  {"item_id": "n2",}\n]}').json()["detail"].endswith("line 2, column 20 on.")


def test_the_erased_are_not_written_again(send: Callable[..., Any], films: Catalog) -> None:
    erasure.erase(films, SubjectKind.END_USER, "u1")
    erasure.erase(films, SubjectKind.ITEM, "f2")
    assert codes(send(USERS, {"user_id": "u1"})) == [(0, "erased")]
    assert codes(send(ITEMS, {"item_id": "f2", "title": "Film 2"})) == [(0, "erased")]
    hidden = EndUser.with_erased.exclude(erased_at=None).get()
    assert codes(send(USERS, {"user_id": hidden.external_id, "attributes": {"a": 1}})) == [(0, "erased")]
    assert EndUser.with_erased.get(pk=hidden.pk).attributes == {}


def test_lines_of_all_types_are_written_and_the_first_wrong_ones_told(stream_in: Callable[..., Any]) -> None:
    at = "2026-03-01T12:00:00Z"
    met = {"type": "interaction", "user_id": "v", "item_id": "g", "time": at}
    answer = stream_in(
        {"type": "item", "item_id": "g", "title": "G"},
        b"",
        {"type": "user", "user_id": "v", "attributes": {"age": 3}},
        met | {"rating": 4},
        met | {"rating": 5, "time": "2026-03-02"},
        {"type": "interaction", "user_id": "w", "item_id": "g", "label": 1, "time": at},
        {"type": "films", "item_id": "g"},
        b'{"type": "user", "user_id": "\xff"}',
        b"[" * 5_000,
        b"null",
        met | {"rating": 7},
        met | {"label": 2},
        {"type": "interaction", "user_id": "v", "item_id": "g", "rating": 3},
        b'{"type": "user", "user_id": "' + b"x" * 2**20 + b'"}',
        b"\r",
        {"type": "item", "item_id": "g", "title": "G2"},
        b'{"type": "user", "user_id": "v", "user_id": "w"}',
        query="?create=true",
    )
    assert answer.status_code == 200, answer.json()
    told = answer.json()
    assert (told["lines"], told["rejected"]) == (17, 9)
    assert codes(told | {"rejected": None}) == [
        (7, "unknown-type"),
        (8, "not-json"),
        (9, "not-json"),
        (10, "not-json"),
        (11, "outside-scale"),
        (12, "invalid-value"),
        (13, "missing-field"),
        (14, "too-long"),
        (17, "not-json"),
    ]
    assert [counts(told[name]) for name in ("items", "users", "interactions")] == [(1, 1, 0), (2, 0, 0), (3, 0, 0)]
    kept = Interaction.objects.filter(item__external_id="g").order_by("pk")
    assert list(kept.values_list("end_user__external_id", "rating", "label")) == [
        ("v", 4.0, None),
        ("v", 5.0, None),
        ("w", None, 1),
    ]
    assert AuditEntry.objects.filter(event=AuditEvent.IMPORTED, details="17 lines").exists()


def test_the_same_lines_again_change_nothing(stream_in: Callable[..., Any]) -> None:
    lines = [
        {"type": "item", "item_id": "g", "title": "G"},
        {"type": "interaction", "user_id": "u1", "item_id": "g", "rating": 4, "time": "2026-03-01T12:00:00Z"},
    ]
    first, again = stream_in(*lines).json(), stream_in(*lines).json()
    assert [counts(first[name]) for name in ("items", "interactions")] == [(1, 0, 0), (1, 0, 0)]
    assert [counts(again[name]) for name in ("items", "interactions")] == [(0, 0, 1), (0, 0, 1)]
    assert counts(stream_in(lines[1] | {"rating": 2}).json()["interactions"]) == (0, 1, 0)
    assert Interaction.objects.get(item__external_id="g").rating == 2.0


def cut_after(raw: bytes, told: int) -> Any:
    """A request whose connection ends after `raw`, of the `told` bytes it announced."""
    request = RequestFactory().generic("POST", IMPORT, b"-", content_type="application/x-ndjson")
    request.META |= {"CONTENT_LENGTH": str(told)}
    request._stream = BytesIO(raw)  # type: ignore[attr-defined] # what a server gives that met the end
    return request


def test_a_cut_connection_keeps_whole_lines_and_says_where_to_go_on(
    films: Catalog, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AT_ONCE", 2)
    lines = b"".join(json.dumps({"type": "user", "user_id": f"v{n}"}).encode() + b"\n" for n in range(5))

    def answer() -> Any:
        request = cut_after(lines + b'{"type": "user", "us', told=10_000)
        request.META |= {"HTTP_AUTHORIZATION": f"Bearer {key}", "HTTP_IDEMPOTENCY_KEY": '"a"'}
        return ImportView.as_view()(request, catalog="films")

    for replayed in (False, True):
        told = answer()
        assert (told.status_code, told.headers.get("Idempotent-Replayed")) == (400, "true" if replayed else None)
        document = json.loads(told.content)
        assert document["type"] == "urn:r4web:problem:import-ended"
        assert (document["lines"], document["resume_from"]) == (5, 6)
    assert EndUser.objects.filter(external_id__startswith="v").count() == 5


def test_a_stream_that_is_too_large_is_refused_at_once_or_where_it_gets_so(
    stream_in: Callable[..., Any], settings: Any, films: Catalog
) -> None:
    settings.IMPORT_MB = 1
    answer = stream_in(b" " * 2**20, {"type": "user", "user_id": "late"})
    assert (answer.status_code, answer.json()["lines"]) == (413, 0)
    assert not EndUser.objects.filter(external_id="late").exists()


def test_a_body_in_chunks_is_read_to_its_end() -> None:
    request = RequestFactory().generic("POST", IMPORT, b"")
    request.META |= {"wsgi.input": BytesIO(b"x" * 200_000), "wsgi.input_terminated": True}
    assert len(bodies.read(Request(request))) == 200_000
    request = RequestFactory().generic("POST", IMPORT, b"")
    request.META |= {"wsgi.input": BytesIO(b"x" * 200_000), "wsgi.input_terminated": True}
    with pytest.raises(errors.BodyTooLarge):
        bodies.read(Request(request), most=100_000)


def test_a_stream_of_any_length_takes_no_more_memory_than_some_of_its_lines(
    films: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AT_ONCE", 10)
    ahead = 0

    def lines() -> Iterator[bytes]:
        nonlocal ahead
        for n in range(100):
            ahead += 1
            assert ahead <= 10
            yield json.dumps({"type": "user", "user_id": f"v{n}"}).encode()

    def kept() -> None:
        nonlocal ahead
        ahead = 0

    imported = stream.Imported()
    stream.take(films, lines(), imported, create=False, kept=kept)
    assert (imported.lines, imported.by_type["user"].created) == (100, 100)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_lines_are_the_same_however_the_pieces_fall(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LONGEST_LINE", 5)
    raw = b"ab\n\ncdefg\ntoo long one\nh"
    pieces = (raw[start : start + size] for start in range(0, len(raw), size))
    assert list(bodies.lines(pieces)) == [b"ab", b"", b"cdefg", None, b"h"]
    assert list(bodies.lines(iter([b"a\n"]))) == [b"a"]


def test_a_key_of_an_import_stands_for_its_lines(stream_in: Callable[..., Any]) -> None:
    line = {"type": "user", "user_id": "v"}
    first = stream_in(line, HTTP_IDEMPOTENCY_KEY="k")
    again = stream_in(line, HTTP_IDEMPOTENCY_KEY="k")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")
    other = stream_in({"type": "user", "user_id": "w"}, HTTP_IDEMPOTENCY_KEY="k")
    assert (other.status_code, other.json()["type"]) == (422, "urn:r4web:problem:idempotency-key-reused")
    assert stream_in(line, query="?create=true", HTTP_IDEMPOTENCY_KEY="k").status_code == 422
    assert IdempotencyKey.objects.count() == 1

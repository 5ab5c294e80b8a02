"""Every error is a problem document that says what to do."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token, revoke
from recommender.models import ApiToken, Catalog, Role
from tests.builders import make_account

LIST = "/api/v1/catalogs/films/users/u1/recommendations"
KNOWN = (
    "`filter`, `exclude`, `among`, `diversity`, `unknown_user`, `limit`, `cursor`, `explain`, `min_review`, "
    "`scenario`, `as_of`, `fields`, `log`"
)
STRICT = {"unknown_user": "error"}


def problem(answer: Any, *, status: int, kind: str) -> dict[str, Any]:
    """The answer's problem document, once it has the shape every one must have."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.content)
    assert document["type"] == f"urn:r4web:problem:{kind}"
    assert document["status"] == status
    assert document["instance"] == answer.wsgi_request.path
    assert document["request_id"] == answer["X-Request-ID"]
    assert document["title"]
    assert len(document["detail"]) > 10
    return document


def test_an_unknown_catalog_is_named_and_the_known_ones_are_listed(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST.replace("films", "books")), status=404, kind="unknown-catalog")
    assert "“books”" in found["detail"]
    assert "“films”" in found["detail"]


def test_an_unknown_end_user_is_named(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST.replace("u1", "nobody"), STRICT), status=404, kind="unknown-user")
    assert "“nobody”" in found["detail"]


@pytest.mark.parametrize("user_id", ["%00", "a%00b", "%ED%A0%80", "%F0%9F%8E%AC", "../u1", "u1%2Fx", "x" * 300])
def test_an_id_that_no_end_user_can_have_is_unknown_and_not_a_failure(
    api: APIClient, films: Catalog, user_id: str
) -> None:
    problem(api.get(LIST.replace("u1", user_id), STRICT), status=404, kind="unknown-user")
    assert api.get(LIST.replace("u1", user_id)).json()["degraded_code"] == "unknown_user"


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1.0", " 5", "٣", "9" * 5000])
def test_a_bad_limit_says_what_it_may_be(api: APIClient, films: Catalog, limit: str) -> None:
    found = problem(api.get(LIST, {"limit": limit}), status=400, kind="invalid-parameter")
    assert found["errors"] == [{"parameter": "limit", "detail": "`limit` must be a whole number from 1 to 100."}]


def test_a_bad_explain_says_what_it_may_be(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST, {"explain": "loud"}), status=400, kind="invalid-parameter")
    assert found["detail"] == "`explain` must be one of none, short, full."


def test_an_unknown_parameter_is_no_parameter(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST, {"limits": "5"}), status=400, kind="invalid-parameter")
    assert found["detail"] == f"There is no parameter `limits`. Known here: {KNOWN}."
    problem(api.get("/api/v1/catalogs", {"format": "xml"}), status=400, kind="invalid-parameter")


def test_a_parameter_given_twice_is_not_guessed_at(api: APIClient, films: Catalog) -> None:
    problem(api.get(f"{LIST}?limit=5&limit=6"), status=400, kind="invalid-parameter")


def test_more_parameters_than_are_read_are_refused(api: APIClient, films: Catalog) -> None:
    problem(api.get(f"{LIST}?{'&'.join(['exclude=f1'] * 2000)}"), status=400, kind="bad-request")


def test_all_wrong_parameters_are_named_at_once(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST, {"limit": "0", "explain": "", "x": ""}), status=400, kind="invalid-parameter")
    assert [error["parameter"] for error in found["errors"]] == ["x", "limit", "explain"]


def test_without_a_token_the_answer_says_how_to_send_one(client: APIClient, films: Catalog) -> None:
    answer = client.get(LIST)
    found = problem(answer, status=401, kind="no-token")
    assert "Authorization: Bearer" in found["detail"]
    assert answer["WWW-Authenticate"] == 'Bearer realm="R4Web"'


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer a b", "Basic dTpw", "Token abc", "Bearer r4_unknown", "Bearer \xff"]
)
def test_a_header_that_holds_no_known_key_is_refused(client: APIClient, films: Catalog, header: str) -> None:
    problem(client.get(LIST, headers={"Authorization": header}), status=401, kind="token-refused")


def test_a_revoked_token_is_refused_and_says_so(api: APIClient, films: Catalog, token: ApiToken) -> None:
    revoke(token)
    assert "was revoked on" in problem(api.get(LIST), status=401, kind="token-refused")["detail"]


def test_an_expired_token_is_refused_and_says_so(client: APIClient, films: Catalog) -> None:
    moment_ago = timezone.now() - timedelta(seconds=1)
    _, key = create_token("old", account=make_account(role=Role.PM), expires_at=moment_ago)
    answer = client.get(LIST, headers={"Authorization": f"Bearer {key}"})
    assert "expired on" in problem(answer, status=401, kind="token-refused")["detail"]


def test_a_closed_accounts_token_is_refused(api: APIClient, films: Catalog, token: ApiToken) -> None:
    token.created_by.is_active = False
    token.created_by.save(update_fields=["is_active"])
    assert "is closed" in problem(api.get(LIST), status=401, kind="token-refused")["detail"]


def test_a_session_opens_nothing_here(client: APIClient, films: Catalog) -> None:
    client.force_login(make_account(role=Role.LEAD))
    problem(client.get(LIST), status=401, kind="no-token")


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v2/catalogs", "/api/v1/catalogs/", "/api/v1/schema"])
def test_an_address_where_nothing_is_answers_in_json_without_a_token(client: APIClient, path: str) -> None:
    for method in (client.get, client.post, client.delete, client.options):
        assert "/api/v1/docs/" in problem(method(path), status=404, kind="unknown-path")["detail"]


def test_another_method_is_told_which_ones_there_are(api: APIClient, films: Catalog) -> None:
    answer = api.delete(LIST)
    found = problem(answer, status=405, kind="method-not-allowed")
    assert "Allowed here: GET" in found["detail"]
    assert "GET" in answer["Allow"]


def test_another_media_type_is_told_that_this_is_json(api: APIClient, films: Catalog) -> None:
    found = problem(api.get(LIST, headers={"Accept": "text/html"}), status=406, kind="not-acceptable")
    assert "application/json" in found["detail"]


def test_an_unknown_recommendation_is_named(api: APIClient) -> None:
    path = "/api/v1/recommendations/00000000-0000-0000-0000-000000000000"
    problem(api.get(path), status=404, kind="unknown-recommendation")
    problem(api.get("/api/v1/recommendations/one"), status=404, kind="unknown-path")


def test_a_failure_nobody_foresaw_is_json_too_and_tells_no_secrets(
    api: APIClient, films: Catalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> HttpResponse:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("recommender.api.v1.recommendations.recommend", fail)
    found = problem(api.get(LIST), status=500, kind="internal-error")
    assert "swordfish" not in json.dumps(found)
    assert "swordfish" in caplog.text


def test_no_answer_may_be_kept_for_others(api: APIClient, client: APIClient, films: Catalog) -> None:
    for answer in (api.post(LIST), client.get(LIST), api.get("/api/v1/catalogs"), api.get(LIST, {"limit": "0"})):
        assert answer["Cache-Control"] == "private, no-store"
    assert api.get(LIST)["Cache-Control"] == "private, no-cache"

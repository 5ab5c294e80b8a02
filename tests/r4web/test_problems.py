"""What answers where no view can."""

import errno
import json

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest
from django.test import Client, RequestFactory

from r4web import problems
from recommender.models import Role
from tests.builders import make_account


def test_a_foreign_host_is_refused_in_the_caller_s_own_language(client: Client) -> None:
    api = client.get("/api/v1/catalogs", SERVER_NAME="elsewhere.example")
    assert (api.status_code, api["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(api.content)["instance"] == "/api/v1/catalogs"
    page = client.get("/sign-in/", SERVER_NAME="elsewhere.example")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (400, "text/html")


def test_a_failure_outside_any_view_is_json_below_api_and_a_page_elsewhere(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object, request: HttpRequest) -> None:
        raise RuntimeError("swordfish")

    monkeypatch.setattr("django.middleware.security.SecurityMiddleware.process_request", fail)
    client = Client(raise_request_exception=False)
    api = client.get("/api/v1/catalogs")
    assert (api.status_code, api["Content-Type"]) == (500, "application/problem+json")
    assert "swordfish" not in api.content.decode()
    page = client.get("/sign-in/")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (500, "text/html")


def test_the_handlers_need_nothing_but_the_request() -> None:
    assert problems.server_error(RequestFactory().get("/api/")).status_code == 500


@pytest.fixture
def without_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr("recommender.accounts.sessions.SessionStore.load", fail)
    monkeypatch.setattr("recommender.accounts.tokens.ApiToken.objects.select_related", fail)
    monkeypatch.setattr("r4web.health.connection.cursor", fail)


@pytest.mark.django_db
@pytest.mark.usefixtures("without_database")
def test_a_database_that_is_away_is_503_and_says_when_to_ask_again() -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "x" * 32
    page = client.get("/rounds/")
    assert (page.status_code, page["Retry-After"], b"10.0.0.7" in page.content) == (503, "30", False)
    api = client.get("/api/v1/catalogs", headers={"Authorization": "Bearer r4_x"})
    assert (api.status_code, api["Retry-After"], api["Content-Type"]) == (503, "30", "application/problem+json")
    assert "10.0.0.7" not in client.get("/healthz/ready").content.decode()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("database or disk is full"), "The disk is full"),
        (OperationalError('could not extend file "base/16384/2619": No space left on device'), "The disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (OperationalError("database is locked"), "is busy"),
        (OperationalError("no such table: recommender_account"), "manage.py migrate"),
        (ProgrammingError('relation "recommender_account" does not exist'), "manage.py migrate"),
        (InterfaceError("connection already closed"), "does not answer"),
    ],
)
@pytest.mark.parametrize("path", ["/rounds/", "/api/v1/catalogs"])
def test_what_the_database_cannot_do_is_said_in_words(error: Exception, said: str, path: str) -> None:
    try:
        raise error
    except type(error):
        answer = problems.server_error(RequestFactory().get(path))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert said in answer.content.decode()
    assert str(error) not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/reviews/99999999999999999999/", "/rounds/9223372036854775808/", "/backbones/0/"])
def test_a_huge_or_unknown_number_is_no_page(address: str) -> None:
    client = Client()
    client.force_login(make_account("lena", role=Role.LEAD))
    assert client.get(address).status_code == 404


@pytest.mark.django_db
def test_opening_the_address_of_a_button_answers_in_words() -> None:
    client = Client()
    client.force_login(make_account("lena", role=Role.LEAD))
    answer = client.get("/rounds/1/retry/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "Nothing was changed" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz/live", "/healthz/ready", "/metrics"])
def test_whatever_a_probe_sends_wrongly_is_answered_in_json(address: str) -> None:
    strict = Client(raise_request_exception=False, enforce_csrf_checks=True)
    for method in ("post", "put", "delete"):
        answer = getattr(strict, method)(address)
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json"), method
        assert answer["Allow"] == "GET, HEAD"
        assert "Allowed here: GET, HEAD." in answer.json()["detail"]
    for elsewhere in ("/healthz", "/healthz/", f"{address}/"):
        unknown = strict.get(elsewhere)
        assert (unknown.status_code, unknown["Content-Type"]) == (404, "application/problem+json"), elsewhere
        assert unknown.json()["type"] == "urn:r4web:problem:unknown-path"
    foreign = strict.get(address, SERVER_NAME="elsewhere.example")
    assert (foreign.status_code, foreign["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("method", ["options", "head", "put", "patch", "delete", "trace"])
@pytest.mark.parametrize(
    "address", ["/api/v1/docs/", "/api/v1/schema/", "/api/v1/catalogs", "/api/", "/sign-in/", "/healthz/live"]
)
@pytest.mark.django_db
def test_no_method_breaks_an_address(method: str, address: str) -> None:
    assert getattr(Client(raise_request_exception=False), method)(address).status_code < 500

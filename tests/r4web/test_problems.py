"""What answers where no view can."""

import json

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from r4web import problems


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

    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", fail)
    client = Client(raise_request_exception=False)
    api = client.get("/api/v1/catalogs")
    assert (api.status_code, api["Content-Type"]) == (500, "application/problem+json")
    assert "swordfish" not in api.content.decode()
    page = client.get("/sign-in/")
    assert (page.status_code, page["Content-Type"].split(";")[0]) == (500, "text/html")


def test_the_handlers_need_nothing_but_the_request() -> None:
    assert problems.server_error(RequestFactory().get("/api/")).status_code == 500

"""Every address answers every method in words: a button's when it is opened, a page's when something is sent."""

import json
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from recommender.models import Role
from tests.builders import make_account

METHODS = ("get", "post", "put", "patch", "delete", "options", "trace")


def addresses(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        route = prefix + re.sub(r"<(?:\w+:)?(\w+)>", "1", str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route)
        elif isinstance(entry, URLPattern):
            yield re.sub(r"[\^$]|\.\*", "", route)


@pytest.mark.django_db
@pytest.mark.once
@pytest.mark.parametrize("htmx", [False, True])
def test_every_address_answers_every_method_in_words(htmx: bool) -> None:
    browser = Client(raise_request_exception=False, headers={"HX-Request": "true"} if htmx else {})
    browser.force_login(make_account("lena", role=Role.LEAD))
    refused = 0
    for address in addresses(get_resolver()):
        for method in METHODS[:1] if htmx else METHODS:
            if (method, address) == ("post", "/sign-out/"):
                continue
            answer = getattr(browser, method)(address)
            if answer.status_code != 405:
                continue
            refused += 1
            where = f"{method} {address}"
            assert answer["Allow"], where
            if address.startswith(("/api/", "/healthz/", "/metrics")):
                assert answer["Content-Type"] == "application/problem+json", where
                assert json.loads(answer.content)["detail"], where
            else:
                assert "Nothing was changed" in answer.content.decode(), where
    assert refused > (20 if htmx else 200)

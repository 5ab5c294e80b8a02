"""A small catalog with an opinion, and a client that may ask about it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts import tokens
from recommender.accounts.tokens import create_token
from recommender.models import ApiToken, Catalog, Item, Role
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item


@pytest.fixture(autouse=True)
def tokens_are_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a request takes as many queries however slow the machine is; test_tokens tests what is kept."""
    monkeypatch.setattr(tokens, "KEPT_FOR", 0.0)


NOT_AS_OTHERS = re.compile(r'"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?!Z)[^Z"]*)"')


@pytest.fixture(autouse=True)
def every_time_ends_in_z(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is answered: ISO 8601 in UTC, written in one way."""
    asked = APIClient.request

    def request(client: APIClient, **keywords: Any) -> Any:
        answer = asked(client, **keywords)
        is_json = not answer.streaming and "json" in answer.get("Content-Type", "")
        if is_json and not answer.has_header("Content-Encoding"):
            found = NOT_AS_OTHERS.findall(answer.content.decode())
            assert not found, f"{keywords.get('PATH_INFO')}: {found}"
        return answer

    monkeypatch.setattr(APIClient, "request", request)


@pytest.fixture
def films(db: None) -> Catalog:
    """Six films; u1 met the first two. Film n was met by n end users, and liked by all of them but Film 6."""
    catalog = make_catalog("films")
    items = [make_item(catalog, f"Film {n}", external_id=f"f{n}", genres=["Drama"]) for n in range(1, 7)]
    reader = make_end_user(catalog, "u1")
    for moment, item in enumerate(items[:2], start=1):
        make_interaction(reader, item, moment=moment)
    for n, item in enumerate(items, start=1):
        for other in range(n):
            rating = 1.0 if n == 6 else 5.0
            make_interaction(make_end_user(catalog, f"other-{n}-{other}"), item, rating=rating, moment=other + 1)
    return catalog


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD))[1]


@pytest.fixture
def token(key: str) -> ApiToken:
    return ApiToken.objects.get()


@pytest.fixture
def api(key: str) -> APIClient:
    """Sends the token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def recommendations(api: APIClient, films: Catalog) -> Callable[..., dict[str, Any]]:
    """An end user's list, asked for and logged; fails the test unless it comes."""

    def get(user_id: str = "u1", **asked: Any) -> dict[str, Any]:
        answer = api.post(f"/api/v1/catalogs/films/users/{user_id}/recommendations", asked, format="json")
        assert answer.status_code == 200, answer.json()
        return dict(answer.json())

    return get


@pytest.fixture
def item_ids(films: Catalog) -> set[str]:
    return set(Item.objects.filter(catalog=films).values_list("external_id", flat=True))

"""Exporting and erasing people over REST."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.api.v1.people import PersonSerializer
from recommender.models import Catalog, Role, TokenScope
from tests.builders import make_account

PERSON = "/api/v1/catalogs/films/users/u1"


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


def test_a_person_is_exported_erased_and_gone(
    api: APIClient, films: Catalog, recommendations: Callable[..., dict[str, Any]]
) -> None:
    served = recommendations()["recommendation_id"]
    exported = api.get(PERSON).json()
    assert (exported["user_id"], len(exported["ratings"]), len(exported["served_lists"])) == ("u1", 2, 1)
    assert set(exported) == set(PersonSerializer().fields)
    assert [one["met_at"] for one in exported["ratings"]] == ["1970-01-01T00:00:01Z", "1970-01-01T00:00:02Z"]

    answer = api.delete(PERSON)

    assert answer.status_code == 200, answer.json()
    assert answer.json()["counts"] == {"ratings": 2, "served lists": 1}
    assert answer["Cache-Control"] == "private, no-store"
    for again in (
        api.delete(PERSON),
        api.get(PERSON),
        api.get(f"{PERSON}/recommendations"),
        api.get(f"/api/v1/recommendations/{served}"),
    ):
        assert (again.status_code, again.json()["type"]) == (410, "urn:r4web:problem:erased")
    assert recommendations("other-1-0")["items"]


def test_an_item_is_erased(api: APIClient, recommendations: Callable[..., dict[str, Any]]) -> None:
    item = "/api/v1/catalogs/films/items/f3"
    assert "f3" in [one["item_id"] for one in recommendations()["items"]]

    assert api.delete(item).json()["counts"] == {"ratings": 3, "served lists": 1}

    assert "f3" not in [one["item_id"] for one in recommendations()["items"]]
    assert api.delete(item).status_code == 410
    assert api.delete("/api/v1/catalogs/films/items/f99").json()["type"] == "urn:r4web:problem:unknown-item"
    assert api.delete("/api/v1/catalogs/none/items/f1").json()["type"] == "urn:r4web:problem:unknown-catalog"


def test_it_takes_the_scope(films: Catalog) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token('x', account=make_account(role=Role.LEAD))[1]}")
    assert client.delete(PERSON).json()["type"] == "urn:r4web:problem:scope-missing"

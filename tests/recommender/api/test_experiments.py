"""Experiments over REST: written, started, read and stopped; lists name their variant, and so does a replay."""

import json
from typing import Any

import pytest
from django.test import Client

from recommender.accounts.tokens import create_token
from recommender.models import Account, Recommendation, TokenScope
from recommender.serving import variants
from tests.builders import make_account
from tests.recommender.experiments.conftest import nothing_kept  # noqa: F401
from tests.recommender.experiments.simulated import lived, shop

pytestmark = pytest.mark.django_db
BASE = "/api/v1/catalogs/films"
WRITTEN = {
    "key": "texts",
    "variants": [{"name": "with"}, {"name": "less", "weight": 3, "steering": 0.5}],
    "holdout": 0.1,
}


@pytest.fixture
def lead() -> Account:
    return make_account(role="lead")


def ask(client: Client, account: Account, method: str, path: str, body: Any = None, *, scopes: Any = None) -> Any:
    _, key = create_token("shop", account=account, scopes=scopes or list(TokenScope))
    sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    return getattr(client, method)(path, headers={"Authorization": f"Bearer {key}"}, **sent)


def test_one_is_written_started_read_and_stopped(client: Client, lead: Account) -> None:
    catalog = shop("films", people=12)
    made = ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN).json()
    assert (made["key"], made["state"], made["variants"][1]["weight"]) == ("texts", "draft", 3)
    assert ask(client, lead, "get", f"{BASE}/experiments/texts").json()["results"] is None
    assert ask(client, lead, "post", f"{BASE}/experiments/texts:start", {}).json()["state"] == "running"
    again = ask(client, lead, "post", f"{BASE}/experiments/texts:start", {})
    assert (again.status_code, again.json()["type"]) == (409, "urn:r4web:problem:experiment-not-started")

    catalog.refresh_from_db()
    lived(catalog, lambda *_: 0.5, seed=1)
    address = f"{BASE}/users/u00003/recommendations"
    read = ask(client, lead, "get", address).json()
    assert read["experiment"] == "texts"
    assert read["variant"] in ("with", "less", "holdout")
    assert read["recommendation_id"] is None
    kept = ask(client, lead, "post", address, {}).json()
    assert kept["variant"] == read["variant"]
    again = ask(client, lead, "get", f"/api/v1/recommendations/{kept['recommendation_id']}").json()
    assert (again["experiment"], again["variant"]) == ("texts", read["variant"])
    assert Recommendation.objects.filter(experiment__key="texts").count() == 13

    found = ask(client, lead, "get", f"{BASE}/experiments/texts").json()["results"]
    assert found["lists"] == 13
    assert found["waiting"] == 12
    assert [each["name"] for each in found["exposed"]] == ["with", "less", "holdout"]
    assert found["verdicts"][0]["code"] == "too_few"
    assert not found["verdicts"][0]["safe_to_stop"]
    assert ask(client, lead, "post", f"{BASE}/experiments/texts:stop", {}).json()["state"] == "stopped"
    assert ask(client, lead, "get", address).json()["variant"] is None
    listed = ask(client, lead, "get", f"{BASE}/experiments").json()["experiments"]
    assert [each["key"] for each in listed] == ["texts"]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"key": ""}, "key"),
        ({"key": "a b"}, "key"),
        ({"variants": [{"name": "a"}]}, "variants"),
        ({"variants": [{"name": "a"}, {"name": "b", "version": 3}]}, "variants"),
        ({"variants": [{"name": "a"}, {"name": "b", "wieght": 3}]}, "variants[1].wieght"),
        ({"holdout": 0.7}, "holdout"),
        ({"primary": "revenue"}, "primary"),
        ({"scenario": "nowhere"}, "scenario"),
    ],
)
def test_what_is_wrong_is_named(client: Client, lead: Account, change: dict[str, Any], parameter: str) -> None:
    shop("films", people=0)
    answer = ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN | change)
    assert answer.status_code == 400, answer.json()
    assert [each["parameter"] for each in answer.json()["errors"]] == [parameter]


def test_an_unknown_one_is_not_found(client: Client, lead: Account) -> None:
    shop("films", people=0)
    answer = ask(client, lead, "get", f"{BASE}/experiments/none")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:r4web:problem:unknown-experiment")


def test_pages_of_a_list_stay_with_its_variant(client: Client, lead: Account) -> None:
    shop("films", people=1)
    ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN | {"holdout": 0})
    ask(client, lead, "post", f"{BASE}/experiments/texts:start", {})
    address = f"{BASE}/users/u00000/recommendations"
    first = ask(client, lead, "get", f"{address}?limit=2").json()
    second = ask(client, lead, "get", f"{address}?limit=2&cursor={first['next_cursor']}").json()
    assert first["variant"] == second["variant"]
    ask(client, lead, "post", f"{BASE}/experiments/texts:stop", {})
    variants.KEPT.clear()
    assert ask(client, lead, "get", f"{address}?limit=2&cursor={first['next_cursor']}").json()["variant"] is None


def test_a_draft_cannot_be_stopped(client: Client, lead: Account) -> None:
    shop("films", people=1)
    ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN)
    here = f"{BASE}/experiments/texts"
    refused = ask(client, lead, "post", f"{here}:stop", {})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:r4web:problem:experiment-not-started")
    assert ask(client, lead, "get", here).json()["state"] == "draft"
    ask(client, lead, "post", f"{here}:start", {})
    for _ in range(2):  # stopping it again changes nothing
        assert ask(client, lead, "post", f"{here}:stop", {}).json()["state"] == "stopped"


def test_a_draft_is_deleted_and_its_key_is_free(client: Client, lead: Account) -> None:
    shop("films", people=1)
    here = f"{BASE}/experiments/texts"
    assert ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN).status_code == 200
    read_only = ask(client, lead, "delete", here, scopes=[TokenScope.EXPERIMENTS_READ])
    assert (read_only.status_code, read_only.json()["type"]) == (403, "urn:r4web:problem:scope-missing")
    assert ask(client, lead, "get", here, scopes=[TokenScope.EXPERIMENTS_READ]).status_code == 200
    assert ask(client, lead, "delete", here).json() == {"removed": 1}
    assert ask(client, lead, "delete", here).json()["type"] == "urn:r4web:problem:unknown-experiment"
    assert ask(client, lead, "post", f"{BASE}/experiments:write", WRITTEN).status_code == 200
    for action, state in ((":start", "running"), (":stop", "stopped")):
        assert ask(client, lead, "post", f"{here}{action}", {}).json()["state"] == state
        refused = ask(client, lead, "delete", here)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:r4web:problem:experiment-started")
        assert ask(client, lead, "get", here).json()["state"] == state

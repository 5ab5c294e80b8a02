"""Business rules over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.models import AuditEntry, Catalog, Role, Rule, TokenScope
from recommender.serving import catalog_index, rules
from tests.builders import make_account, make_catalog
from tests.recommender.api.test_problems import problem

RULES = "/api/v1/catalogs/films/rules"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for kept in (catalog_index.KEPT, rules.KEPT):
        kept.clear()


@pytest.fixture
def key(db: None) -> str:
    return create_token("tests", account=make_account("keeper", role=Role.LEAD), scopes=list(TokenScope))[1]


def put(api: APIClient, *wanted: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(RULES, {"rules": wanted}, format="json")
    assert answer.status_code == 200, answer.json()
    return dict(answer.json())


def test_rules_are_set_obeyed_named_listed_and_removed(api: APIClient, films: Catalog) -> None:
    made = put(
        api,
        {"kind": "pin", "item_id": "f3", "place": 1, "note": "Launch week"},
        {"kind": "out_of_stock", "item_id": "f5"},
        {"kind": "bury", "item_id": "f4", "scenario": "backbone"},
        {"kind": "bury", "item_id": "nothing"},
    )
    assert [rule["item_id"] for rule in made["rules"]] == ["f3", "f5", "f4"]
    assert [(one["index"], one["code"]) for one in made["rejected"]] == [(3, "unknown-item")]
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    answer = api.get(path).json()
    assert [item["item_id"] for item in answer["items"]] == ["f3", "f6", "f4"]
    (reason,) = answer["items"][0]["reasons"]
    pin = made["rules"][0]["rule_id"]
    assert reason == {"kind": "rule", "basis": "rule", "rule_id": pin, "rule": "pin", "text": "Launch week"}
    assert {notice["code"] for notice in answer["notices"]} == {"pinned", "buried", "out_of_stock", "fewer_items"}
    assert [rule["kind"] for rule in api.get(RULES).json()["rules"]] == ["pin", "out_of_stock", "bury"]
    assert api.delete(f"{RULES}/{pin}").json() == {"removed": 1}
    assert [item["item_id"] for item in api.get(path).json()["items"]] == ["f6", "f3", "f4"]
    assert api.delete(f"{RULES}/{pin}").json()["type"] == "urn:r4web:problem:unknown-rule"
    assert AuditEntry.objects.filter(event="rules_changed", account__username="keeper").count() == 2


def test_rules_of_items_are_removed_by_their_ids(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    put(
        api,
        {"kind": "out_of_stock", "item_id": "f4"},
        {"kind": "out_of_stock", "item_id": "f5"},
        {"kind": "bury", "item_id": "f5", "scenario": "backbone"},
        {"kind": "out_of_stock", "item_id": "f6"},
    )

    def remove(**wanted: Any) -> Any:
        return api.post(f"{RULES}:remove", wanted, format="json").json()

    assert remove(item_ids=["f4", "f5", "nothing"], kind="out_of_stock") == {"removed": 2}
    assert [(rule["kind"], rule["item_id"]) for rule in api.get(RULES).json()["rules"]] == [
        ("bury", "f5"),
        ("out_of_stock", "f6"),
    ]
    assert "f4" in [item["item_id"] for item in api.get(path).json()["items"]]
    assert remove(item_ids=["f5", "f6"], scenario="") == {"removed": 1}
    assert remove(item_ids=["f5"]) == {"removed": 1}
    assert remove(item_ids=["f5"]) == {"removed": 0}
    for wrong in (
        {},
        {"item_ids": "f5"},
        {"item_ids": ["f5"], "kind": "gone"},
        {"item_ids": [""]},
        {"item_ids": ["a\0b"]},
    ):
        assert remove(**wrong)["type"] == "urn:r4web:problem:invalid-parameter", wrong


def test_out_of_stock_holds_for_pages_that_were_begun_before(api: APIClient, films: Catalog) -> None:
    path = "/api/v1/catalogs/films/users/u1/recommendations"
    first = api.get(path, {"limit": 2}).json()
    put(api, {"kind": "out_of_stock", "item_id": "f6"})
    second = api.get(path, {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["item_id"] for item in second["items"]] == ["f3"]


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ({"kind": "pin", "item_id": "f3"}, "rules[0].place"),
        ({"kind": "bury", "item_id": "f3", "place": 2}, "rules[0].place"),
        ({"kind": "pin", "item_id": "f3", "place": 0}, "rules[0].place"),
        ({"kind": "pin", "item_id": "f3", "place": 101}, "rules[0].place"),
        ({"kind": "sell", "item_id": "f3"}, "rules[0].kind"),
        ({"kind": "bury"}, "rules[0].item_id"),
        ({"kind": "bury", "item_id": "f3", "scenario": "x"}, "rules[0].scenario"),
        ({"kind": "bury", "item_id": "f3", "until": "soon"}, "rules[0].until"),
        ({"kind": "bury", "item_id": "f3", "note": "x" * 201}, "rules[0].note"),
        ({"kind": "bury", "item_id": "f3", "why": "x"}, "rules[0].why"),
    ],
)
def test_a_rule_that_is_wrong_is_told_where(
    api: APIClient, films: Catalog, rule: dict[str, Any], parameter: str
) -> None:
    answer = api.post(RULES, {"rules": [rule]}, format="json")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    assert not Rule.objects.exists()


def test_a_rule_that_has_ended_already_is_refused_and_nothing_is_set(api: APIClient, films: Catalog) -> None:
    passed, to_come = (timezone.now() + timedelta(minutes=minutes) for minutes in (-1, 1))
    wanted = [{"kind": "bury", "item_id": name, "until": at} for name, at in (("f3", to_come), ("f4", passed))]
    found = problem(api.post(RULES, {"rules": wanted}, format="json"), status=422, kind="rule-ended")
    assert [error["parameter"] for error in found["errors"]] == ["rules[1].until"]
    assert not Rule.objects.exists()
    assert len(put(api, wanted[0])["rules"]) == 1


def test_a_rule_may_begin_later(api: APIClient, films: Catalog) -> None:
    at = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    wanted = {"kind": "bury", "item_id": "f3", "since": at, "until": at + timedelta(hours=1)}
    assert [rule["since"] for rule in put(api, wanted)["rules"]] == [f"{at:%Y-%m-%dT%H:%M:%SZ}"]
    found = problem(api.post(RULES, {"rules": [wanted | {"until": at}]}, format="json"), status=422, kind="rule-ended")
    assert [error["parameter"] for error in found["errors"]] == ["rules[0].until"]


def test_a_rule_goes_on_until_the_next_one_begins_and_says_when(api: APIClient, films: Catalog) -> None:
    at = f"{timezone.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    put(api, {"kind": "out_of_stock", "item_id": "f6"})
    made = put(api, {"kind": "pin", "place": 2, "item_id": "f6", "since": at})["rules"]
    assert [(rule["since"], rule["replaced_at"]) for rule in made] == [(at, None)]
    assert [(rule["kind"], rule["replaced_at"]) for rule in api.get(RULES).json()["rules"]] == [
        ("out_of_stock", at),
        ("pin", None),
    ]
    listed = api.get("/api/v1/catalogs/films/users/u1/recommendations").json()["items"]
    assert {item["item_id"] for item in listed} == {"f3", "f4", "f5"}


def test_rules_of_another_catalog_are_not_there(api: APIClient, films: Catalog) -> None:
    rule = put(api, {"kind": "bury", "item_id": "f3"})["rules"][0]["rule_id"]
    make_catalog("other")
    assert api.delete(f"/api/v1/catalogs/other/rules/{rule}").status_code == 404
    assert api.delete(f"{RULES}/{2**70}").status_code == 404
    assert Rule.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ([{"kind": "PIN", "item_id": "f3"}], "`rules[0].kind`: It must be one of pin, bury, out_of_stock."),
        ([{"item_id": "f3"}], "`rules[0].kind`: It is required: one of pin, bury, out_of_stock."),
        ([], "`rules`: It must be a list of 1 to 1000 entries."),
        (None, "`rules`: It must be a list of 1 to 1000 entries."),
    ],
)
def test_what_may_be_sent_instead_is_said(api: APIClient, films: Catalog, wanted: Any, said: str) -> None:
    answer = api.post(RULES, {"rules": wanted}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (400, said)

"""Version 1 stays: what a program relies on is not taken away."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recommender.api.compatible import broken

DOCS = Path(__file__).parents[3] / "docs"
LIST = "/api/v1/catalogs/{catalog}/users/{user_id}/recommendations"


@pytest.fixture(scope="module")
def now() -> Any:
    return yaml.safe_load((DOCS / "openapi.yaml").read_text())


def test_nothing_of_the_frozen_version_is_broken(now: Any) -> None:
    """`docs/openapi-v1.yaml` is version 1 as it was promised: it is replaced only where an addition is promised too."""
    assert broken(yaml.safe_load((DOCS / "openapi-v1.yaml").read_text()), now) == []


def get(schema: Any) -> Any:
    return schema["paths"][LIST]["get"]


def parameter(schema: Any, name: str) -> Any:
    return next(one for one in get(schema)["parameters"] if one["name"] == name)


def shape(schema: Any, name: str) -> Any:
    return schema["components"]["schemas"][name]


def without_path(schema: Any) -> None:
    del schema["paths"][LIST]


def without_post(schema: Any) -> None:
    del schema["paths"][LIST]["post"]


def without_parameter(schema: Any) -> None:
    get(schema)["parameters"].remove(parameter(schema, "limit"))


def with_demand(schema: Any) -> None:
    get(schema)["parameters"].append({"name": "x", "in": "query", "required": True, "schema": {"type": "string"}})


def with_fewer_values(schema: Any) -> None:
    parameter(schema, "explain")["schema"]["enum"].remove("short")


def with_smaller_limit(schema: Any) -> None:
    parameter(schema, "limit")["schema"]["maximum"] = 50


def with_another_scope(schema: Any) -> None:
    get(schema)["x-scope"] = "people:manage"


def without_member(schema: Any) -> None:
    del shape(schema, "Recommendations")["properties"]["source"]


def with_perhaps_a_member(schema: Any) -> None:
    shape(schema, "Recommendations")["required"].remove("source")


def with_another_type(schema: Any) -> None:
    shape(schema, "Recommendations")["properties"]["items"] = {"type": "string"}


def with_null(schema: Any) -> None:
    shape(schema, "Recommendations")["properties"]["user_id"]["nullable"] = True


def without_kind(schema: Any) -> None:
    del shape(schema, "Reason")["discriminator"]["mapping"]["history"]


def without_body_member(schema: Any) -> None:
    del shape(schema, "RecommendationsQuery")["properties"]["limit"]


def with_body_demand(schema: Any) -> None:
    shape(schema, "RecommendationsQuery").setdefault("required", []).append("limit")


BREAKING = [
    without_path, without_post, without_parameter, with_demand, with_fewer_values, with_smaller_limit,
    with_another_scope, without_member, with_perhaps_a_member, with_another_type, with_null, without_kind,
    without_body_member, with_body_demand,
]  # fmt: skip


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_a_program_is_found(now: Any, change: Callable[[Any], None]) -> None:
    changed = copy.deepcopy(now)
    change(changed)
    assert broken(now, changed)


def test_what_adds_breaks_nothing(now: Any) -> None:
    changed = copy.deepcopy(now)
    changed["paths"]["/api/v1/more"] = changed["paths"][LIST]
    get(changed)["parameters"].append({"name": "x", "in": "query", "schema": {"type": "string"}})
    parameter(changed, "explain")["schema"]["enum"].append("longer")
    parameter(changed, "limit")["schema"]["maximum"] = 500
    shape(changed, "Recommendations")["properties"]["more"] = {"type": "string"}
    shape(changed, "Recommendations")["properties"]["source"]["enum"].append("chance")
    assert broken(now, changed) == broken(now, now) == []

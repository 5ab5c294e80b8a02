"""The client against docs/openapi.yaml: it has every operation, and the very shapes."""

import ast
import inspect
import re
import typing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from r4web_client import AsyncClient, Client, answers, asked, calls, errors

from scripts import client_shapes
from tests.architecture.repository import ROOT

API: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
    if method in client_shapes.METHODS
}
SAMPLES: dict[str, Any] = {
    "catalog": "a b",
    "user_id": "ü/1",
    "item_id": "f?1",
    "recommendation_id": "0b1f4d3e-5a53-4a0f-8d6e-0f2f3a7c9c11",
    "dispute_id": "0b1f4d3e-5a53-4a0f-8d6e-0f2f3a7c9c12",
    "explanation_id": 7,
    "rule_id": 8,
    "statement_id": 9,
    "webhook_id": 10,
    "key": "x:1",
    "lines": b"{}",
}
IN_ADDRESSES = {"a b": "a%20b", "ü/1": "%C3%BC%2F1", "f?1": "f%3F1", "x:1": "x%3A1"}


def test_the_shapes_are_those_of_the_schema() -> None:
    """`python scripts/client_shapes.py` writes them anew."""
    for name, text in client_shapes.made(API).items():
        there = (client_shapes.FOLDER / name).read_text()
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(there)), f"{name}: run scripts/client_shapes.py"


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_is_called_as_the_schema_says(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    make = getattr(calls, name)
    taken = inspect.signature(make).parameters
    plain = [each for each, one in taken.items() if one.kind is not one.VAR_KEYWORD]
    call = make(**{each: SAMPLES.get(each, []) for each in plain})

    assert call.method == method.upper()
    assert call.path == re.sub(
        r"\{(\w+)\}", lambda found: IN_ADDRESSES.get(SAMPLES[found[1]], str(SAMPLES[found[1]])), path
    )
    assert ("Idempotency-Key" in call.headers) == (
        "Idempotency-Key" in {one["name"] for one in operation.get("parameters", ())}
    )
    assert call.repeatable == (method != "post" or "Idempotency-Key" in call.headers)
    hints = typing.get_type_hints(make)
    assert hints["return"] == calls.Call[getattr(answers, answered(operation))]
    wanted = [hint for each, hint in hints.items() if each not in ("return", *plain)]
    assert [typing.get_args(hint)[0] for hint in wanted] == shapes_of(name, operation)
    assert call.kept <= ("304" in operation["responses"])


def answered(operation: dict[str, Any]) -> str:
    content = operation["responses"][min(operation["responses"])]["content"]["application/json"]
    return str(content["schema"]["$ref"].rpartition("/")[2])


def shapes_of(name: str, operation: dict[str, Any]) -> list[type]:
    """What may be said by name: the query's parameters, or the body's members."""
    if any(one["in"] == "query" for one in operation.get("parameters", ())):
        return [getattr(asked, f"{client_shapes._camel(name)}Asked")]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {"schema": {}})
    body = content["schema"].get("$ref", "").rpartition("/")[2]
    return [getattr(asked, body)] if body and body not in client_shapes.TAKEN else []


def test_both_clients_have_every_operation_and_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(one).parameters) for name, one in found if not name.startswith("_")}

    assert methods(Client) == methods(AsyncClient)
    assert set(OPERATIONS) <= set(methods(Client))


def test_every_status_of_the_schema_has_an_error_of_its_own() -> None:
    statuses = {int(status) for *_, one in OPERATIONS.values() for status in one["responses"] if int(status) >= 400}
    said = {status: type(errors.problem(status, b"", retry_after=None)) for status in statuses}
    assert {status for status, kind in said.items() if kind is errors.InvalidError} == {400, 406, 413, 415, 422}
    assert errors.ProblemError not in said.values()


def test_a_time_is_sent_with_its_zone_or_not_at_all() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    sent = calls.send_events("a", [{"event_id": "1", "type": "like", "item_id": "f1", "user_id": "u1", "time": at}])
    assert b'"time":"2026-03-01T12:30:00+02:00"' in (sent.content or b"")
    assert ("as_of", "2026-03-01T12:30:00+02:00") in calls.recommend("a", "u1", as_of=at).query
    for make in (
        lambda: calls.recommend("a", "u1", as_of=datetime.fromisoformat("2026-03-01")),
        lambda: calls.redeliver_webhook("a", 1, since=datetime.fromisoformat("2026-03-01")),
    ):
        with pytest.raises(ValueError, match="names no zone"):
            make()
    with pytest.raises(TypeError, match="nothing that JSON has"):
        calls.send_items("a", [{"item_id": "1", "attributes": {"tags": {"a", "b"}}}])

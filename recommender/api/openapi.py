"""What the schema says beyond single addresses: which answer leads where, and that no body takes unknown members."""

from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "patch", "delete")
NEVER_EMPTY = ("NewStatementsShape", "PatchedCorrectionShape", "RedeliveriesRequest")  # which member, their views say
_CATALOG = {"catalog": "$request.path.catalog"}
_PERSON = {**_CATALOG, "user_id": "$request.path.user_id"}
_OF_LIST = {
    "replay_recommendation": {"recommendation_id": "$response.body#/recommendation_id"},
    "get_explanation": {"explanation_id": "$response.body#/user_explanation/explanation_id"},
    "dispute_explanation": {"explanation_id": "$response.body#/user_explanation/explanation_id"},
    "explain_item": {**_CATALOG, "item_id": "$response.body#/items/0/item_id"},
    "similar_items": {**_CATALOG, "item_id": "$response.body#/items/0/item_id"},
}
_NEXT_PAGE = {**_PERSON, "cursor": "$response.body#/next_cursor"}
_OF_TEXT = {
    "get_explanation": {"explanation_id": "$response.body#/explanation_id"},
    "dispute_explanation": {"explanation_id": "$response.body#/explanation_id"},
}
_SENT_ITEM = {**_CATALOG, "item_id": "$request.body#/items/0/item_id"}
_SENT_USER = {**_CATALOG, "user_id": "$request.body#/users/0/user_id"}
_FIRST_RULE = {**_CATALOG, "rule_id": "$response.body#/rules/0/rule_id"}

# operationId → operationId that its answer leads to → that one's parameters (OpenAPI 3.0.3, 4.7.20)
LINKS: dict[str, dict[str, dict[str, str]]] = {
    "list_catalogs": {"list_rules": {"catalog": "$response.body#/catalogs/0/name"}},
    "recommend": {"recommend": _NEXT_PAGE, **_OF_LIST},
    "recommend_and_log": {"recommend": _NEXT_PAGE, **_OF_LIST},
    "recommend_in_session": _OF_LIST,
    "recommend_batch": {
        "replay_recommendation": {"recommendation_id": "$response.body#/results/0/recommendations/recommendation_id"}
    },
    "similar_items": {"explain_item": {**_CATALOG, "item_id": "$response.body#/items/0/item_id"}},
    "explain_user": _OF_TEXT,
    "explain_item": _OF_TEXT,
    "get_explanation": {"dispute_explanation": _OF_TEXT["dispute_explanation"]},
    "dispute_explanation": {
        "get_dispute": {"dispute_id": "$response.body#/dispute_id"},
        "get_explanation": {"explanation_id": "$response.body#/explanation_id"},
    },
    "get_dispute": {"get_explanation": {"explanation_id": "$response.body#/explanation_id"}},
    "list_rules": {"remove_rule": _FIRST_RULE},
    "set_rules": {"list_rules": _CATALOG, "remove_rule": _FIRST_RULE},
    "send_items": {"similar_items": _SENT_ITEM, "explain_item": _SENT_ITEM, "erase_item": _SENT_ITEM},
    "send_users": {
        "recommend": _SENT_USER,
        "recommend_and_log": _SENT_USER,
        "export_person": _SENT_USER,
        "erase_person": _SENT_USER,
    },
}


def finished(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Hook of drf-spectacular: the whole schema, which is changed."""
    for operation in _operations(result):
        _link(operation)
        for parameter in operation.get("parameters", ()):
            _part(parameter)
        if "requestBody" in operation:
            _demand(operation["requestBody"], result["components"]["schemas"])
    return result


def _operations(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in result["paths"].values():
        yield from (path[method] for method in METHODS if method in path)


def _link(operation: dict[str, Any]) -> None:
    leads = LINKS.get(operation["operationId"])
    if leads:
        answered = min(operation["responses"])  # 200 or 201
        operation["responses"][answered]["links"] = {
            name: {"operationId": name, "parameters": parameters} for name, parameters in leads.items()
        }


def _part(parameter: dict[str, Any]) -> None:
    """Names in an address are parted by commas (parameters.NamesField)."""
    if parameter["in"] == "query" and "enum" in parameter["schema"].get("items", ()):
        parameter |= {"style": "form", "explode": False}


def _demand(body: dict[str, Any], known: dict[str, Any]) -> None:
    """Say of a body what it may not lack: itself, its only members, or any member at all."""
    for kind, content in body["content"].items():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name in NEVER_EMPTY:
            known[name]["minProperties"] = 1
        if name in NEVER_EMPTY or kind != "application/json":
            body["required"] = True
        _close(content["schema"], known)


def _close(schema: dict[str, Any], known: dict[str, Any]) -> None:
    """Say of every object with named members that it takes no others."""
    if "$ref" in schema:
        _close(known[schema["$ref"].rpartition("/")[2]], known)
    if "properties" in schema:
        schema["additionalProperties"] = False
        for each in schema["properties"].values():
            _close(each, known)
    if "items" in schema:
        _close(schema["items"], known)

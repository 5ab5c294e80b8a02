"""What is right or wrong by more than a schema can say: a case as schemathesis made it, set right."""

from typing import Any
from uuid import uuid4

import schemathesis

CATALOG = "films"  # of other catalogs there is nothing to say but 404
LONGEST_LISTS = 100  # entries of a list in an address: the web server itself refuses what takes 64 KiB
SCALE = (1.0, 5.0)  # the catalog's
MANY = ("send_events", "send_items", "send_users", "import_lines")  # one wrong entry keeps no other from being taken


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """A stream is any text to the schema."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def make_right(case: schemathesis.Case) -> None:
    """Only what is meant to be right: what is wrong stays as it is."""
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    query = case.query
    _grammatical(query, made_up=len(str(query.get("cursor", ""))) < 200)
    if "exclude" in query:
        query["exclude"] = query["exclude"][:LONGEST_LISTS]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f'"{uuid4()}"'  # the same one with another body is an error
    if isinstance(case.body, dict):
        case.body = _said(case.operation.definition.raw["operationId"], dict(case.body))


def _grammatical(asked: Any, *, made_up: bool) -> None:
    """A cursor is nobody's to make up; a filter has a grammar; this catalog's clock counts seconds."""
    if "cursor" in asked and made_up:
        del asked["cursor"]
    if "filter" in asked:
        asked["filter"] = ["genres:Drama", "-genres:War"][: max(1, len(asked["filter"]) % 3)]
    if str(asked.get("as_of", "T")).isdigit():
        asked["as_of"] = "2026-01-01T00:00:00Z"


def _said(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    _grammatical(body, made_up=True)
    if operation == "dispute_explanation":
        body.pop("statement_id", None)  # it must be of a statement of that text
    if operation == "set_rules":
        body["rules"] = [_placed(rule) for rule in body["rules"]]
    for told in (body, *body.get("entries", ())):
        for met in told.get("history", ()):
            if met.get("rating") is not None:
                met["rating"] = min(max(met["rating"], SCALE[0]), SCALE[1])
    return body


def _placed(rule: dict[str, Any]) -> dict[str, Any]:
    """A pin has a place, and no other rule has."""
    return {**rule, "place": (rule.get("place") or 1) if rule["kind"] == "pin" else None}

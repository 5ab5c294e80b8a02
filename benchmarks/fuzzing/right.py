"""What is right or wrong by more than a schema can say: a case as schemathesis made it, set right."""

from typing import Any
from uuid import uuid4

import schemathesis

CATALOG = "films"  # of other catalogs there is nothing to say but 404
LONGEST_LISTS = 20  # entries of a list in an address: the web server itself refuses what takes 64 KiB
SCALE = (1.0, 5.0)  # the catalog's
URL = "https://shop.example/webhooks"
RULE_TIMES = {"since": "2001-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}
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
    _grammatical(query, made_up=case.meta.phase.name.value != "stateful")  # there they come from answers
    if "exclude" in query:
        query["exclude"] = query["exclude"][:LONGEST_LISTS]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f'"{uuid4()}"'  # the same one with another body is an error
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = "*"  # an ETag is nobody's to make up
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
        body["rules"] = [_ruled(rule) for rule in body["rules"]]
    if operation in RIGHT:
        RIGHT[operation](body)
    for told in (body, *body.get("entries", ())):
        for met in told.get("history", ()):
            if met.get("rating") is not None:
                met["rating"] = min(max(met["rating"], SCALE[0]), SCALE[1])
    return body


def _ruled(rule: dict[str, Any]) -> dict[str, Any]:
    """A pin has a place, and no other rule has; a rule has begun, and where it ends, that is to come."""
    place = (rule.get("place") or 1) if rule["kind"] == "pin" else None
    times = {name: rule.get(name) and time for name, time in RULE_TIMES.items()}
    return {**rule, **times, "place": place}


def _stated(body: dict[str, Any]) -> None:
    """Words, or an aspect with what is thought of it; of what the catalog has."""
    if "text" in body:
        body["text"] = "I love dramas."
        body.pop("aspect", None)
        body.pop("polarity", None)
    else:
        body["polarity"] = body.get("polarity", "likes")
        body["aspect"] = _known(body.get("aspect") or [{"kind": "attribute"}])


def _corrected(body: dict[str, Any]) -> None:
    if "aspect" in body:
        body["aspect"] = _known(body["aspect"])


def _not_for_them(body: dict[str, Any]) -> None:
    """What goes with its reason, and with no other."""
    if body["reason"] == "aspect":
        body["aspect"] = _known(body.get("aspect") or [{"kind": "attribute"}])
    else:
        body.pop("aspect", None)
    if body["reason"] != "statement":
        body.pop("statement_id", None)


def _known(aspect: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words are any; of titles, years and values the catalog has some."""
    genre = {"kind": "attribute", "name": "genres", "value": "Drama"}
    return [each if each["kind"] == "phrase" and each["value"].split() else genre for each in aspect]


def _planned(body: dict[str, Any]) -> None:
    """A key of its own, and names; models are there or not; a list is mixed of two variants."""
    body["key"] = uuid4().hex
    many = 2 if body.get("kind") == "interleaved" else None
    body["variants"] = [
        {**variant, "name": f"v{place}", "version": None, "knowledge": True}
        for place, variant in enumerate(body["variants"][:many])
    ]


def _sent_again(body: dict[str, Any]) -> None:
    """One delivery or many."""
    if body.get("since") is None:
        body["delivery_id"] = body.get("delivery_id") or 1
    else:
        body.pop("delivery_id", None)


def _addressed(body: dict[str, Any]) -> None:
    if "url" in body:
        body["url"] = URL  # whole and public


RIGHT = {
    "say_statements": _stated,
    "correct_statement": _corrected,
    "not_for_me": _not_for_them,
    "write_experiment": _planned,
    "redeliver_webhook": _sent_again,
    "add_webhook": _addressed,
    "change_webhook": _addressed,
}

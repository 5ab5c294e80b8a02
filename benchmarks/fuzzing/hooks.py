"""What is right or wrong by more than a schema can say, set right before it is sent; what was answered, counted."""

import json
import os
import random
from pathlib import Path
from typing import Any
from uuid import uuid4

import schemathesis

LONGEST_ADDRESS = 60_000  # characters: the web server itself answers 414 to what is longer
SCALE = (1.0, 5.0)  # the catalog's
KNOWN = {"catalog": "films"}  # most requests are about it: of others there is nothing to say but 404
MOSTLY = 0.9
chance = random.Random(0)


@schemathesis.hook
def before_call(context: Any, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """`kwargs`: of requests, untouched."""
    if case.path_parameters and chance.random() < MOSTLY:
        case.path_parameters |= {name: each for name, each in KNOWN.items() if name in case.path_parameters}
    if case.meta is None or case.meta.generation.mode != schemathesis.GenerationMode.POSITIVE:
        return
    grammatical(case.query, linked="cursor" in case.query and len(str(case.query["cursor"])) > 200)
    if len(str(case.query.get("exclude", ""))) > LONGEST_ADDRESS:
        case.query["exclude"] = case.query["exclude"][:100]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f'"{uuid4()}"'  # the same one with another body is an error
    if isinstance(case.body, dict):
        case.body = said(case.operation.definition.raw["operationId"], dict(case.body))


def grammatical(asked: Any, *, linked: bool) -> None:
    """A cursor is nobody's to make up; a filter has a grammar; this catalog's clock counts seconds."""
    if "cursor" in asked and not linked:
        del asked["cursor"]
    if "filter" in asked:
        asked["filter"] = ["genres:Drama", "-genres:War"][: max(1, len(asked["filter"]) % 3)]
    if isinstance(asked.get("as_of"), int) or str(asked.get("as_of", "T")).isdigit():
        asked["as_of"] = "2026-01-01T00:00:00Z"


def said(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """A body as its schema has it, and as it is right."""
    grammatical(body, linked=False)
    if operation == "dispute_explanation":
        body.pop("statement_id", None)  # must be of a statement of that text
    if operation == "set_rules":
        body["rules"] = [placed(rule) for rule in body["rules"]]
    for told in (body, *body.get("entries", ())):
        for met in told.get("history", ()):
            if met.get("rating") is not None:
                met["rating"] = min(max(met["rating"], SCALE[0]), SCALE[1])
    return body


def placed(rule: dict[str, Any]) -> dict[str, Any]:
    """A pin has a place, and no other rule has."""
    return {**rule, "place": (rule.get("place") or 1) if rule["kind"] == "pin" else None}


@schemathesis.hook
def after_call(context: Any, case: schemathesis.Case, response: schemathesis.Response) -> None:
    phase = case.meta.phase.name.value if case.meta else ""
    row = [phase, case.operation.definition.raw["operationId"], response.status_code]
    with Path(os.environ["R4_FUZZING_CALLS"]).open("a") as calls:
        calls.write(f"{json.dumps(row)}\n")

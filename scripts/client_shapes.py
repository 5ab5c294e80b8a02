"""Write the Python client's shapes from docs/openapi.yaml: what is sent, and what is answered.

    python scripts/client_shapes.py

Choices of what is sent are Literal, and its times may be datetimes; what is answered may get new values later, so there
it is text.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "client" / "r4web_client"
METHODS = ("get", "post", "patch", "delete")
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
TAKEN = {"Events", "ItemEntries", "EndUserEntries", "RulesRequest"}  # the client makes these of lists
Schema = dict[str, Any]


def main() -> None:
    for name, text in made(yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())).items():
        (FOLDER / name).write_text(text)
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(FOLDER)], cwd=ROOT, check=True)


def made(api: Schema) -> dict[str, str]:
    """File → its text."""
    known = api["components"]["schemas"]
    operations = [path[method] for path in api["paths"].values() for method in METHODS if method in path]
    sent = [each for one in operations for each in _contents(one.get("requestBody", {}))]
    answered = [each for one in operations for answer in one["responses"].values() for each in _contents(answer)]
    queries = {
        f"{_camel(one['operationId'])}Asked": _query(one)
        for one in sorted(operations, key=lambda one: str(one["operationId"]))
        if _query(one)["properties"]
    }
    bodies = {name: known[name] for name in sorted(_reached(sent, known) - TAKEN)}
    answers = {name: known[name] for name in sorted(_reached(answered, known))}
    return {
        "asked.py": _file("What is sent", bodies | queries, choices=True),
        "answers.py": _file("What is answered", answers, choices=False),
    }


def _contents(holder: Schema) -> list[Schema]:
    return [content["schema"] for content in holder.get("content", {}).values()]


def _query(operation: Schema) -> Schema:
    asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    return {"properties": {one["name"]: one["schema"] for one in asked}, "required": []}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _reached(schemas: list[Schema], known: Schema) -> set[str]:
    """Names of components that these lead to."""
    found: set[str] = set()
    left = list(schemas)
    while left:
        for name in _references(left.pop()):
            if name not in found:
                found.add(name)
                left.append(known[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for name, each in node.items():
            if name != "discriminator":
                yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


def _file(what: str, schemas: Schema, *, choices: bool) -> str:
    typing = sorted({"Any", "NotRequired", "TypedDict"} | ({"Literal"} if choices else {"TypeAlias"}))
    blocks = [_block(name, schema, choices=choices) for name, schema in schemas.items()]
    blocks.sort(key=lambda block: " TypeAlias = " in block)  # classes first: an alias is read at once
    if not any("Any" in block for block in blocks):
        typing.remove("Any")
    of_time = "from datetime import datetime\n" if any("datetime" in block for block in blocks) else ""
    return (
        f'"""{what}. Made of docs/openapi.yaml by scripts/client_shapes.py; a test holds them equal."""\n\n'
        f"from __future__ import annotations\n\n{of_time}from typing import {', '.join(typing)}\n\n\n"
        + "\n\n\n".join(blocks)
        + "\n"
    )


def _block(name: str, schema: Schema, *, choices: bool) -> str:
    if "oneOf" in schema:
        return f"{name}: TypeAlias = {_type(schema, choices=choices)}"
    lines = [f"class {name}(TypedDict):"]
    for field, each in schema["properties"].items():
        kind = _type(each, choices=choices)
        lines.append(f"    {field}: {kind if field in schema.get('required', ()) else f'NotRequired[{kind}]'}")
    return "\n".join(lines)


def _type(schema: Schema, *, choices: bool) -> str:
    kind = _bare(schema, choices=choices)
    return f"{kind} | None" if schema.get("nullable") and kind != "Any" and not kind.startswith("Literal") else kind


def _bare(schema: Schema, *, choices: bool) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "allOf" in schema:
        return _bare(schema["allOf"][0], choices=choices)
    if "oneOf" in schema:
        return " | ".join(dict.fromkeys(_bare(each, choices=choices) for each in schema["oneOf"]))
    if "enum" in schema and choices:
        said = ", ".join("None" if value is None else f'"{value}"' for value in schema["enum"])
        return f"Literal[{said}]"
    if schema.get("format") == "date-time" and choices:
        return "str | datetime"
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'], choices=choices)}]"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {_type(values, choices=choices) if values else 'Any'}]"
    return PLAIN.get(schema.get("type", ""), "Any")


if __name__ == "__main__":
    main()

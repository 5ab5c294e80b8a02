"""Hold an answer to a JSON schema, as `response_format` asks.

The models' answers have a few named parts (`judgement`, `reflection`, `text`, `statements`), which are put where the
schema has a place for them. A schema they cannot fill is refused, never answered with something else.
"""

from collections.abc import Mapping
from typing import Any

from worker.endpoint.errors import invalid

KNOWN = {"type", "properties", "required", "additionalProperties", "enum", "const", "items", "maxLength"}
NOTES = {"title", "description", "default", "$schema", "examples"}


def fill(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """A value that the schema allows, made of the answer's parts. Raises ApiError (400) when there is none."""
    return _value(schema, parts, name="", path="schema")


def _value(schema: object, parts: Mapping[str, Any], *, name: str, path: str) -> Any:
    if not isinstance(schema, Mapping):
        raise _refused(path, "is not an object")
    if unknown := schema.keys() - KNOWN - NOTES:
        raise _refused(path, f"uses {', '.join(sorted(map(str, unknown)))}")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _choice(schema["enum"], parts, name, path)
    match schema.get("type"):
        case "object":
            return _object(schema, parts, path)
        case "string":
            texts = [part for part in parts.values() if isinstance(part, str)]
            text = parts.get(name) or max(texts, key=len, default="")
            return text[: schema.get("maxLength", len(text))]
        case "boolean" if "judgement" in parts:
            return parts["judgement"] == "reasonable"
        case "array" if isinstance(parts.get(name), list):
            items = schema.get("items", {"type": "string"})
            return [_value(items, _parts_of(part), name="", path=f"{path}.items") for part in parts[name]]
        case "array":
            return [_value(schema.get("items", {"type": "string"}), parts, name=name, path=f"{path}.items")]
        case other:
            raise _refused(path, f"asks for type {other!r}")


def _object(schema: Mapping[str, Any], parts: Mapping[str, Any], path: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    missing = [name for name in schema.get("required", []) if name not in properties]
    if missing or not isinstance(properties, Mapping):
        raise _refused(path, f"requires undescribed {', '.join(map(str, missing))}")
    return {name: _value(part, parts, name=name, path=f"{path}.{name}") for name, part in properties.items()}


def _parts_of(part: Any) -> Mapping[str, Any]:
    """An entry of a list as parts: keywords are texts alone, statements have parts."""
    return part if isinstance(part, Mapping) else {"": part}


def _choice(options: object, parts: Mapping[str, Any], name: str, path: str) -> Any:
    known = [parts[name]] if name in parts else [*parts.values()]
    chosen = [option for option in options if option in known] if isinstance(options, list) else []
    if not chosen:
        raise _refused(path, "offers no choice that fits the answer")
    return chosen[0]


def _refused(path: str, why: str) -> Exception:
    message = f"The demonstration models cannot fill this JSON schema: {path} {why}."
    return invalid(message, param="response_format", code="unsupported_schema")

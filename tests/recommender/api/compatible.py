"""Whether a program that was written against one OpenAPI description works with another. Pure.

What is sent may only be allowed more, what is answered may only promise more. Answers may name new values where there
is a choice, and have new members: programs are told to expect them (docs/api.md).
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
LEAST, MOST = ("minimum", "minLength", "minItems"), ("maximum", "maxLength", "maxItems")


def broken(old: Schema, new: Schema) -> list[str]:
    """What a program of the old description cannot rely on in the new one, each as a sentence; empty where nothing."""
    return sorted(set(_broken(old, new)))


def _broken(old: Schema, new: Schema) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method in METHODS:
            if method in operations:
                name = f"{method.upper()} {path}"
                now = new["paths"].get(path, {}).get(method)
                if now is None:
                    yield f"{name} is gone."
                else:
                    yield from _operation(name, operations[method], now, old, new)


def _operation(name: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    if old.get("x-scope") != new.get("x-scope"):
        yield f"{name} needs another scope."
    before, now = (
        {(one["name"], one["in"]): one for one in each.get("parameters", ()) if one["in"] != "header"}
        for each in (old, new)
    )
    for key, parameter in before.items():
        if key not in now:
            yield f"{name} takes no {key[0]} any more."
            continue
        if now[key].get("required") and not parameter.get("required"):
            yield f"{name} demands {key[0]}."
        yield from _sent(f"{name} {key[0]}", parameter["schema"], now[key]["schema"], old_root, new_root)
    for key, parameter in now.items():
        if key not in before and parameter.get("required"):
            yield f"{name} demands {key[0]}."
    yield from _body(name, old, new, old_root, new_root)
    for status, answer in old["responses"].items():
        later = new["responses"].get(status)
        if later is None:
            yield f"{name} answers no {status} any more."
            continue
        for kind, content in answer.get("content", {}).items():
            if kind not in later.get("content", {}):
                yield f"{name} {status} is no {kind} any more."
            else:
                there = later["content"][kind]["schema"]
                yield from _answered(f"{name} {status}", content["schema"], there, old_root, new_root, frozenset())


def _body(name: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    before, now = (each.get("requestBody", {}).get("content", {}) for each in (old, new))
    if new.get("requestBody", {}).get("required") and not old.get("requestBody", {}).get("required"):
        yield f"{name} demands a body."
    for kind, content in before.items():
        if kind not in now:
            yield f"{name} takes no {kind} any more."
        else:
            yield from _sent(f"{name} body", content["schema"], now[kind]["schema"], old_root, new_root)


def _sent(place: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    """What was allowed to be sent is allowed still."""
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if not _types(old) <= _types(new):
        yield f"{place} may not be {', '.join(sorted(_types(old) - _types(new)))} any more."
    if "enum" in new and not set(map(str, old.get("enum", ["anything"]))) <= set(map(str, new["enum"])):
        yield f"{place} may be less than before."
    for name in LEAST:
        if new.get(name, float("-inf")) > old.get(name, float("-inf")):
            yield f"{place} has a greater {name}."
    for name in MOST:
        if new.get(name, float("inf")) < old.get(name, float("inf")):
            yield f"{place} has a smaller {name}."
    if extra := set(new.get("required", ())) - set(old.get("required", ())):
        yield f"{place} demands {', '.join(sorted(extra))}."
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{place} takes no {name} any more."
        else:
            yield from _sent(f"{place}.{name}", part, new["properties"][name], old_root, new_root)
    if "items" in old and "items" in new:
        yield from _sent(f"{place}[]", old["items"], new["items"], old_root, new_root)


def _answered(
    place: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema, seen: frozenset[str]
) -> Iterator[str]:
    """What was promised is promised still. `seen`: references on the way here, since descriptions may be circular."""
    reference = old.get("$ref", "")
    if reference in seen:
        return
    seen = seen | {reference} if reference else seen
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if not _types(new) <= _types(old):
        yield f"{place} may be {', '.join(sorted(_types(new) - _types(old)))} now."
    if gone := set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{place} no longer always has {', '.join(sorted(gone))}."
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{place} has no {name} any more."
        else:
            yield from _answered(f"{place}.{name}", part, new["properties"][name], old_root, new_root, seen)
    if "items" in old and "items" in new:
        yield from _answered(f"{place}[]", old["items"], new["items"], old_root, new_root, seen)
    for name, reference in old.get("discriminator", {}).get("mapping", {}).items():
        later = new.get("discriminator", {}).get("mapping", {})
        if name not in later:
            yield f"{place} has no kind {name} any more."
        else:
            there = {"$ref": later[name]}
            yield from _answered(f"{place}<{name}>", {"$ref": reference}, there, old_root, new_root, seen)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """With its reference followed, and one that only wraps another (allOf of one) laid open; null stays with it."""
    also: dict[str, Any] = {}
    while "$ref" in schema or ("allOf" in schema and len(schema["allOf"]) == 1):
        if schema.get("nullable"):
            also["nullable"] = True
        if "$ref" in schema:
            found: Any = root
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = found
        else:
            schema = schema["allOf"][0]
    return {**schema, **also}


def _types(schema: Schema) -> set[str]:
    kinds = schema.get("type", ())
    found = {kinds} if isinstance(kinds, str) else set(kinds)
    for each in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= _types(each) if "$ref" not in each else {"object"}
    return found | ({"null"} if schema.get("nullable") else set())

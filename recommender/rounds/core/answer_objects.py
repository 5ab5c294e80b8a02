"""Read JSON answers: the object that an answer is or holds, and the judgement in it however its keys are spelt."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_NO_KEY = re.compile(r"[\s_-]|final|overall|judge?ment")


def whole_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the answer is, perhaps in a list of its own, with nothing before or after it."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found if isinstance(found, dict) else None


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object at the outermost level; at most 20 starts are tried. Nothing is looked for in a broken one."""
    decoder, start = json.JSONDecoder(strict=False), text.find("{")
    for _ in range(20):
        if start < 0:
            return
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if re.match(r'\{\s*"', text[start:]):
                return  # an object that was cut off or is broken: what is inside it is not its end
            end = start + 1
        else:
            if isinstance(found, dict):
                yield found
        start = text.find("{", end)


def judgement_and_critique(found: Mapping[str, Any]) -> tuple[str, str] | None:
    """An object's judgement and critique, also where they lie in an object of their own."""
    if len(found) == 1 and isinstance(inner := next(iter(found.values())), dict):
        found = inner
    fields = {_NO_KEY.sub("", key.lower()): value for key, value in found.items()}
    if isinstance(inner := fields.get("", fields.get("verdict")), dict):
        fields |= {_NO_KEY.sub("", key.lower()): value for key, value in inner.items()}
    names = ("", "verdict", "reasonable", "isreasonable")
    judgement = next((said for name in names if (said := _judgement(fields.get(name))) is not None), None)
    critique = _text(fields.get("reflection", fields.get("critique", "")))
    return None if judgement is None else (judgement, critique)


def _judgement(value: object) -> str | None:
    if isinstance(value, bool):
        return "reasonable" if value else "not reasonable"
    return value if isinstance(value, str) else None


def _text(value: object) -> str:
    """A string as it is; what a list or an object says, a line each."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(f"- {line}" for each in value if (line := _line(each)))
    if isinstance(value, dict):
        return "\n".join(f"- {key}: {line}" for key, each in value.items() if (line := _line(each)))
    return ""


def _line(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {line}" for key, each in value.items() if (line := _line(each)))
    if isinstance(value, list):
        return "; ".join(filter(None, map(_line, value)))
    return "" if value is None else str(value).strip()

"""What an endpoint sent, read as people's servers write it: not always as the protocol says. Pure: no network.

A completion is looked for in every place where some server puts it; what cannot be found is an UnreadableError, whose
message says why. Figures are clean: whole numbers from 0 to what every database holds.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_DEPTH = 6  # of nested parts that a text is gathered from
MOST_TOKENS = 2**31 - 1
LEAST_LOGPROB = -9999.0
_STREAMED = re.compile(r"^data:[ ]?(.*)$", re.MULTILINE)


class UnreadableError(Exception):
    """It is no completion. `status`: the HTTP status that the endpoint put inside its answer, or 0."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Completion:
    """The first choice. `finish_reason`: "stop", "length", "refusal", "content_filter", "tool_calls", or as it says.

    `first_tokens`: the logarithms of probability of what may stand first in the answer, where the endpoint tells them.
    """

    text: str
    finish_reason: str
    model: str = ""
    id: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompt's, those that the endpoint had read before
    completion_tokens: int = 0
    first_tokens: dict[str, float] = field(default_factory=dict)


def completion(body: bytes) -> Completion:
    """Read the body of a 200. Raises UnreadableError."""
    text = body.decode("utf-8-sig", "replace").strip()
    found = _streamed(text) if text.startswith(("data:", "event:", ":")) else _parsed(text)
    if not isinstance(found, Mapping):
        raise UnreadableError("it is not an object")
    choices = found.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, Mapping):
        if error := found.get("error") or found.get("detail"):
            raise UnreadableError(said(error) or "an error without words", status=status_in(error))
        raise UnreadableError("it has no choice")
    usage = found.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else usage.get("prompt_cache_hit_tokens")
    prompt_tokens = _count(usage.get("prompt_tokens"))
    answer, finish_reason = _answer(first)
    return Completion(
        text=answer,
        finish_reason=finish_reason,
        model=_short(found.get("model")),
        id=_short(found.get("id")),
        prompt_tokens=prompt_tokens,
        cached_tokens=min(_count(cached), prompt_tokens),
        completion_tokens=_count(usage.get("completion_tokens")),
        first_tokens=_first_tokens(first.get("logprobs")),
    )


def _first_tokens(told: object) -> dict[str, float]:
    """Of the first place of an answer, as chat completions tell it and as older completions do."""
    first = _first(_part(told, "content"))
    listed = _part(first, "top_logprobs") or _first(_part(told, "top_logprobs"))
    pairs = list(listed.items()) if isinstance(listed, Mapping) else []
    for each in [first, *(listed if isinstance(listed, list) else [])]:
        pairs.append((_part(each, "token"), _part(each, "logprob")))
    return {
        token: max(min(float(value), 0.0), LEAST_LOGPROB)
        for token, value in pairs
        if isinstance(token, str) and isinstance(value, int | float) and not isinstance(value, bool) and value == value
    }


def _part(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else None


def said(value: object, depth: int = 0) -> str:
    """An endpoint's own words about an error, wherever its body has them; empty where it has none."""
    if isinstance(value, str):
        return " ".join(value.split())
    if depth > MOST_DEPTH:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (said(part, depth + 1) for part in value[:5])))
    if not isinstance(value, Mapping):
        return ""
    words = next(filter(None, (said(value.get(key), depth + 1) for key in ("message", "msg", "error", "detail"))), "")
    where = value.get("loc")
    place = ".".join(str(part) for part in where) if isinstance(where, list) else ""
    metadata = value.get("metadata")
    cause = said(metadata.get("raw"), depth + 1) if isinstance(metadata, Mapping) else ""
    return ": ".join(filter(None, (place, words, cause)))


def status_in(error: object) -> int:
    """The HTTP status that an error object names as its code; 0 where it names none."""
    value = error.get("code") or error.get("status") if isinstance(error, Mapping) else None
    try:
        number = int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0
    return number if 400 <= number <= 599 else 0


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deep") from None
    except ValueError:
        pass
    if not text:
        raise UnreadableError("it is empty")
    if text[0] in "{[":
        raise UnreadableError(f"it is cut off or broken JSON: {text[-80:]!r} is its end")
    raise UnreadableError(f"it is not JSON: {text[:80]!r}")


def _streamed(text: str) -> dict[str, Any]:
    """One completion of the chunks of an answer that was streamed although nobody asked for that."""
    chunks = [_parsed(line) for line in _STREAMED.findall(text) if line.strip() not in ("", "[DONE]")]
    known = [chunk for chunk in chunks if isinstance(chunk, dict)]
    pieces: list[str] = []
    finish, whole = None, dict[str, Any]()
    for chunk in known:
        whole |= {name: value for name, value in chunk.items() if value is not None}
        for choice in filter(lambda each: isinstance(each, dict), chunk.get("choices") or []):
            pieces.append(_answer(choice)[0])
            finish = choice.get("finish_reason") or finish
    if pieces:
        whole["choices"] = [{"message": {"content": "".join(pieces)}, "finish_reason": finish}]
    return whole


def _answer(choice: Mapping[str, Any]) -> tuple[str, str]:
    """The text, and why it ends. A text that stands where thinking belongs is the answer, if there is no other."""
    message = choice.get("message") or choice.get("delta") or {}
    message = message if isinstance(message, Mapping) else {"content": message}
    finish = str(choice.get("finish_reason") or "stop")
    text = _text(message.get("content")) or _text(choice.get("text"))
    if text.strip():
        return text, finish
    if refusal := _text(message.get("refusal")):
        return refusal, "refusal"
    if calls := message.get("tool_calls") or message.get("function_call"):
        return json.dumps(calls, ensure_ascii=False), "tool_calls"
    return _text(message.get("reasoning_content")) or _text(message.get("reasoning")), finish


def _text(value: object, depth: int = 0) -> str:
    """A text, a list of parts that have one, or a value that the model gave instead; thinking parts are left out."""
    if isinstance(value, str):
        return value
    if value is None or depth > MOST_DEPTH:
        return ""
    if isinstance(value, list):
        return "".join(_text(part, depth + 1) for part in value)
    if isinstance(value, Mapping):
        if value.get("type") in ("thinking", "reasoning", "redacted_thinking"):
            return ""
        if "text" in value or "content" in value:
            return _text(value.get("text") or value.get("content"), depth + 1)
    return json.dumps(value, ensure_ascii=False)


def _count(value: object) -> int:
    """A whole number from 0 to MOST_TOKENS; 0 for what is none."""
    told = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
    return min(int(value), MOST_TOKENS) if told else 0  # type: ignore[call-overload]


def _short(value: object) -> str:
    return str(value)[:200] if isinstance(value, str | int) else ""

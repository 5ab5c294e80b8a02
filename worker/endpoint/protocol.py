"""The chat-completions protocol: read a request, shape an answer. No network here."""

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from worker.endpoint import demonstration, structured
from worker.endpoint.errors import ApiError, invalid

OWNER = "r4web-demonstration"
REFUSED = ("tools", "functions", "logprobs", "audio")  # asking for these and not getting them would go unnoticed
PIECE = 4  # words in one streamed chunk
_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question. The models are deterministic: of the sampling parameters only a seed changes a first draft, and
    only at a temperature above 0 (`variation`)."""

    model: str
    messages: list[Mapping[str, object]]
    stream: bool
    include_usage: bool
    max_tokens: int | None
    json_mode: bool
    schema: Mapping[str, Any] | None
    variation: str = ""

    @classmethod
    def parse(cls, body: object) -> Self:
        """Raise ApiError: 400 for a malformed request, 404 for a model that is not here."""
        if not isinstance(body, dict):
            raise invalid("The request body must be a JSON object.")
        model = body.get("model")
        if model not in demonstration.MODELS:
            raise unknown_model(model)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise invalid("messages must be a list of at least one message.", param="messages")
        if body.get("n") not in (None, 1):
            raise invalid("n must be 1: every choice would be the same text.", param="n")
        for name in REFUSED:
            if body.get(name):
                raise invalid(
                    f"The demonstration models do not support {name}.", param=name, code="unsupported_parameter"
                )
        options = body.get("stream_options")
        form = body.get("response_format") or {"type": "text"}
        if not isinstance(form, dict):
            raise invalid("response_format must be an object.", param="response_format")
        return cls(
            model=str(model),
            messages=messages,
            stream=body.get("stream") is True,
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            max_tokens=_limit(body),
            json_mode=form.get("type") in ("json_object", "json_schema"),
            schema=_schema(form),
            variation=_variation(body),
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer, ready to be sent whole or in pieces."""

    id: str
    created: int
    model: str
    text: str
    finish_reason: str
    usage: dict[str, int]

    def body(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": self.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        return self._envelope("chat.completion", [choice]) | {"usage": self.usage}

    def chunks(self, *, include_usage: bool) -> Iterator[dict[str, Any]]:
        """Server-sent chunks: the role, a few words at a time, the reason for ending, and the usage if asked for."""
        yield self._chunk({"role": "assistant", "content": ""})
        for words in re.findall(rf"(?:\s*\S+){{1,{PIECE}}}\s*", self.text):
            yield self._chunk({"content": words})
        yield self._chunk({}, finish_reason=self.finish_reason)
        if include_usage:
            yield self._envelope("chat.completion.chunk", []) | {"usage": self.usage}

    def _chunk(self, delta: dict[str, str], *, finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return self._envelope("chat.completion.chunk", [choice])

    def _envelope(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": OWNER,
            "choices": choices,
        }


def complete(request: ChatRequest) -> Completion:
    """Let the model answer. Tokens are counted as words and punctuation marks."""
    reply = demonstration.reply(request.model, request.messages, variation=request.variation)
    text = reply.text
    if request.json_mode:
        value = reply.parts if request.schema is None else structured.fill(request.schema, reply.parts)
        text = json.dumps(value, ensure_ascii=False)
    tokens = _TOKEN.findall(text)
    finish_reason = "stop"
    if request.max_tokens is not None and len(tokens) > request.max_tokens:
        tokens, finish_reason = tokens[: request.max_tokens], "length"
        text = "".join(tokens)
    asked = sum(len(_TOKEN.findall(str(message.get("content", "")))) for message in request.messages)
    return Completion(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=request.model,
        text=text,
        finish_reason=finish_reason,
        usage={"prompt_tokens": asked, "completion_tokens": len(tokens), "total_tokens": asked + len(tokens)},
    )


def model_card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": OWNER, "description": demonstration.LABEL}


def unknown_model(name: object) -> ApiError:
    known = ", ".join(demonstration.MODELS)
    message = f"The model {name!r} does not exist; this endpoint has {known}."
    return ApiError(404, message, param="model", code="model_not_found")


def _limit(body: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise invalid(f"{name} must be a whole number above 0.", param=name)
        return limit
    return None


def _variation(body: Mapping[str, Any]) -> str:
    seed, temperature = body.get("seed"), body.get("temperature")
    drawn = isinstance(temperature, (int, float)) and temperature > 0
    return str(seed) if drawn and isinstance(seed, int) else ""


def _schema(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    kind = form.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid("response_format.type must be text, json_object or json_schema.", param="response_format")
    if kind != "json_schema":
        return None
    holder = form.get("json_schema")
    schema = holder.get("schema") if isinstance(holder, dict) else None
    if not isinstance(schema, dict):
        raise invalid("response_format.json_schema.schema must be an object.", param="response_format")
    return schema

"""What the model at an endpoint takes and refuses, as this process has learnt from its answers.

Endpoints differ: one knows no `max_tokens`, another takes no temperature, a third has no system role. Each refusal is
paid for once. What to do about it is decided here, from the endpoint's words alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")  # newer models know the second
SAMPLED_BY = ("seed", "top_p", "temperature", *TOKEN_LIMITS)  # parameters that an answer can do without
_ABOUT_SCHEMA = re.compile(r"response_format|json.?schema|structured.?output|guided|grammar", re.IGNORECASE)
_ABOUT_ROLES = re.compile(
    r"system (?:role|message|prompt)s?\b.{0,40}(?:not|n't|unsupported)"
    r"|(?:unsupported|invalid|unknown) role.{0,20}system"
    r"|only user and assistant roles|roles? must alternate|does(?: not|n't) support (?:the )?system",
    re.IGNORECASE,
)
_ABOUT_LENGTH = re.compile(r"context.?(?:length|window|size)|too (?:long|many tokens)|reduce the length", re.IGNORECASE)

Messages = Sequence[Mapping[str, str]]


@dataclass(slots=True)
class Learned:
    """What is known of one model at one address; changed as its answers tell.

    `holds_schema`: whether it holds JSON schemas, None before it was asked. `unproven`: a request with a schema was
    refused without a word about it, and the same without one will tell.
    """

    holds_schema: bool | None = None
    unproven: bool = False
    token_limit: str = TOKEN_LIMITS[0]
    refused: set[str] = field(default_factory=set)
    folds_system: bool = False

    def parameters(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Of what a role's settings ask for, what this model takes, by the names it knows. What is None is not sent."""
        named = {self.token_limit if name == "max_tokens" else name: value for name, value in wanted.items()}
        return {name: value for name, value in named.items() if value is not None and name not in self.refused}

    def messages(self, messages: Messages) -> list[dict[str, str]]:
        """As this model takes them."""
        return folded(messages) if self.folds_system else [dict(message) for message in messages]

    def refuses(self, said: str, parameter: str, *, sent: Mapping[str, Any], with_system: bool) -> str:
        """Learn from a refusal (400, 422) what to leave out, and say it; empty where it is about something else.

        Of several requests under way each may be refused for the same: each learns it, and is made anew.

        `said`: the endpoint's words; `parameter`: which one it names as data, if it does.
        """
        if with_system and _ABOUT_ROLES.search(said):
            self.folds_system = True
            return "the instructions go into the first message"
        if _ABOUT_LENGTH.search(said):
            return ""
        named = [name for name in SAMPLED_BY if name in sent and (name == parameter or _names(said, name))]
        if not named:
            return ""
        name = parameter if parameter in named else named[0]
        other = TOKEN_LIMITS[1 - TOKEN_LIMITS.index(name)] if name in TOKEN_LIMITS else ""
        if other and _names(said, other) and other not in self.refused:
            self.token_limit = other
            self.refused.add(name)
            return f"{other} is sent instead of {name}"
        self.refused.add(name)
        return f"{name} is not sent"


def folded(messages: Messages) -> list[dict[str, str]]:
    """For a model without a system role: its instructions begin the first message."""
    told = [dict(message) for message in messages]
    if len(told) < 2 or told[0]["role"] != "system":
        return told
    told[1]["content"] = f"{told[0]['content']}\n\n{told[1]['content']}"
    return told[1:]


def about_schema(said: str) -> bool:
    return _ABOUT_SCHEMA.search(said) is not None


def about_length(said: str) -> bool:
    return _ABOUT_LENGTH.search(said) is not None


def _names(said: str, name: str) -> bool:
    return re.search(rf"(?<![\w]){name}(?![\w])", said, re.IGNORECASE) is not None


_learned: dict[tuple[str, str], Learned] = {}


def about(base_url: str, model: str) -> Learned:
    return _learned.setdefault((base_url, model), Learned())


def forget() -> None:
    """Ask every endpoint anew: another server may listen at an address by now."""
    _learned.clear()

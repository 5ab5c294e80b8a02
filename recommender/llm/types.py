"""What is asked of an endpoint and what it answers. Pure: no Django, no network."""

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["actor", "reflector", "teacher", "scorer"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one of several drafts is to differ from the others. `seed`: where the endpoint takes one."""

    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt. `name` is like "end_user/refine/v1"; `hash` is the SHA-256 of the versioned file.

    `instructions`: our own words among the messages, beside the data and the texts so far.
    """

    name: str
    hash: str
    messages: tuple[dict[str, str], ...]
    json_schema: dict[str, Any] | None  # what structured output must look like, where the endpoint can hold it
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said, before parsing.

    `first_tokens`: where it was asked for them, the likeliest first tokens of the answer with the logarithms of their
    probabilities. `cached_tokens`: of the prompt's, those the endpoint says that it knew already.
    """

    text: str
    model: str
    base_url: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    latency_ms: int = 0
    request_id: str = ""
    first_tokens: dict[str, float] = field(default_factory=dict)

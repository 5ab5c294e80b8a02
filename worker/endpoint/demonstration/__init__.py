"""Two deterministic statistical models that stand in for LLMs on a laptop. They count; they understand nothing.

They read the history out of the prompt's own text, like any model behind an endpoint, and answer in English prose.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from worker.endpoint.demonstration.actor import draft
from worker.endpoint.demonstration.reading import Reading, read
from worker.endpoint.demonstration.refinement import refine
from worker.endpoint.demonstration.reflector import judge

LABEL = "A demonstration model, not an LLM: deterministic statistics over the history in R4Web's own prompts."
ACTOR, REFLECTOR = "r4-demo-actor", "r4-demo-reflector"
MODELS = (ACTOR, REFLECTOR)
NOT_OURS = "Demonstration model: it reads only R4Web prompts."  # too short to pass for a rationale


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says: as text, and as named parts for structured output."""

    text: str
    parts: dict[str, str]


def reply(model: str, messages: Iterable[Mapping[str, object]]) -> Reply:
    """Answer a chat as one of MODELS. The same messages always get the same answer."""
    reading = read(messages)
    if reading is None:
        return Reply(NOT_OURS, {"text": NOT_OURS})
    return _judgement(reading) if model == REFLECTOR else _rationale(reading)


def _rationale(reading: Reading) -> Reply:
    text = refine(reading) if reading.critique else draft(reading)
    return Reply(text, {"text": text})


def _judgement(reading: Reading) -> Reply:
    if not reading.rationale:
        return Reply(NOT_OURS, {"text": NOT_OURS})
    reasonable, critique = judge(reading)
    name = "item knowledge" if reading.is_item else "user preference"
    verdict = "reasonable" if reasonable else "not reasonable"
    text = f"<Final Judgement>The {name} is {verdict}</Final Judgement>\n<Reflection>{critique}</Reflection>"
    return Reply(text, {"judgement": verdict.replace(" ", "_"), "reflection": critique})

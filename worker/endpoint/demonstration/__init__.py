"""Three deterministic statistical models that answer in place of LLMs on a laptop. They count; they understand nothing.

They read the history out of the prompt's own text, like any model behind an endpoint, and answer in English prose.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.endpoint.demonstration.actor import draft
from worker.endpoint.demonstration.listed import listed
from worker.endpoint.demonstration.prediction import predict
from worker.endpoint.demonstration.reading import Reading, hinted, read
from worker.endpoint.demonstration.refinement import refine
from worker.endpoint.demonstration.reflector import judge
from worker.endpoint.demonstration.thinkrec import named, reasoned

LABEL = "A demonstration model, not an LLM: deterministic statistics over the history in R4Web's own prompts."
ACTOR, REFLECTOR, TEACHER = "r4-demo-actor", "r4-demo-reflector", "r4-demo-teacher"
MODELS = (ACTOR, REFLECTOR, TEACHER)
NOT_OURS = "Demonstration model: it reads only R4Web prompts."  # too short to pass for a rationale


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says: as text, and as named parts for structured output."""

    text: str
    parts: dict[str, Any]


def reply(model: str, messages: Iterable[Mapping[str, object]], *, variation: str = "") -> Reply:
    """Answer a chat as one of MODELS. The same messages and variation always get the same answer."""
    messages = list(messages)
    reading = read(messages)
    if reading is None:
        return Reply(NOT_OURS, {"text": NOT_OURS})
    if reading.source:
        return _keywords_of(reading)
    if reading.asks_yes_or_no:
        text = reasoned(reading, hinted=hinted(messages))
        return Reply(text, {"text": text})
    if reading.unlisted:
        return _list_of(reading)
    if model == TEACHER and reading.has_target:
        return _judgement(reading) if reading.rationale and not reading.critique else _taught(reading)
    return _judgement(reading) if model == REFLECTOR else _rationale(reading, variation)


def _rationale(reading: Reading, variation: str = "") -> Reply:
    text = refine(reading) if reading.critique else draft(reading, variation=variation)
    return Reply(text, {"text": text, "statements": listed(text, reading)})


def _list_of(reading: Reading) -> Reply:
    found = {"statements": listed(reading.unlisted, reading)}
    return Reply(json.dumps(found, ensure_ascii=False), found)


def _keywords_of(reading: Reading) -> Reply:
    found = named(reading)
    return Reply(", ".join(found), {"keywords": found})


def _taught(reading: Reading) -> Reply:
    """A text, and what it makes the teacher expect of the target."""
    text = _rationale(reading).text
    name, target = ("Item Knowledge", "item") if reading.is_item else ("User Preference", "target")
    verdict = f"The person will {'' if predict(reading, text) else 'not '}like the {target}"
    answer = f"<{name}>{text}</{name}>\n<Final Verdict>{verdict}</Final Verdict>"
    return Reply(answer, {"text": text, "verdict": verdict})


def _judgement(reading: Reading) -> Reply:
    if not reading.rationale:
        return Reply(NOT_OURS, {"text": NOT_OURS})
    reasonable, critique = judge(reading)
    name = "item knowledge" if reading.is_item else "user preference"
    verdict = "reasonable" if reasonable else "not reasonable"
    text = f"<Final Judgement>The {name} is {verdict}</Final Judgement>\n<Reflection>{critique}</Reflection>"
    return Reply(text, {"judgement": verdict.replace(" ", "_"), "reflection": critique})

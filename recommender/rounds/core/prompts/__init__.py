"""The prompts of R4ec's three steps for both kinds of subject, in this project's words (docs/methods.md).

What is the same for every subject of a catalog comes first, so that an endpoint's prefix cache serves it; the data
stands between tags, declared untrusted. What is to be predicted is never in a prompt. There are two layouts: `full`,
with all instructions before the data, and `compact` for small models and contexts, which says in fewer words what all
steps about a subject share, then the data, and the step's own task last: the steps of one round share all but that.
"""

import hashlib
from dataclasses import replace
from types import ModuleType
from typing import Any, Literal

from recommender.llm.types import Prompt
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.prompts import compact_lines, evidence_lines
from recommender.rounds.core.prompts.template import Template, TemplateError, load
from recommender.rounds.core.types import Kind, Subject

__all__ = [
    "COMPACT",
    "EXTRACTION_SCHEMA",
    "RATIONALE_SCHEMA",
    "REFLECTION_SCHEMA",
    "VERSIONS",
    "Layout",
    "Step",
    "Template",
    "TemplateError",
    "data_of",
    "fill",
    "load",
    "render",
    "render_extraction",
    "render_repair",
]

Step = Literal["reason", "reflect", "refine"]
Layout = Literal["full", "compact"]

VERSIONS: dict[tuple[Kind, Step], int] = {
    ("end_user", "reason"): 1,
    ("end_user", "reflect"): 1,
    ("end_user", "refine"): 1,
    ("item", "reason"): 1,
    ("item", "reflect"): 1,
    ("item", "refine"): 1,
}
UNORDERED: dict[tuple[Kind, Step], int] = {  # the steps that speak of a history's order, where none is known
    ("end_user", "reason"): 1,
    ("end_user", "reflect"): 1,
    ("end_user", "refine"): 1,
    ("item", "reason"): 1,
}
COMPACT: dict[tuple[Kind, Step], int] = dict.fromkeys(VERSIONS, 1)  # they tell by themselves whether there is an order
REPAIR_VERSION = EXTRACT_VERSION = STATEMENTS_VERSION = 1
MAX_QUOTED_ANSWER = 4000  # characters of a malformed answer that are sent back

REFLECTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "judgement": {"type": "string", "enum": ["reasonable", "not_reasonable"]},
        "reflection": {"type": "string"},
    },
    "required": ["judgement", "reflection"],
    "additionalProperties": False,
}

_STATEMENTS: dict[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "quote": {"type": "string"},
            "about": {"type": "string"},
            "polarity": {"type": "string", "enum": ["likes", "dislikes", "mixed", "neutral"]},
            "strength": {"type": "string", "enum": ["strong", "plain", "hedged"]},
            "who": {"type": "string", "enum": ["subject", "likers", "dislikers"]},
        },
        "required": ["quote", "about", "polarity", "strength", "who"],
        "additionalProperties": False,
    },
}

EXTRACTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"statements": _STATEMENTS},
    "required": ["statements"],
    "additionalProperties": False,
}

RATIONALE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "statements": _STATEMENTS},
    "required": ["text", "statements"],
    "additionalProperties": False,
}


def render(
    subject: Subject,
    step: Step,
    *,
    rationale: str = "",
    critique: str = "",
    structured: bool = False,
    with_statements: bool = False,
    layout: Layout = "full",
) -> Prompt:
    """Write the prompt of one step.

    `rationale`: the text to judge or refine; `critique`: what the refinement is to follow. `structured`: the endpoint
    holds a JSON schema, so a reflection is asked for as JSON (`Prompt.json_schema`, the bare schema) and not as R4ec's
    tags, and with `with_statements` a rationale is too, beside what it states; else rationales are plain text. Raises
    TemplateError when the step needs a text that is not given.
    """
    template = _template(subject, step, layout)
    system, user = fill(template, subject, layout, rationale=rationale, critique=critique)
    task = template.render("task", **_nouns(template, subject, "task")) if layout == "compact" else ()
    user = "\n\n".join([user, *task])
    if step == "reflect":
        user = "\n\n".join([user, *template.render("answer:json" if structured else "answer:tags")])
    prompt = Prompt(
        name=template.name,
        hash=template.hash,
        messages=({"role": "system", "content": system}, {"role": "user", "content": user}),
        json_schema=REFLECTION_SCHEMA if structured and step == "reflect" else None,
        instructions="\n".join([system, *task]),
    )
    return _with_statements(prompt, subject) if structured and with_statements and step != "reflect" else prompt


def _with_statements(prompt: Prompt, subject: Subject) -> Prompt:
    """The same, and what the text states beside it. `hash` covers both files."""
    template = load("statements", STATEMENTS_VERSION)
    system, user = prompt.messages
    (asked,) = template.render("answer", item_noun=harmless(subject.item_noun))
    return replace(
        prompt,
        name=f"{prompt.name}+{template.name}",
        hash=_hash_of(prompt, template),
        messages=(system, user | {"content": f"{user['content']}\n\n{asked}"}),
        json_schema=RATIONALE_SCHEMA,
    )


def _hash_of(prompt: Prompt, template: Template) -> str:
    return hashlib.sha256(f"{prompt.hash}{template.hash}".encode()).hexdigest()


def render_extraction(subject: Subject, text: str) -> Prompt:
    """Write the prompt that asks what a text about the subject states."""
    template = load("extract", EXTRACT_VERSION)
    noun = harmless(subject.item_noun)
    system, user = template.render(
        "system",
        "user",
        about="about what one person likes" if subject.kind == "end_user" else f"about one {noun}",
        item_noun=noun,
        item_nouns=harmless(evidence_lines.plural(subject.item_noun)),
        text=harmless(text.strip()),
    )
    return Prompt(
        name=template.name,
        hash=template.hash,
        messages=({"role": "system", "content": system}, {"role": "user", "content": user}),
        json_schema=EXTRACTION_SCHEMA,
    )


def _template(subject: Subject, step: Step, layout: Layout) -> Template:
    key = subject.kind, step
    if layout == "compact":
        return load(f"{subject.kind}/{step}.compact", COMPACT[key])
    if not subject.ordered and key in UNORDERED:
        return load(f"{subject.kind}/{step}.unordered", UNORDERED[key])
    return load(f"{subject.kind}/{step}", VERSIONS[key])


def fill(
    template: Template, subject: Subject, layout: Layout = "full", /, *, rationale: str, critique: str, **more: str
) -> tuple[str, str]:
    """A step's system and user message, from its subject, the texts so far, and `more` values. As `render` raises."""
    values = _nouns(template, subject, "system", "user") | more | _data(subject, layout)
    for name, text in (("rationale", rationale), ("critique", critique)):
        if text.strip():
            values[name] = harmless(text.strip())
    system, user = template.render("system", "user", **values)
    return system, user


def _nouns(template: Template, subject: Subject, *sections: str) -> dict[str, str]:
    """What is told of the subject's catalog, of that what the sections name."""
    catalog = {
        "item_noun": harmless(subject.item_noun),
        "item_nouns": harmless(evidence_lines.plural(subject.item_noun)),
        "rating_rule": evidence_lines.rating_rule(subject),
        "legend": compact_lines.legend(subject),
    }
    used = template.variables(*sections)
    return {name: value for name, value in catalog.items() if name in used}


def data_of(subject: Subject, layout: Layout = "full") -> str:
    """What a subject's prompts may show as data, without their instructions; of `compact`, both ways to write it."""
    full = [*_data(subject, "full").values()]
    return "\n".join(full if layout == "full" else [*_data(subject, layout).values(), *full])


def _data(subject: Subject, layout: Layout) -> dict[str, str]:
    lines: ModuleType = compact_lines if layout == "compact" else evidence_lines
    if subject.kind == "end_user":
        return {"history": lines.history_lines(subject.history)}
    liker, disliker = lines.histories_of_item(subject)
    return {"item": lines.item_lines(subject), "liker": liker, "disliker": disliker}


def render_repair(prompt: Prompt, answer_text: str, error: object) -> Prompt:
    """Send a malformed answer back, with what was wrong about it. `hash` covers both files."""
    template = load("repair", REPAIR_VERSION)
    (request,) = template.render("user", error=harmless(str(error)))
    answer = answer_text.strip()[:MAX_QUOTED_ANSWER] or "(nothing)"
    return Prompt(
        name=f"{prompt.name}+{template.name}",
        hash=_hash_of(prompt, template),
        messages=(*prompt.messages, {"role": "assistant", "content": answer}, {"role": "user", "content": request}),
        json_schema=prompt.json_schema,
    )

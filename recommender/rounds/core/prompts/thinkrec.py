"""The prompts of what ThinkRec asks for: an item's keywords, and a trace of thought that leads to Yes or No.

Sources: METHODS.md 2.2 (keywords from metadata and description, at most ten), 2.3 (history items with their
evaluation), 2.4 (a hint that names the right answer after a wrong one).
"""

from collections.abc import Mapping
from typing import Any

from recommender.llm.types import Prompt
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.keywords import shortened
from recommender.rounds.core.prompts import evidence_lines
from recommender.rounds.core.prompts.template import Template, load
from recommender.rounds.core.types import Encounter, Subject

KEYWORDS_VERSION = TRACE_VERSION = 1
HINTS = ("hint:one", "hint:two", "hint:three")  # by turns, so that a second one says more than the first
EVALUATION = {True: "Yes", False: "No"}
KEYWORDS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"keywords": {"type": "array", "items": {"type": "string"}}},
    "required": ["keywords"],
    "additionalProperties": False,
}


def render_keywords(subject: Subject, *, structured: bool = False) -> Prompt:
    """Ask for an item's keywords; as JSON where the endpoint holds a schema, else as one line with commas."""
    template = load("item/keywords", KEYWORDS_VERSION)
    system, user = template.render("system", "user", **_nouns(subject), source=source_lines(subject))
    (form,) = template.render("answer:json" if structured else "answer:text")
    return _prompt(template, system, f"{user}\n\n{form}", schema=KEYWORDS_SCHEMA if structured else None)


def render_trace(subject: Subject) -> Prompt:
    """Ask whether the end user will like the target, and why. The label is not in it."""
    template = load("end_user/trace", TRACE_VERSION)
    target = subject.asked[0]
    shown = [_quoted(target.title), evidence_lines.attributes_line(target.attributes)]
    system, user = template.render(
        "system",
        "user",
        **_nouns(subject),
        history=_history(subject.history),
        target="\n".join(filter(None, shown)),
    )
    return _prompt(template, system, user)


def hint(number: int, *, liked: bool) -> str:
    """What follows the `number`-th wrong answer (from 0): it names the right one."""
    (text,) = load("end_user/trace", TRACE_VERSION).render(HINTS[number % len(HINTS)], answer=EVALUATION[liked])
    return text


def source_lines(subject: Subject) -> str:
    """An item as the keyword prompt shows it: its title, and a line for each attribute, of at most a hundred words."""
    lines = [
        f"{_plain(name)}: {_plain(shown)}" for name, value in subject.attributes.items() if (shown := shortened(value))
    ]
    return "\n".join([_quoted(subject.title), *lines])


def searched(subject: Subject) -> Mapping[str, Any]:
    """Where a keyword must stand: the title and the attributes that were shown."""
    return {"title": subject.title, **subject.attributes}


def _history(history: tuple[Encounter, ...]) -> str:
    return "\n".join(
        " | ".join(filter(None, [f"{place}. {_quoted(met.title)}", f"evaluation: {EVALUATION[bool(met.liked)]}",
                                 evidence_lines.attributes_line(met.attributes)]))
        for place, met in enumerate(history, start=1)
    )  # fmt: skip


def _nouns(subject: Subject) -> dict[str, str]:
    return {
        "item_noun": harmless(subject.item_noun),
        "item_nouns": harmless(evidence_lines.plural(subject.item_noun)),
    }


def _plain(text: str) -> str:
    return harmless(" ".join(text.split()))


def _quoted(title: str) -> str:
    return evidence_lines.title_line(title)


def _prompt(template: Template, system: str, user: str, *, schema: dict[str, Any] | None = None) -> Prompt:
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return Prompt(name=template.name, hash=template.hash, messages=messages, json_schema=schema)

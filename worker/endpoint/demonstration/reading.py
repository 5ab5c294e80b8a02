"""Read the evidence back out of a prompt's text, as recommender.rounds.core.prompts.evidence_lines writes it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["person", "liker", "disliker"]
_LINE = re.compile(r"^\d+\. (?=\")")
_PROSE = re.compile(r'^[^:]+: ".*"$')  # a line that describes the item, which this model does not read
_DECODER = json.JSONDecoder()
OPINIONS = {"liked": True, "not liked": False}
EVALUATIONS = {"evaluation: Yes": True, "evaluation: No": False}
SECTIONS: tuple[tuple[str, Scope], ...] = (
    ("history", "person"),
    ("liker_history", "liker"),
    ("disliker_history", "disliker"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a history. `liked` is None where the prompt does not say."""

    title: str
    rating: str
    liked: bool | None
    attributes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one of our prompts says. `data` is the evidence's own text, the same in all three steps."""

    noun: str
    data: str
    histories: Mapping[Scope, tuple[Entry, ...]]
    title: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rationale: str = ""
    critique: str = ""
    has_target: bool = False  # it asks for a verdict on a target: the item of target_*, or one more person
    target_title: str = ""
    target_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    target_history: tuple[Entry, ...] = ()
    source: str = ""  # what an item's keywords are asked from
    asks_yes_or_no: bool = False
    unlisted: str = ""  # a text whose statements it asks for, without any evidence

    @property
    def is_item(self) -> bool:
        return "liker" in self.histories


def read(messages: Iterable[Mapping[str, object]]) -> Reading | None:
    """The evidence in the first user message that holds some, or the text in it whose statements are asked for; None
    when there is neither: it is not one of our prompts."""
    asked = ""
    for message in messages:
        content = message.get("content")
        text = content if isinstance(content, str) else _joined(content)
        if message.get("role") != "user":
            asked += text
        elif reading := _read(text) or _sourced(text) or _unlisted(text, asked):
            return reading
    return None


def hinted(messages: Iterable[Mapping[str, object]]) -> bool | None:
    """The answer that the last message names, where it is a hint after a wrong one."""
    said = [message.get("content") for message in messages if message.get("role") == "user"]
    last = said[-1] if len(said) > 1 and isinstance(said[-1], str) else ""
    found = re.search(r"Begin with (Yes|No)\.\Z", last)
    return None if found is None else found[1] == "Yes"


def _sourced(text: str) -> Reading | None:
    """What an item's keywords are asked from."""
    found = _section(text, "source")
    return None if found is None else Reading(noun=_noun(text), data=found, histories={}, source=found)


def _noun(text: str) -> str:
    noun = re.search(r"^Kind of item: (.+)$", text, re.MULTILINE)
    return noun[1].strip() if noun else "item"


def _unlisted(text: str, asked: str) -> Reading | None:
    """A text on its own; whether it is about an item stands in the instructions before it."""
    found = _section(text, "text")
    if found is None:
        return None
    scopes: tuple[Scope, ...] = ("person",) if "what one person likes" in asked else ("liker", "disliker")
    return Reading(noun="item", data="", histories=dict.fromkeys(scopes, ()), unlisted=found)


def _read(text: str) -> Reading | None:
    texts = {name: found for name in _names() if (found := _section(text, name)) is not None}
    histories: dict[Scope, tuple[Entry, ...]] = {
        scope: _entries(texts[name]) for name, scope in SECTIONS if name in texts
    }
    if not histories:
        return None
    title, attributes = _item(texts.get("item", ""))
    target_title, target_attributes = _item(texts.get("target", ""))
    return Reading(
        noun=_noun(text),
        asks_yes_or_no=text.rstrip().endswith("Begin with Yes or No."),
        data="\n".join(
            texts[name] for name in ("item", "history", "liker_history", "disliker_history") if name in texts
        ),
        histories=histories,
        title=title,
        attributes=attributes,
        rationale=texts.get("user_preference", texts.get("item_knowledge", "")),
        critique=texts.get("critique", ""),
        has_target="target" in texts or "target_history" in texts,
        target_title=target_title,
        target_attributes=target_attributes,
        target_history=_entries(texts.get("target_history", "")),
    )


def _names() -> tuple[str, ...]:
    return (*(name for name, _ in SECTIONS), "item", "target", "target_history", "user_preference", "item_knowledge",
            "critique")  # fmt: skip


def _section(text: str, name: str) -> str | None:
    """What stands between `<name>` and `</name>`, each on a line of its own."""
    start = text.find(f"<{name}>\n")
    end = text.find(f"\n</{name}>", start)
    return text[start + len(name) + 3 : end] if 0 <= start < end else None


def _entries(text: str) -> tuple[Entry, ...]:
    return tuple(filter(None, map(_entry, text.splitlines())))


def _entry(line: str) -> Entry | None:
    place = _LINE.match(line)
    if not place:
        return None
    title, rest = _quoted(line[place.end() :])
    rating, liked, attributes = "", None, {}
    for part in filter(None, (part.strip() for part in rest.split(" | "))):
        if part.startswith("rated "):
            rating = part.removeprefix("rated ")
        elif part in OPINIONS:
            liked = OPINIONS[part]
        elif part in EVALUATIONS:
            liked = EVALUATIONS[part]
        elif ": " in part:
            attributes = _attributes(part)
    return Entry(title, rating, liked, attributes)


def _item(text: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    first, *rest = text.split("\n")
    facts = "; ".join(line for line in rest if not _PROSE.match(line))
    return (_quoted(first)[0], _attributes(facts)) if first.startswith('"') else ("", {})


def _quoted(text: str) -> tuple[str, str]:
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        return text.strip('" '), ""
    return str(value), text[end:]


def _attributes(text: str) -> dict[str, tuple[str, ...]]:
    pairs = (part.partition(": ") for part in text.split("; "))
    return {name.strip(): tuple(value.strip() for value in values.split(", ")) for name, _, values in pairs if values}


def _joined(content: object) -> str:
    """The text of a message that came as a list of parts."""
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))

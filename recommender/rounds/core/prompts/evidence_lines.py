"""How evidence is written in a prompt: one line per encounter, nothing that could pass for our own words or tags.

    3. "Heat (1995)" | rated 4 | liked | genres: Action, Crime; director: Michael Mann

What describes an item, a shop's or a film's synopsis, has a line of its own, of the item that the prompt is about only:

    description: "A crew of thieves and a detective study each other across Los Angeles."

Titles and descriptions are JSON strings, so a line break or a quote inside one cannot end it; all data is `harmless`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from recommender.grounding.prose import prose_of, without_prose
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.types import Encounter, Subject

MAX_VALUE = 200  # characters of one attribute value or title
MAX_VALUES = 12  # values of one attribute
MAX_PROSE = 600  # characters of an item's description
MAX_DESCRIPTIONS = 2  # of an item
OPINION = {True: "liked", False: "not liked", None: "not known whether liked"}


def number(value: float) -> str:
    return f"{value:g}"


def attributes_line(attributes: Mapping[str, Any]) -> str:
    """Attributes as `name: value, value; name: value`, without the empty ones and without descriptions."""
    parts = []
    for name, value in without_prose(attributes).items():
        if texts := values_of(value):
            parts.append(f"{value_text(name)}: {', '.join(texts)}")
    return "; ".join(parts)


def values_of(value: object) -> list[str]:
    """The values of one attribute, without the empty ones."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return [value_text(single) for single in values[:MAX_VALUES] if single not in (None, "")]


def history_lines(history: Sequence[Encounter]) -> str:
    if not history:
        return "(none)"
    return "\n".join(_encounter(place, encounter) for place, encounter in enumerate(history, start=1))


def histories_of_item(subject: Subject) -> tuple[str, str]:
    """Of who liked the item, and of who did not."""
    return history_lines(subject.liker), history_lines(subject.disliker)


def item_lines(subject: Subject) -> str:
    lines = [title_line(subject.title), attributes_line(subject.attributes)]
    return "\n".join(filter(None, [*lines, *prose_lines(subject.attributes)]))


def prose_lines(attributes: Mapping[str, Any], *, most: int = MAX_DESCRIPTIONS, longest: int = MAX_PROSE) -> list[str]:
    """What describes an item, a line each: `most` of them, of at most `longest` characters, cut behind a word."""
    told = prose_of(attributes)[:most]
    return [f"{value_text(name)}: {title_line(shortened(text, longest), longest)}" for name, text in told]


def shortened(text: str, longest: int) -> str:
    """At most so many characters, cut behind a word."""
    return text if len(text) <= longest else f"{text[: longest - 1].rsplit(' ', 1)[0]}…"


def rating_rule(subject: Subject) -> str:
    """The catalog's scale in one sentence, or that there are no ratings."""
    encounters = (*subject.history, *subject.liker, *subject.disliker)
    if any(encounter.rating is not None for encounter in encounters):
        top, threshold = number(subject.rating_max), number(subject.like_threshold)
        return f"Ratings go up to {top}; a rating above {threshold} means liked."
    return "There are no ratings; each line says whether the person liked it."


def plural(noun: str) -> str:
    """The plural of an English item noun."""
    if noun.endswith(("series", "species")):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def _encounter(place: int, encounter: Encounter) -> str:
    rating = "" if encounter.rating is None else f"rated {number(encounter.rating)}"
    parts = [title_line(encounter.title), rating, OPINION[encounter.liked], attributes_line(encounter.attributes)]
    return f"{place}. " + " | ".join(filter(None, parts))


def title_line(title: str, most: int = MAX_VALUE) -> str:
    """A title as a JSON string of at most so many characters, harmless."""
    return json.dumps(harmless(" ".join(title.split()))[:most], ensure_ascii=False)


def value_text(value: object) -> str:
    """A value on one line, without what parts values and attributes."""
    text = number(value) if isinstance(value, float) else str(value)
    return harmless(" ".join(text.replace(";", ",").replace("|", "/").split()))[:MAX_VALUE]

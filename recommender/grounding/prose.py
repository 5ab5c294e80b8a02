"""Prose that items have of their own, as a shop's description or a film's synopsis: told of an item, never a value.

This is the one place that says which attribute's value is a name that items share, and which a description.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

FEWEST_WORDS = 8
LONGEST_ENTRY = 4  # words between two commas: what has no longer one lists names
LONGEST_TOLD = 2_000  # characters of one description
SEPARATORS = re.compile(r"[,;|•·、，；／\n]+")
UNSPACED = re.compile(r"[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3040-\u30FF\u3400-\u9FFF\U00020000-\U0002FFFF]")
_SHORTEST = 2 * FEWEST_WORDS - 1  # characters: words of one letter, with spaces between
_HTML = re.compile(r"</?(?:br|p|b|i|u|em|strong|ul|ol|li|div|span|a|h\d|font)\b[^<>]{0,200}>", re.IGNORECASE)


def is_prose(value: object) -> bool:
    """Whether one value describes an item: a sentence or more. A list of names is none, however long."""
    if not isinstance(value, str) or len(value) < _SHORTEST or _length(value) < FEWEST_WORDS:
        return False
    return any(_length(entry) > LONGEST_ENTRY for entry in SEPARATORS.split(value))


def has_prose(value: object) -> bool:
    """Whether an attribute's value, or one of its values, does."""
    return any(map(is_prose, value)) if isinstance(value, list | tuple) else is_prose(value)


def parted(attributes: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[tuple[str, str]]]:
    """What items share, and what describes this one: the attributes without descriptions (those given, where there are
    none), and the names of those that describe it, each with a description as plain text on one line."""
    values: dict[str, Any] = {}
    told: list[tuple[str, str]] = []
    for name, value in attributes.items():
        several = value if isinstance(value, list | tuple) else [value]
        own = [each for each in several if is_prose(each)]
        if not own:
            values[name] = value
        elif len(own) < len(several):
            values[name] = [each for each in several if not is_prose(each)]
        told += [(name, plain(each)[:LONGEST_TOLD]) for each in own]
    return (values if told else attributes), told


def without_prose(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    return parted(attributes)[0]


def prose_of(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return parted(attributes)[1]


def plain(text: str) -> str:
    """Without HTML, on one line."""
    shown = _HTML.sub(" ", unescape(text)) if "<" in text or "&" in text else text
    return " ".join(shown.split())


def _length(text: str) -> int:
    """Words; two characters of a script without spaces count as one."""
    words = len(text.split())
    return words if text.isascii() else words + len(UNSPACED.findall(text)) // 2

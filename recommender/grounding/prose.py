"""Prose that items have of their own, as a shop's description or a film's synopsis: told of an item, never a value.

This is the one place that says which attribute's value is a name that items share, and which a description.
"""

import re
from collections.abc import Iterator, Mapping
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


def without_prose(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """What items share: the attributes without descriptions; those given, where there are none."""
    if not any(map(has_prose, attributes.values())):
        return attributes
    found = {}
    for name, value in attributes.items():
        if not has_prose(value):
            found[name] = value
        elif isinstance(value, list | tuple) and (rest := [each for each in value if not is_prose(each)]):
            found[name] = rest
    return found


def prose_of(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names of attributes that describe the item, and each description as plain text on one line."""
    for name, value in attributes.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            if is_prose(each):
                yield name, plain(each)[:LONGEST_TOLD]


def plain(text: str) -> str:
    """Without HTML, on one line."""
    return " ".join(_HTML.sub(" ", unescape(text)).split())


def _length(text: str) -> int:
    """Words; two characters of a script without spaces count as one."""
    return len(text.split()) + len(UNSPACED.findall(text)) // 2

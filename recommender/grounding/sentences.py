"""The sentences of a text, and what is known of an item: lists of short strings that an encoder can compare."""

import re
from collections.abc import Mapping
from typing import Any

MOST_SENTENCES = 64  # of one text
MOST_FACTS = 32  # of one item
_ENDS = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|\s*\n+\s*")
_BULLET = re.compile(r"^(?:[-*•–]|\d+[.)])\s+")
_NO_SENTENCE = re.compile(r"\W*")


def sentences(text: str) -> list[str]:
    """Its sentences, clauses after a semicolon, and lines, without bullets; in order, at most MOST_SENTENCES."""
    parts = (_BULLET.sub("", part.strip()) for part in _ENDS.split(text))
    return [part for part in parts if not _NO_SENTENCE.fullmatch(part)][:MOST_SENTENCES]


def facts_of(title: str, attributes: Mapping[str, Any]) -> list[str]:
    """The title, and each value of each attribute with its name; at most MOST_FACTS."""
    facts = [title] if title else []
    for name, value in sorted(attributes.items()):
        values = value if isinstance(value, (list, tuple)) else [value]
        facts += [f"{name}: {each}" for each in values if each not in ("", None)]
    return facts[:MOST_FACTS]

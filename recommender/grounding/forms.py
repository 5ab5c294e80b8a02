"""The forms in which people write an attribute's values: plural and singular, noun and adjective, three languages."""

import re
from collections.abc import Iterator
from typing import Literal

from recommender.grounding import tables

__all__ = ["COMPOUND", "GENERIC", "PAIRS", "groups_of", "numbers", "of_value"]

Role = Literal["noun", "adjective", "weak", "place"]
_WEAK = frozenset(tables.lines("weak"))
GENERIC = tables.words("nouns")
PAIRS = {
    pair: tuple(groups.strip().split(", "))
    for line in tables.lines("pairs")
    for pair, _, groups in [line.partition(":")]
}
# What a catalog may have as a language's value.
CODES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "ja": "japanese",
         "ko": "korean", "zh": "chinese", "ru": "russian", "pt": "portuguese", "sv": "swedish", "da": "danish",
         "nl": "dutch", "pl": "polish", "hi": "hindi", "tr": "turkish"}  # fmt: skip
COMPOUND = re.compile(
    r"([^\W\d_]{3,}?)(?:filme?[ns]?|romane?[ns]?|buch(?:er|ern|s)?|geschichten?|streifen|klassikern?|kino|serien?|literatur)"
)


def _read_kinds() -> tuple[dict[str, list[tuple[str, Role]]], dict[str, list[str]]]:
    groups: dict[str, list[tuple[str, Role]]] = {}
    index: dict[str, list[str]] = {}
    for line in tables.lines("kinds"):
        nouns, _, adjectives = line.partition("|")
        names = [name.strip() for name in nouns.split(",") if name.strip()]
        key = names[0]
        said: list[tuple[str, Role]] = []
        for name in names:
            weak = name.startswith("~") or name in _WEAK
            word = name.lstrip("~").replace("'", "")
            said.append((word, "weak" if weak else "noun"))
            if not name.startswith("~"):
                index.setdefault(word, []).append(key)
        for adjective in (part.strip().lstrip("~") for part in adjectives.split(",")):
            said += [(form, "adjective") for form in _inflected(adjective)] if adjective else []
        groups[key] = said
    return groups, index


def _inflected(adjective: str) -> Iterator[str]:
    """With the endings of German and Spanish; an English one stays."""
    yield adjective
    if adjective.endswith("sche"):
        adjective = adjective[:-1]
        yield adjective
    if adjective.endswith(("sch", "deutsch")):
        yield from (adjective + ending for ending in ("e", "er", "es", "en", "em"))
    elif adjective.endswith("ierte"):
        yield from (adjective + ending for ending in ("n", "r", "s"))
    elif adjective.endswith(("o", "a", "nse", "dense")):
        yield adjective + "s"
    elif adjective.endswith(("es", "an", "ol", "al")):
        yield adjective + "es"


_KINDS, _INDEX = _read_kinds()


def groups_of(key: str) -> list[str]:
    """The kinds that a value's name belongs to: "sci fi" to science fiction's."""
    for form in numbers(key):
        if form in _INDEX:
            return _INDEX[form]
    return []


def of_value(key: str, *, language: bool) -> Iterator[tuple[str, Role]]:
    """Forms of a value, by its folded words, the surest first."""
    places = list(_of_place(key, language=language))
    weak = key in _WEAK
    for form in [] if places else numbers(key):
        yield form, "weak" if weak and form == key else "noun"
    group = next(iter(groups_of(key)), None)
    if group:
        yield from _KINDS[group]
    yield from places
    if " and " in key and not group:
        for part in key.split(" and "):
            if len(part) > 3:
                for form in numbers(part):
                    yield form, "noun"


def _of_place(key: str, *, language: bool) -> Iterator[tuple[str, Role]]:
    key = CODES.get(key, key) if language else key
    for names, adjectives, tongue in _PLACES:
        if language and key in adjectives and tongue in (key, ""):
            for adjective in adjectives:
                yield f"{adjective} language", "adjective"
                for form in _inflected(adjective):
                    yield form, "adjective"
                yield from _people(adjective)
            yield key, "adjective"
            return
        if not language and key in names:
            for name in names:
                if name not in ("us", "u s"):
                    yield name, "place"
            for adjective in adjectives:
                for form in _inflected(adjective):
                    yield form, "adjective"
                yield from _people(adjective)
            return


def _people(adjective: str) -> Iterator[tuple[str, Role]]:
    """The Koreans: what they make."""
    if adjective.endswith("an"):
        yield adjective + "s", "noun"


def _read_places() -> list[tuple[list[str], list[str], str]]:
    read = []
    for line in tables.lines("places"):
        names, adjectives, tongue = ([part.strip() for part in cell.split(",")] for cell in line.split("|"))
        read.append((names, adjectives, tongue[0]))
    return read


_PLACES = _read_places()


def numbers(key: str) -> list[str]:
    """A name, its plural or its singular."""
    found = [key]
    if key.endswith("ies"):
        found.append(key[:-3] + "y")
    elif key.endswith("y") and key[-2:-1] not in "aeou":
        found.append(key[:-1] + "ies")
    elif key.endswith(("sses", "ches", "shes", "xes")):
        found.append(key[:-2])
    elif key.endswith(("ss", "ch", "sh", "x")):
        found.append(key + "es")
    elif key.endswith("s"):
        found.append(key[:-1])
    else:
        found.append(key + "s")
    return [form for form in found if len(form) > 1]

"""What people say of a list that is wrong, in ten styles: wordings written by hand, and the words for an aspect."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recommender.grounding.statements import Facet

FILE = Path(__file__).resolve().parent.parent / "data" / "corrections.json"
LANGUAGES = ("en", "de", "es")
_NUMBER = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_MOVED = re.compile(r"^(.*), (The|A|An|Les?|La|Il|Der|Die|Das|El)$")


@dataclass(frozen=True, slots=True)
class Style:
    name: str
    language: str
    held_out: bool
    likes: Sequence[str]
    dislikes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Aspect:
    """What somebody speaks of. `items`: external ids of those that meet it, known apart from what is measured.

    `facets`: what a reader should find; none where only phrases can say it. `words`: by language, ways to say it.
    """

    kind: str  # genre, creator, period, title or content
    facets: tuple[Facet, ...]
    words: Mapping[str, Sequence[str]]
    items: frozenset[str]

    @property
    def is_plural(self) -> bool:
        return self.kind != "title"


@dataclass(frozen=True, slots=True)
class Correction:
    """One sentence: it asks for more of an aspect (`up`), or for less."""

    text: str
    style: Style
    aspect: Aspect
    up: bool


@cache
def data() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(FILE.read_text("utf-8"))
    return loaded


@cache
def styles() -> tuple[Style, ...]:
    return tuple(Style(**style) for style in data()["styles"])


def worded(wording: str, aspect: Aspect, words: str, language: str) -> str:
    """The sentence, with the aspect in its place, in the number it has, and beginning with a capital."""
    text = _NUMBER.sub(r"\1" if aspect.is_plural else r"\2", wording)
    text = text.replace("{the}", _with_article(words, aspect, language)).replace("{}", words)
    return text if wording[:1].islower() else text[:1].upper() + text[1:]


def draw(source: random.Random, style: Style, aspect: Aspect, *, up: bool) -> Correction:
    wording = source.choice(style.likes if up else style.dislikes)
    words = source.choice(aspect.words[style.language])
    return Correction(worded(wording, aspect, words, style.language), style, aspect, up)


def aspects_in(items: Sequence[tuple[str, str, Mapping[str, Any]]], *, fewest: int = 3) -> list[Aspect]:
    """Everything that can be spoken of in a catalog: external id, title and attributes of each item are given."""
    found = [*_genres(items, fewest), *_creators(items), *_periods(items, fewest), *_contents(items, fewest)]
    return found + [
        Aspect("title", (Facet("title", "", name),), {one: [spoken(title)] for one in LANGUAGES}, frozenset([name]))
        for name, title, _ in items
    ]


def spoken(title: str) -> str:
    """A title as people say it: without its year, its article in front."""
    bare = _YEAR.sub("", title)
    moved = _MOVED.match(bare)
    return f"{moved[2]} {moved[1]}" if moved else bare


def year(title: str) -> int | None:
    found = _YEAR.search(title)
    return int(found.group().strip(" ()")) if found else None


def _genres(items: Sequence[tuple[str, str, Mapping[str, Any]]], fewest: int) -> list[Aspect]:
    members = _by_value(items, "genres")
    return [
        Aspect("genre", (Facet("attribute", "genres", value),), words, frozenset(members[value]))
        for value, words in data()["genres"].items()
        if len(members.get(value, ())) >= fewest
    ]


def _creators(items: Sequence[tuple[str, str, Mapping[str, Any]]]) -> list[Aspect]:
    words: Mapping[str, Sequence[str]] = data()["creators"]
    return [
        Aspect(
            "creator",
            (Facet("attribute", "director", name),),
            {language: [one.format(name) for one in words[language]] for language in LANGUAGES},
            frozenset(own),
        )
        for name, own in sorted(_by_value(items, "director").items())
        if len(own) >= 2
    ]


def _periods(items: Sequence[tuple[str, str, Mapping[str, Any]]], fewest: int) -> list[Aspect]:
    said = data()["periods"]
    years = {name: int(given["year"]) if given.get("year") else year(title) for name, title, given in items}
    found = []
    for first, in_words in said["in words"].items():
        begins = int(first)
        own = frozenset(name for name, made in years.items() if made is not None and begins <= made <= begins + 9)
        short = {"en": first, "de": str(begins % 100), "es": str(begins % 100)}
        words = {
            language: [*in_words[language], *(one.format(short[language]) for one in said["years"][language])]
            for language in LANGUAGES
        }
        if len(own) >= fewest:
            found.append(Aspect("period", (Facet("period", "year", f"{begins}-{begins + 9}"),), words, own))
    return found


def _contents(items: Sequence[tuple[str, str, Mapping[str, Any]]], fewest: int) -> list[Aspect]:
    """What films are about, from general knowledge: lists of films written by hand, by title and year."""
    known = {_with_year(title): name for name, title, _ in items}
    found = []
    for content in data()["contents"]:
        own = frozenset(known[film] for film in content["films"] if film in known)
        if len(own) >= fewest:
            found.append(Aspect("content", (), content["words"], own))
    return found


def _with_year(title: str) -> str:
    made = year(title)
    return f"{spoken(title)} ({made})" if made else title


def _by_value(items: Sequence[tuple[str, str, Mapping[str, Any]]], attribute: str) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for name, _, given in items:
        value = given.get(attribute, [])
        for each in value if isinstance(value, list) else [value]:
            members.setdefault(str(each), []).append(name)
    return members


def _with_article(words: str, aspect: Aspect, language: str) -> str:
    articles = data()["articles"].get(language)
    if articles is None or not aspect.is_plural:
        return words
    return f"{'los' if words.split()[0] in articles['masculine'] else articles['default']} {words}"

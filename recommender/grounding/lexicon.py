"""What a catalog's items have, in the words that people use for it: values, creators, periods, titles.

Built once a process and cached by callers; nothing of it is stored.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

from recommender.grounding import forms, people, periods, tables
from recommender.grounding.prose import is_prose
from recommender.grounding.spelling import Spelling
from recommender.grounding.statements import Facet
from recommender.grounding.titles import ORDINARY, Named, Titles, year_of
from recommender.grounding.words import Token, folded_words

# How much company a form needs: a noun none, an adjective a noun behind it, a weak noun one as well unless it is bare,
# a place none of "in" before it, a name a capital letter, a surname that it does not only begin a sentence.
Role = Literal["noun", "adjective", "weak", "place", "name", "surname"]
LONGEST_VALUE = 60  # characters: nobody writes a longer one out
MOST_WORDS = 6  # of a value
_YEAR_NAMES = re.compile(r"year|jahr|^a[nñ]o|publi(?:shed|cation_date)|^released?$|release_date|^date$")
_SKIPPED = re.compile(
    r"descri|summary|plot|overview|synops|url|image|link|isbn|asin|(?:^|_)id$|price|title|pages|rating"
)
_PROPER = re.compile(r"brand|publisher|manufacturer|studio|store|label|maker|series|franchise|company|network|verlag")
_YEAR = re.compile(r"\b(1[0-9]\d\d|20\d\d)\b")
_NOTHING = frozenset(tables.lines("no_values"))


@dataclass(frozen=True, slots=True)
class Value:
    """One meaning of some words: facets that an item must all have."""

    facets: tuple[Facet, ...]
    role: Role


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens `begin` to `end` name one of `options`; only titles and surnames have more than one."""

    begin: int
    end: int
    options: tuple[tuple[Facet, ...], ...]
    role: Role | Literal["title", "period", "year"]

    @property
    def facets(self) -> tuple[Facet, ...]:
        return self.options[0]


class Lexicon:
    def __init__(self) -> None:
        self.nouns: frozenset[str] = forms.GENERIC
        self.year_name = ""
        self.titles = Titles()
        self._values: dict[str, tuple[Value, ...]] = {}
        self._lengths: dict[str, int] = {}

    @classmethod
    def of(cls, items: Iterable[tuple[str, str, Mapping[str, Any]]], *, nouns: Sequence[str] = ()) -> Self:
        """`items`: external id, title and attributes of each; `nouns`: what the catalog calls its items."""
        lexicon = cls()
        own = {form for noun in nouns for word in [" ".join(folded_words(noun))] for form in forms.numbers(word)}
        lexicon.nouns = forms.GENERIC | {word for form in own for word in form.split()[-1:]}
        counts: dict[str, Counter[str]] = {}
        for item_id, title, attributes in items:
            lexicon.titles.add(item_id, title)
            if not lexicon.year_name and year_of(title):
                lexicon.year_name = "year"
            for name, value in attributes.items():
                known = counts.get(name)
                if known is None:
                    known = counts[name] = Counter()
                for each in _values_of(value):
                    known[each] += 1
        lexicon._add_values(counts)
        return lexicon

    @cached_property
    def spelling(self) -> Spelling:
        """The words of its values and names; made when somebody writes a word that is none."""
        return Spelling({word for form in self._values for word in form.split()}, slips=2)

    def named_in(self, text: str, tokens: Sequence[Token]) -> list[Named]:
        return self.titles.named_in(text, tokens)

    def meant(self, said: Sequence[Token], *, plain: bool) -> Facet | None:
        """What the words of a phrase are by themselves, now that they are one: a title, or, in a text without capital
        letters, a person."""
        if item := self.titles.item_of(said):
            return Facet("title", "", item) if plain or said[0].capital else None
        values = self._values.get(" ".join(token.word for token in said), ()) if plain else ()
        known = [value.facets for value in values if value.role in ("name", "surname")]
        return known[0][0] if len(known) == 1 else None

    def mention_at(self, tokens: Sequence[Token], place: int, *, plain: bool = False) -> Mention | None:
        """The longest value, creator or period that begins at a token. `plain`: names need no capital letter."""
        period = periods.at(tokens, place) if self.year_name else None
        mention = self._value_at(tokens, place, plain)
        if period and (mention is None or mention.end < period.end):
            facet = Facet("period", self.year_name, f"{period.first}-{period.last}")
            return Mention(place, period.end, ((facet,),), "year" if period.loose else "period")
        return mention

    def _value_at(self, tokens: Sequence[Token], place: int, plain: bool) -> Mention | None:
        first = tokens[place]
        bits = self._lengths.get(first.word, 0)
        while bits:
            length = bits.bit_length() - 1
            bits ^= 1 << length
            end = place + length
            if end > len(tokens):
                continue
            said = tokens[place:end]
            if not all(token.is_word for token in said):
                said, end = _without_dots(tokens, place, length)
            key = " ".join(token.word for token in said)
            values = self._values.get(key) if len(said) == length else None
            if values is None:
                continue
            values = tuple(
                value
                for value in values
                if first.capital
                or (plain and length > 1)
                or not (value.role in ("name", "surname") or key in ("us", "uk"))
            )
            if values:
                return Mention(place, end, tuple(value.facets for value in values), values[0].role)
        return self._compound_at(tokens, place)

    def _compound_at(self, tokens: Sequence[Token], place: int) -> Mention | None:
        """German compounds and genitives ("Kriegsfilme", "Kurosawas"), several people of one name ("the Coens")."""
        token = tokens[place]
        stems = []
        if compound := forms.COMPOUND.fullmatch(token.word):
            stems = [compound[1], compound[1].rstrip("s")]
        elif token.capital and token.word.endswith("s"):
            stems = [token.word[:-1]]
        for stem in stems:
            values = self._values.get(stem, ())
            if compound is None:
                values = tuple(value for value in values if value.role in ("surname", "name"))
            if values:
                return Mention(
                    place, place + 1, tuple(value.facets for value in values), "surname" if not compound else "noun"
                )
        return None

    def _add_values(self, counts: Mapping[str, Counter[str]]) -> None:
        surnames: dict[str, dict[Facet, None]] = {}
        kinds: dict[str, Facet] = {}  # a group of kinds → its value here
        ordered = sorted(counts, key=lambda name: ("genre" not in name.casefold(), people.is_role(name), name))
        for name in ordered:
            folded = name.casefold().replace("-", "_").replace(" ", "_")
            if _YEAR_NAMES.search(folded) and any(_YEAR.search(value) for value in counts[name]):
                self.year_name = name
            elif people.is_role(folded):
                self._add_people(name, counts[name], surnames)
            elif not _SKIPPED.search(folded):
                proper = _PROPER.search(folded) is not None
                for value, _ in counts[name].most_common():
                    self._add_value(
                        Facet("attribute", name, value),
                        kinds,
                        proper=proper,
                        language="lang" in folded or "sprache" in folded or "idioma" in folded,
                    )
        for pair, groups in forms.PAIRS.items():
            facets = tuple(dict.fromkeys(kinds[group] for group in groups if group in kinds))
            if len(facets) == len(groups):
                self._learn(pair, Value(facets, "noun"))
        for surname, facets_of in surnames.items():
            ordinary = surname in ORDINARY or surname in self._values
            if len(surname) > 2 and len(facets_of) <= 3:
                for facet in facets_of:
                    self._learn(surname, Value((facet,), "surname"), add=not ordinary)

    def _add_value(self, facet: Facet, kinds: dict[str, Facet], *, proper: bool, language: bool) -> None:
        words = folded_words(facet.value)
        key = " ".join(words)
        if not words or len(words) > MOST_WORDS or key in _NOTHING or key in self.nouns or (len(key) < 2):
            return
        if proper:
            self._learn(key, Value((facet,), "name"))
            if "series" in facet.name.casefold() and len(words) == 2 and words[1] not in ORDINARY:
                self._learn(words[1], Value((facet,), "surname"))  # a hero's: Holmes
            return
        for form, role in forms.of_value(key, language=language):
            self._learn(form, Value((facet,), role), over=role == "noun" and form == key)
        for group in forms.groups_of(key):
            kinds.setdefault(group, facet)

    def _add_people(self, name: str, values: Iterable[str], surnames: dict[str, dict[Facet, None]]) -> None:
        for value in values:
            facet = Facet("attribute", name, value)
            full, surname = people.written(value)
            for words in full:
                self._learn(" ".join(words), Value((facet,), "name"))
            if surname:
                for words in people.surnames(surname):
                    surnames.setdefault(" ".join(words), {})[facet] = None

    def _learn(self, form: str, value: Value, *, over: bool = False, add: bool = False) -> None:
        known = self._values.get(form)
        if known is None or over:
            self._values[form] = (value,)
        elif add:
            self._values[form] = (*known, value)
        else:
            return
        words = form.split(" ")
        self._lengths[words[0]] = self._lengths.get(words[0], 0) | 1 << len(words)


def _values_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.strip()] if len(value) <= LONGEST_VALUE and value.strip() and not is_prose(value) else []
    if isinstance(value, (list, tuple)):
        return [each for part in value for each in _values_of(part)]
    if isinstance(value, bool) or value is None or isinstance(value, dict):
        return []
    text = str(value).strip()
    return [text] if text and len(text) <= LONGEST_VALUE else []


def _without_dots(tokens: Sequence[Token], place: int, length: int) -> tuple[list[Token], int]:
    """Words across the dots of initials: J. R. R. Tolkien."""
    said: list[Token] = []
    at = place
    while at < len(tokens) and len(said) < length:
        token = tokens[at]
        if token.is_word:
            said.append(token)
        elif not (token.word == "." and said and len(said[-1].word) <= 3):
            break
        at += 1
    return said, at

"""A catalog's items as statements see them: which of them meet an aspect. Kept by a process, refreshed now and then.

Like serving's catalog index it is read rarely: an item that was imported, or whose text was approved or rejected since
is met, or no longer met, a little later.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial, reduce
from typing import Any, Self

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from recommender.grounding.lexicon import Lexicon
from recommender.grounding.sentences import spans
from recommender.grounding.statements import Facet
from recommender.models import Catalog, Item, Knowledge, Polarity, Statement
from recommender.process_cache import ProcessCache

FRESH_SECONDS = 60.0
REST_PER_WORK = 50  # so much longer than reading took it is used
KEPT_CATALOGS = 8
AT_ONCE = 500  # turns asked for together
PHRASE = "phrase="  # that the key of an aspect has for each of its phrases
NO_YEAR = -1
YEAR = "year"
_YEAR_IN_TITLE = re.compile(r"\((\d{4})\)\s*$")
_WORD = re.compile(r"[^\W_]{3,}")
_LACKING = re.compile(  # what such a sentence names, the item may well lack
    r"\b(?:not|no|never|without|unlike|nothing|hardly|rather than|(?:dis|un)lik\w*|avoid\w*)\b|n[’']t\b"
    r"|\b(?:kein\w*|nicht|ohne|sin|nunca)\b"
)
# Of a phrase, what need not be found: "set in a prison" is about prisons.
_FUNCTION_WORDS = frozenset(
    """the and with about set from into that their its her his
    über mit von aus der die das den und sobre con del las los una por para""".split()  # noqa: SIM905 - a list of words
)
Places = NDArray[np.int64]  # of items, ascending


@dataclass(frozen=True, eq=False)
class CatalogAspects:
    """`pks` (v), ascending, in a training run the items' numbers; what else is known of them is in that order."""

    pks: NDArray[np.int64]
    external_ids: Sequence[str]
    titles: Sequence[str]
    attributes: Sequence[Mapping[str, Any]]
    by_value: Mapping[tuple[str, str], Places]
    texts: Mapping[int, str] = field(default_factory=dict)  # place → the approved text about the item, casefolded
    facts: Mapping[int, Sequence[frozenset[str]]] = field(default_factory=dict)  # place → words of each fact it states
    of_phrases: dict[str, Places] = field(default_factory=dict)
    of_numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        pks: Sequence[int],
        external_ids: Sequence[str],
        titles: Sequence[str],
        attributes: Sequence[Mapping[str, Any]],
        *,
        texts: Mapping[int, str] | None = None,
        facts: Mapping[int, Sequence[str]] | None = None,
    ) -> Self:
        """By place, `texts`: the approved text about the item, casefolded; `facts`: the phrases that this text states
        of it, as people left them."""
        members: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, own in enumerate(attributes):
            for name, value in own.items():
                for each in value if isinstance(value, list) else [value]:
                    members[name, str(each)].append(place)
        by_value = {key: np.unique(places) for key, places in members.items()}
        said = {place: [_stems(phrase) for phrase in phrases] for place, phrases in (facts or {}).items()}
        return cls(np.array(pks, dtype=np.int64), external_ids, titles, attributes, by_value, texts or {}, said)

    @cached_property
    def lexicon(self) -> Lexicon:
        """Seconds for a catalog of 100,000 titles; made when a text is first read."""
        return Lexicon.of(zip(self.external_ids, self.titles, self.attributes, strict=True))

    @cached_property
    def title_of(self) -> Mapping[str, str]:
        return dict(zip(self.external_ids, self.titles, strict=True))

    @cached_property
    def values_of(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """By the name of an attribute: casefolded value → the values as items have them."""
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name, value in self.by_value:
            found[name][value.casefold()].append(value)
        return found

    def numbers(self, name: str) -> NDArray[np.float64]:
        """An attribute of every item as a number (v), of a list its first; NaN where it is none.

        `year` is what statements take for an item's year, where items have no attribute of that name.
        """
        if name not in self.of_numbers:
            if name == YEAR and name not in self.values_of:
                self.of_numbers[name] = np.where(self._years == NO_YEAR, np.nan, self._years)
            else:
                self.of_numbers[name] = np.array([_number(own.get(name)) for own in self.attributes], dtype=np.float64)
        return self.of_numbers[name]

    def meeting(self, aspect: Sequence[Facet]) -> Places:
        """The items that have all of these facets."""
        return reduce(partial(np.intersect1d, assume_unique=True), [self._of_facet(facet) for facet in aspect])

    def _of_facet(self, facet: Facet) -> Places:
        match facet.kind:
            case "attribute":
                return self.by_value.get((facet.name, facet.value), _NONE)
            case "period":
                first, last = facet.years
                return np.flatnonzero((self._years >= first) & (self._years <= last))
            case "title":
                place = self._place_of.get(facet.value)
                return _NONE if place is None else np.array([place])
            case "phrase":
                if facet.value not in self.of_phrases:
                    self.of_phrases[facet.value] = self._with_words(facet.value)
                return self.of_phrases[facet.value]

    @cached_property
    def _place_of(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate(self.external_ids)}

    @cached_property
    def _years(self) -> NDArray[np.int64]:
        return np.array([_year(*one) for one in zip(self.titles, self.attributes, strict=True)], dtype=np.int64)

    @cached_property
    def _words(self) -> Sequence[frozenset[str]]:
        described = zip(self.titles, self.attributes, strict=True)
        return [_stems(f"{title} {' '.join(_texts(given))}") for title, given in described]

    def _with_words(self, phrase: str) -> Places:
        """What has all words of a phrase in its title and attributes, in a fact that its approved text states, or in
        one sentence of that text."""
        said = [word for word in _WORD.findall(phrase.casefold()) if word not in _FUNCTION_WORDS]
        wanted = {_stem(word) for word in said if word not in self.lexicon.nouns}
        if not wanted:
            return _NONE
        found = {place for place, words in enumerate(self._words) if wanted <= words}
        found |= {place for place, facts in self.facts.items() if any(wanted <= fact for fact in facts)}
        found |= {place for place, text in self.texts.items() if _tells_of(text, wanted)}
        return np.array(sorted(found), dtype=np.int64)


_NONE: Places = np.empty(0, dtype=np.int64)
KEPT: ProcessCache[tuple[int, datetime, int], CatalogAspects] = ProcessCache("aspects", most=KEPT_CATALOGS)


def aspects_of(catalog: Catalog) -> CatalogAspects:
    key = (catalog.pk, catalog.created_at, catalog.erasures)
    return KEPT.get(key, lambda: _read(catalog), fresh_for=lambda seconds: max(FRESH_SECONDS, REST_PER_WORK * seconds))


def _read(catalog: Catalog) -> CatalogAspects:
    """What was read before an erasure leaves memory."""
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    items = Item.objects.filter(catalog=catalog).order_by("pk")
    rows = list(items.values_list("pk", "external_id", "title", "attributes").iterator(chunk_size=5_000))
    pks, external_ids, titles, attributes = zip(*rows, strict=True) if rows else ((), (), (), ())
    place_of = {pk: place for place, pk in enumerate(pks)}
    texts = {place_of[pk]: text for pk, text in _texts_in_force(catalog) if pk in place_of}
    facts: dict[int, list[str]] = defaultdict(list)
    for pk, phrase in _facts_in_force(catalog):
        if pk in place_of:
            facts[place_of[pk]].append(phrase)
    return CatalogAspects.of(pks, external_ids, titles, attributes, texts=texts, facts=facts)


def _texts_in_force(catalog: Catalog) -> Iterator[tuple[int, str]]:
    """Items' primary keys and the latest approved text about each, kept drafts one after the other, casefolded."""
    rows = Knowledge.objects.filter(catalog=catalog, end_user=None, in_force=True).order_by("as_of")
    for pk, text, further in rows.values_list("item_id", "text", "further_texts").iterator(chunk_size=5_000):
        yield pk, "\n".join([text, *(each["text"] for each in further)]).casefold()


def _facts_in_force(catalog: Catalog) -> Iterator[tuple[int, str]]:
    """Items' primary keys and the phrases that approved texts about them state as facts. What a sentence denies beside
    a fact, the fact does not: "a slow-burning heist without violence"."""
    of_items = Knowledge.objects.filter(catalog=catalog, end_user=None, in_force=True)
    drafts = of_items.exclude(further_texts=[]).values_list("further_texts", flat=True)
    further = [draft["turn"] for each in drafts for draft in each]
    turns = [Q(turn_id__in=of_items.values("turn_id"))]
    turns += [Q(turn_id__in=further[first : first + AT_ONCE]) for first in range(0, len(further), AT_ONCE)]
    for some in turns:
        facts = Statement.objects.filter(some, ended_at=None, polarity=Polarity.NEUTRAL, key__contains=PHRASE)
        for pk, aspect in facts.values_list("turn__round__item_id", "aspect").iterator(chunk_size=5_000):
            yield from ((pk, facet["value"]) for facet in aspect if facet["kind"] == "phrase")


def _tells_of(text: str, wanted: Set[str]) -> bool:
    """Whether one sentence has all of these words, and denies nothing."""
    if not all(word in text for word in wanted):
        return False
    sentences = (text[start:end] for start, end in spans(text))
    return any(
        wanted <= set(map(_stem, _WORD.findall(sentence))) and not _LACKING.search(sentence) for sentence in sentences
    )


def _year(title: str, attributes: Mapping[str, Any]) -> int:
    """An item's year: its attribute's that is named so, else the one at the end of its title."""
    for name in ("year", "release_year", "published"):
        try:
            return int(str(attributes[name])[:4])
        except (KeyError, ValueError):
            continue
    found = _YEAR_IN_TITLE.search(title)
    return int(found[1]) if found else NO_YEAR


def _number(value: Any) -> float:
    first = value[0] if isinstance(value, list) and value else value
    try:
        number = float(first)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _texts(attributes: Mapping[str, Any]) -> list[str]:
    return [
        str(each) for value in attributes.values() for each in (value if isinstance(value, list) else [value]) if each
    ]


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(_stem, _WORD.findall(text.casefold())))


def _stem(word: str) -> str:
    """A word without its plural: enough to find "slow burns" in "a slow burn"."""
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word

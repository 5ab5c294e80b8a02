"""A catalog's items as statements see them: which of them meet an aspect. Kept by a process, refreshed now and then.

Like serving's catalog index it is read rarely: an item whose text was approved or rejected since is met, or no longer
met, a little later. Where items came or changed, as the catalog's stamps say, what is quickly read is read anew at
once, if that takes no more than 1 / REST_PER_WORK of the time.
"""

import math
import re
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, reduce
from itertools import accumulate
from operator import and_
from typing import Any, Self

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from recommender import background
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.prose import parted
from recommender.grounding.statements import Facet
from recommender.grounding.terms import is_sentence, spellings, stem, stemmed, stems_of, without_nouns, words_of
from recommender.grounding.topics import other_words
from recommender.models import Catalog, Item, Knowledge, Polarity, Statement
from recommender.process_cache import ProcessCache
from recommender.stamps import kept
from recommender.statements.phrases import Near, Sentence, Told, key_of, meanings_of, sentence_of

FRESH_SECONDS = 60.0
REST_PER_WORK = 50  # so much longer than reading took it is used
LONGEST_AT_ONCE = 0.5  # seconds: what takes longer to read waits for its time though items changed
KEPT_CATALOGS = 8
MOST_SENTENCES = 20_000  # kept: of a phrase and an item
MOST_ASPECTS, MOST_PLACES = 1_000, 5_000  # kept: aspects, each of which so many items meet at most
AT_ONCE = 500  # turns asked for together
OF_TOPIC = 0.9  # how surely other words of a topic mean it
LOOKED_FOR = 3  # words of a sentence
PHRASE = "phrase="  # that the key of an aspect has for each of its phrases
NO_YEAR = -1
YEAR = "year"
_YEAR_IN_TITLE = re.compile(r"\((\d{4})\)\s*$")
Places = NDArray[np.int64]  # of items, ascending
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """The items (n) that meet an aspect. `degrees` (n): how surely, above 0 and at most 1: less where a text tells
    of it in other words; None: all surely."""

    places: Places
    degrees: Floats | None = None

    def __and__(self, other: "Met") -> "Met":
        places, own, theirs = np.intersect1d(self.places, other.places, assume_unique=True, return_indices=True)
        degrees = [each[rows] for each, rows in ((self.degrees, own), (other.degrees, theirs)) if each is not None]
        return Met(places, np.min(degrees, axis=0) if degrees else None)


@dataclass(slots=True)
class Reading:
    """When a catalog was read last; what says the same since stays what it was."""

    stamp: int | None = None  # of the catalog's items; None: nobody knows
    due: float = math.inf  # by `time.monotonic`: from then on they are read anew where items changed


@dataclass(frozen=True, eq=False)
class CatalogAspects:
    """`pks` (v), ascending, in a training run the items' numbers; what else is known of them is in that order.

    `attributes` are without descriptions, which tell of their items as approved texts do.
    """

    pks: NDArray[np.int64]
    external_ids: Sequence[str]
    titles: Sequence[str]
    attributes: Sequence[Mapping[str, Any]]
    by_value: Mapping[tuple[str, str], Places]
    told: Mapping[int, Sequence[Told]] = field(default_factory=dict)  # place → approved texts about it, then its own
    near: Mapping[str, Near] = field(default_factory=dict)  # key of a phrase → what means the same
    facts: Mapping[int, Sequence[frozenset[str]]] = field(default_factory=dict)  # place → stems of each fact it states
    of_phrases: dict[str, Met] = field(default_factory=dict)
    of_aspects: dict[tuple[Facet, ...], Met] = field(default_factory=dict)
    of_sentences: dict[tuple[str, int], Sentence | None] = field(default_factory=dict)
    of_numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    last: Reading = field(default_factory=Reading)

    @classmethod
    def of(
        cls,
        pks: Sequence[int],
        external_ids: Sequence[str],
        titles: Sequence[str],
        attributes: Sequence[Mapping[str, Any]],
        *,
        told: Mapping[int, Sequence[Told]] | None = None,
        near: Mapping[str, Near] | None = None,
        facts: Mapping[int, Sequence[str]] | None = None,
    ) -> Self:
        """By place, `told`: the approved texts about the item; `facts`: the phrases that these state of it, as people
        left them. `near`: by a phrase's key, terms that mean the same."""
        shared = [parted(each) for each in attributes]
        attributes = [values for values, _ in shared]
        texts = dict(told or {})
        for place, (_, described) in enumerate(shared):
            if described:
                texts[place] = [*texts.get(place, ()), *(Told(None, text, name) for name, text in described)]
        members: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, own in enumerate(attributes):
            for name, value in own.items():
                for each in value if isinstance(value, list) else [value]:
                    members[name, str(each)].append(place)
        by_value = {key: np.unique(places) for key, places in members.items()}
        said = {place: [_stems(phrase) for phrase in phrases] for place, phrases in (facts or {}).items()}
        ids = np.array(pks, dtype=np.int64)
        return cls(ids, external_ids, titles, attributes, by_value, texts, near or {}, said)

    def says_as(self, other: Self) -> bool:
        """Whether both have the same items, of which the same is known."""
        return np.array_equal(self.pks, other.pks) and all(
            getattr(self, name) == getattr(other, name)
            for name in ("external_ids", "titles", "attributes", "told", "near", "facts")
        )

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

    def number_of(self, name: str, title: str, attributes: Mapping[str, Any]) -> float:
        """The same of one item as it is now."""
        if name == YEAR and name not in self.values_of:
            year = _year(title, attributes)
            return math.nan if year == NO_YEAR else float(year)
        return _number(attributes.get(name))

    def meeting(self, aspect: Sequence[Facet]) -> Places:
        """The items that have all of these facets."""
        return self.met(aspect).places

    def met(self, aspect: Sequence[Facet]) -> Met:
        """The same, with how surely."""
        facets = tuple(aspect)
        known = self.of_aspects.get(facets)
        if known is None:
            known = reduce(and_, map(self._of_facet, facets))
            if len(known.places) <= MOST_PLACES:
                if len(self.of_aspects) >= MOST_ASPECTS:
                    self.of_aspects.clear()
                self.of_aspects[facets] = known
        return known

    def sentence(self, aspect: Sequence[Facet], place: int) -> Sentence | None:
        """What a text about the item there tells of a phrase of this aspect; None where none does."""
        if place in self.told:
            for facet in aspect:
                if facet.kind == "phrase" and (found := self._sentence(facet.value, place)):
                    return found
        return None

    def _sentence(self, phrase: str, place: int) -> Sentence | None:
        key = phrase, place
        if key not in self.of_sentences:
            ways = [(self._wanted(phrase), "")]
            ways += [(set(stemmed(term).split()), term) for term, _ in self._near(phrase)]
            found = (
                sentence_of(self.told[place], wanted, term="" if is_sentence(term) else term)
                for wanted, term in ways
                if wanted
            )
            if len(self.of_sentences) >= MOST_SENTENCES:
                self.of_sentences.clear()
            self.of_sentences[key] = next(filter(None, found), None)
        return self.of_sentences[key]

    def _of_facet(self, facet: Facet) -> Met:
        match facet.kind:
            case "attribute":
                return Met(self.by_value.get((facet.name, facet.value), _NONE))
            case "period":
                first, last = facet.years
                return Met(np.flatnonzero((self._years >= first) & (self._years <= last)))
            case "title":
                place = self._place_of.get(facet.value)
                return Met(_NONE if place is None else np.array([place]))
            case "phrase":
                if facet.value not in self.of_phrases:
                    self.of_phrases[facet.value] = self._of_phrase(facet.value)
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

    @cached_property
    def _texts(self) -> tuple[str, Sequence[int], Sequence[int]]:
        """All texts about items, casefolded, one after the other; where each item's end, and the items' places."""
        texts = ["\n".join(each.text for each in told).casefold() for told in self.told.values()]
        return "\n".join(texts), list(accumulate(len(text) + 1 for text in texts)), list(self.told)

    def _naming(self, stem: str) -> Iterator[int]:
        """The places of items in whose texts the letters of this stem stand."""
        joined, ends, places = self._texts
        for letters in spellings(stem):
            at = joined.find(letters)
            while at >= 0:
                row = bisect_right(ends, at)
                yield places[row]
                at = joined.find(letters, ends[row])

    def _of_phrase(self, phrase: str) -> Met:
        """What has all words of a phrase in its title and attributes, in a fact that its approved text states, or in
        one sentence of that text or of a description; then what has a term there that means the same, or a sentence
        that tells of it in other words."""
        ways = [(set(stemmed(term).split()), degree) for term, degree in self._near(phrase)]
        found: dict[int, float] = {}
        if wanted := self._wanted(phrase):
            found = {place: 1.0 for place, words in enumerate(self._words) if wanted <= words}
            found |= {place: 1.0 for place, facts in self.facts.items() if any(wanted <= fact for fact in facts)}
            ways.insert(0, (wanted, 1.0))
        for stems, degree in ways:
            rarest = sorted(stems, key=len, reverse=True)[:LOOKED_FOR]  # of a sentence; what is found is checked whole
            for place in set.intersection(*(set(self._naming(one)) for one in rarest)) - found.keys():
                if sentence_of(self.told[place], stems):
                    found[place] = degree
        degrees = [found[place] for place in sorted(found)]
        return Met(np.array(sorted(found), dtype=np.int64), None if set(degrees) <= {1.0} else np.array(degrees))

    def _wanted(self, phrase: str) -> set[str]:
        return set(map(stem, words_of(phrase.casefold(), self.lexicon.nouns)))

    def _near(self, phrase: str) -> Near:
        """Other words of a topic, and what a worker found."""
        nouns = self.lexicon.nouns
        topic = other_words(without_nouns(words_of(phrase.casefold(), nouns), nouns))
        return [*((term, OF_TOPIC) for term in topic), *self.near.get(key_of(phrase), ())]


_NONE: Places = np.empty(0, dtype=np.int64)
KEPT: ProcessCache[tuple[int, datetime, int], CatalogAspects] = ProcessCache("aspects", most=KEPT_CATALOGS)


def aspects_of(catalog: Catalog) -> CatalogAspects:
    key = _key(catalog)
    known = KEPT.get(
        key, lambda: _renewed(KEPT.last(key), _read(catalog)), fresh_for=_fresh_for, aside=background.aside
    )
    if _is_behind(known, catalog) and time.monotonic() >= known.last.due:
        return KEPT.renew(key, known, lambda one: _renewed(one, _read(catalog)) if _is_behind(one, catalog) else one)
    return known


def _fresh_for(seconds: float) -> float:
    return max(FRESH_SECONDS, REST_PER_WORK * seconds)


def standing(catalog: Catalog) -> tuple[object, float]:
    """As ProcessCache.standing: where items changed, what is kept is used until it is due."""
    known, until = KEPT.standing(_key(catalog))
    value = known[0] if isinstance(known, tuple) else None
    if isinstance(value, CatalogAspects) and _is_behind(value, catalog) and time.monotonic() < value.last.due:
        return known, min(until, value.last.due)
    return known, until


def _key(catalog: Catalog) -> tuple[int, datetime, int]:
    return (catalog.pk, catalog.created_at, catalog.erasures)


def _is_behind(known: CatalogAspects, catalog: Catalog) -> bool:
    """Whether items changed since."""
    now = kept.of(catalog)
    return now is not None and known.last.stamp not in (None, now.items)


def _renewed(before: CatalogAspects | None, now: CatalogAspects) -> CatalogAspects:
    """With what was found out of what was read before, if both say the same: which items meet which phrase, which all
    texts have to be looked through for."""
    if before is None or not now.says_as(before):
        return now
    before.last.stamp, before.last.due = now.last.stamp, now.last.due
    return before


def _read(catalog: Catalog) -> CatalogAspects:
    """What was read before an erasure leaves memory."""
    KEPT.drop(lambda other: other[0] == catalog.pk and other[2] != catalog.erasures)
    stamp, began = kept.of(catalog), time.monotonic()
    found = _read_all(catalog)
    ended = time.monotonic()
    soon = ended - began <= LONGEST_AT_ONCE
    found.last.stamp = stamp.items if stamp else None
    found.last.due = ended + REST_PER_WORK * (ended - began) if soon else math.inf
    return found


def _read_all(catalog: Catalog) -> CatalogAspects:
    items = Item.objects.filter(catalog=catalog).order_by("pk")
    rows = list(items.values_list("pk", "external_id", "title", "attributes").iterator(chunk_size=5_000))
    pks, external_ids, titles, attributes = zip(*rows, strict=True) if rows else ((), (), (), ())
    place_of = {pk: place for place, pk in enumerate(pks)}
    told = {place_of[pk]: texts for pk, texts in _texts_in_force(catalog) if pk in place_of}
    facts: dict[int, list[str]] = defaultdict(list)
    for pk, phrase in _facts_in_force(catalog):
        if pk in place_of:
            facts[place_of[pk]].append(phrase)
    return CatalogAspects.of(pks, external_ids, titles, attributes, told=told, near=meanings_of(catalog), facts=facts)


def _texts_in_force(catalog: Catalog) -> Iterator[tuple[int, Sequence[Told]]]:
    """Items' primary keys and the latest approved text about each, or its kept drafts."""
    rows = Knowledge.objects.filter(catalog=catalog, end_user=None, in_force=True).order_by("as_of")
    wanted = rows.values_list("item_id", "turn_id", "text", "further_texts")
    for pk, turn, text, further in wanted.iterator(chunk_size=5_000):
        yield pk, [Told(turn, text), *(Told(each["turn"], each["text"]) for each in further)]


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
    return frozenset(stems_of(text.casefold()))

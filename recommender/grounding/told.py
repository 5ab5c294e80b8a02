"""What a model itself lists as stated by its text: found in the text, and held against what a reader read there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from recommender.grounding.aspects import aspects_in
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.phrases import LONGEST_PHRASE, phrase_facet, phrase_in
from recommender.grounding.reader import marked
from recommender.grounding.statements import Facet, Holder, Polarity, Statement

Strength = Literal["strong", "plain", "hedged"]
STRENGTHS: dict[Strength, float] = {"strong": 1.0, "plain": 0.75, "hedged": 0.4}
_WORD = re.compile(r"[^\W_]+")
LONGEST = 1000  # characters of a quote
NOTHING = "nothing"  # what one of two says where it does not state what the other does


@dataclass(frozen=True, slots=True)
class Listed:
    """One statement in a model's words (prompts.EXTRACTION_SCHEMA). `quote`: its place in the text, copied."""

    quote: str
    about: str
    polarity: Polarity
    strength: Strength = "plain"
    who: Holder = "subject"

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Self | None:
        """None for an entry that lacks a part or has a polarity of its own; strength and holder may be odd."""
        quote, about, polarity = (said.get(name) for name in ("quote", "about", "polarity"))
        strength, who = said.get("strength"), said.get("who")
        if not (isinstance(quote, str) and isinstance(about, str) and about.strip()):
            return None
        if polarity not in get_args(Polarity):
            return None
        quote, about = _storable(quote)[:LONGEST], " ".join(_storable(about).split())[:LONGEST]
        if not about:
            return None
        strength = strength if isinstance(strength, str) and strength in STRENGTHS else "plain"
        who = who if who in get_args(Holder) else "subject"
        return cls(quote, about, polarity, strength, who)  # type: ignore[arg-type] # looked at above

    def to_json(self) -> dict[str, str]:
        return {name: str(getattr(self, name)) for name in ("quote", "about", "polarity", "strength", "who")}


@dataclass(frozen=True, slots=True)
class Heard:
    """A statement of a model or of a reader. `otherwise`: the polarity that the other one has, or that it says NOTHING
    of this aspect; empty where both agree."""

    statement: Statement
    by_model: bool
    otherwise: str = ""


def together(theirs: Sequence[Statement], ours: Sequence[Statement]) -> list[Heard]:
    """The statements that a model listed, and those that only a reader read, in the order of the text."""
    left = list(ours)
    found = []
    for statement in theirs:
        same = [one for one in left if one.holder == statement.holder and _alike(one, statement)]
        agreed = next((one for one in same if one.polarity == statement.polarity), None)
        other = agreed or (same[0] if same else None)
        if other is not None:
            left.remove(other)
        otherwise = NOTHING if other is None else "" if agreed else other.polarity
        if other is None and _is_mere(statement.aspect, statement.polarity):
            otherwise = ""  # readers look for no such facts, so that they find none says nothing
        found.append(Heard(statement, True, otherwise))
    found += [Heard(statement, False, NOTHING) for statement in left]
    return sorted(found, key=lambda heard: (heard.statement.start, heard.statement.end))


def statements_of(
    listed: Sequence[Listed], text: str, lexicon: Lexicon, *, about: Literal["end_user", "item"], subject: str = ""
) -> list[Statement]:
    """What was listed as the catalog has it. What the text does not hold is left out.

    Facts about mere phrases ("a slow-burning heist") are kept of items, where the text has their words; of an end user
    they say nothing of a taste.

    `subject`: external id of the item that the text is about, whose own title is no statement.
    """
    found: dict[tuple[str, str], Statement] = {}
    for one in listed:
        place = _place(one.quote, text) or _place(one.about, text)
        if place is None:
            continue
        holder: Holder = one.who if about == "item" else "subject"
        for aspect in _aspects(one.about, lexicon):
            is_own = any(facet.kind == "title" and facet.value == subject for facet in aspect)
            is_mere = _is_mere(aspect, one.polarity)
            if is_own or (is_mere and (about == "end_user" or not _has_words(text, aspect))):
                continue
            statement = Statement(aspect, one.polarity, STRENGTHS[one.strength], *place, holder)
            found.setdefault((statement.key, holder), statement)
    return list(found.values())


def _is_mere(aspect: Sequence[Facet], polarity: Polarity) -> bool:
    return polarity == "neutral" and all(facet.kind == "phrase" for facet in aspect)


def _has_words(text: str, aspect: Sequence[Facet]) -> bool:
    """Whether a text has all words of these phrases, wherever; of a plural the singular will do."""
    words = [word.removesuffix("s") for facet in aspect for word in _WORD.findall(facet.value)]
    return all(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words)


def _aspects(words: str, lexicon: Lexicon) -> list[tuple[Facet, ...]]:
    """What a few words name: known values, or else a phrase. A noun helps adjectives: French [films]."""
    for tried in (words, f"{words} films"):
        known = [
            aspect.facets
            for said in marked(tried, lexicon)
            for aspect in aspects_in(said, 0, len(said.tokens), phrases=False)
        ]
        if known:
            return known
    if len(words.split()) > LONGEST_PHRASE:
        return []
    places = [(said, phrase_in(said, 0, len(said.tokens), verbs=True)) for said in marked(words, lexicon)]
    phrases = [phrase_facet(said, *place) for said, place in places if place is not None]
    return [(phrase,) for phrase in phrases] or [(Facet("phrase", "", words),)]


def _place(quote: str, text: str) -> tuple[int, int] | None:
    """Where a text holds these words; white space, case and the quotation marks around them may differ."""
    words = quote.strip(" \n\"'“”„‘’«».…").split()
    if not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE)
    return found.span() if found else None


def _storable(text: str) -> str:
    """Without what JSON may spell and no database takes: NUL, and halves of characters."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode()


def _alike(one: Statement, other: Statement) -> bool:
    """Equal aspects; of phrases, one may be part of the other."""
    if one.key == other.key:
        return True
    known = [{facet.key for facet in each.aspect if facet.kind != "phrase"} for each in (one, other)]
    phrases = [[facet.value.casefold() for facet in each.aspect if facet.kind == "phrase"] for each in (one, other)]
    if known[0] != known[1] or not phrases[0] or len(phrases[0]) != len(phrases[1]):
        return False
    return all(any(mine in theirs or theirs in mine for theirs in phrases[1]) for mine in phrases[0])

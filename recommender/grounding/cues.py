"""The expressions of liking and disliking, compiled, and where a sentence has them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from recommender.grounding import tables
from recommender.grounding.words import Token

Language = Literal["en", "de", "es"]
Table = Language | Literal["outcomes"]
Side = Literal[">", "<", "=", "left", "right"]  # left, right: only what stands right beside
STRENGTHS = {"sure": 1.0, "strong": 1.0, "plain": 0.75, "hedged": 0.4}
NOTHING = 9  # the polarity of words that take back what stands beside them: "nothing can be said about war"
_POLARITIES = {"likes": 1, "dislikes": -1, "mixed": 0, "neutral": None, "nothing": NOTHING}
_OPENING = frozenset({"and", "but", "or", "wants", "want", "please", "und", "aber", "y", "pero", "wunscht", "quiere"})
LONGEST_GAP = 6  # words
_GAPS = ("...", "_")
_CLASSES = {f"@{name}": frozenset(" ".join(words).split()) for name, words in tables.sections("classes").items()}
_IRREGULAR = {verb: forms for line in tables.lines("irregular") for verb, _, forms in [line.partition(":")]}


@dataclass(frozen=True, slots=True)
class Cue:
    """Tokens `begin` to `end` say a polarity: 1, -1, 0 mixed, None nothing. `side`: where the object stands."""

    begin: int
    end: int
    polarity: int | None
    side: Side
    strength: float
    gap: tuple[int, int] | None = None  # the tokens inside that may be the object
    is_bare: bool = False  # a negation alone
    is_sure: bool = False  # whoever hears it otherwise is wrong


@dataclass(frozen=True, slots=True)
class _Part:
    words: frozenset[str] | None  # None: a gap
    optional: bool
    is_object: bool = True  # may be in the gap


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[_Part, ...]
    begins: bool  # a clause
    ends: bool
    polarity: int | None
    side: Side
    strength: float
    is_sure: bool


def _forms(verb: str) -> set[str]:
    found = {verb, verb + ("es" if re.search(r"(?:s|x|ch|sh|o)$", verb) else "s")}
    stem = verb[:-1] if verb.endswith("e") and verb != "see" else verb
    if re.search(r"[^aeiou]y$", verb):
        found |= {verb[:-1] + "ies", verb[:-1] + "ied"}
    elif verb not in _IRREGULAR or not _IRREGULAR[verb]:
        found.add(stem + "ed")
    found.add(stem + "ing")
    if re.search(r"[^aeiou][aeiou][ptgbn]$", verb) and len(verb) < 5:
        found.add(verb + verb[-1] + "ing")
    return found | set(_IRREGULAR.get(verb, "").split())


def words_of(alternatives: str) -> frozenset[str]:
    """The words of "a/b~/@c": one, a verb in all its forms, a class."""
    found: set[str] = set()
    for word in alternatives.split("/"):
        if word in _CLASSES:
            found |= _CLASSES[word]
        elif word.endswith("~"):
            found |= _forms(word[:-1])
        else:
            found.add(word)
    return frozenset(found)


@cache
def _table(language: Table) -> dict[str, list[_Pattern]]:
    """By each word that a pattern can begin with."""
    table: dict[str, list[_Pattern]] = {}
    head: tuple[int | None, Side, float, bool] = (None, ">", 0.75, False)
    for line in tables.lines(f"cues.{language}"):
        if line.startswith("#"):
            polarity, side, strength = line[1:].split()
            head = (_POLARITIES[polarity], side, STRENGTHS[strength], strength == "sure")  # type: ignore[assignment]
            continue
        words = line.split()
        parts = tuple(
            _Part(None if part in _GAPS else words_of(part.rstrip("?")), part.endswith("?"), part != "_")
            for part in words
            if part not in ("^", "$")
        )
        pattern = _Pattern(parts, words[0] == "^", words[-1] == "$", *head)
        for part in parts:
            for word in part.words or ():
                table.setdefault(word, []).append(pattern)
            if not part.optional:
                break
    return table


def cues_in(tokens: Sequence[Token], taken: Sequence[bool], language: Table) -> list[Cue]:
    """From left to right, the longest at each place; `taken`: tokens that name something of the catalog."""
    table = _table(language)
    found: list[Cue] = []
    place = 0
    while place < len(tokens):
        best: Cue | None = None
        if not taken[place]:
            for pattern in table.get(tokens[place].word, ()):
                hit = _match(tokens, taken, place, pattern)
                if hit and (best is None or _is_better(hit, best)):
                    best = hit
        if best is None:
            place += 1
            continue
        found.append(best)
        place = best.end
    return found


def _is_better(hit: Cue, other: Cue) -> bool:
    """The longer one; of two with a gap the one that ends first ("finds dramas dull, comedies great"), telling more."""
    if hit.gap and other.gap:
        return (hit.end, hit.gap[1] - hit.gap[0]) < (other.end, other.gap[1] - other.gap[0])
    return hit.end > other.end or (hit.end == other.end and other.gap is not None and hit.gap is None)


def _match(tokens: Sequence[Token], taken: Sequence[bool], place: int, pattern: _Pattern) -> Cue | None:
    gap: tuple[int, int] | None = None
    at = place
    parts = pattern.parts
    if pattern.begins and place and tokens[place - 1].is_word and tokens[place - 1].word not in _OPENING:
        return None
    for number, part in enumerate(parts):
        if part.words is None:
            end = _gap(tokens, taken, at, parts[number + 1].words or frozenset())
            if end is None:
                return None
            if part.is_object:
                gap = (at, end)
            elif any(taken[at:end]):
                return None
            at = end
        elif at < len(tokens) and not taken[at] and tokens[at].word in part.words:
            at += 1
        elif not part.optional:
            return None
    if pattern.ends and at < len(tokens) and (taken[at] or tokens[at].is_word):
        return None
    if at <= place:
        return None
    return Cue(place, at, pattern.polarity, pattern.side, pattern.strength, gap, is_sure=pattern.is_sure)


def _gap(tokens: Sequence[Token], taken: Sequence[bool], at: int, until: frozenset[str]) -> int | None:
    words = 0
    for place in range(at, len(tokens)):
        token = tokens[place]
        if not taken[place] and token.word in until:
            return place
        if not token.is_word and token.word in ".!?;:()\n":
            return None
        words += not taken[place]
        if words > LONGEST_GAP:
            return None
    return None


_STOPWORDS = {
    language: frozenset(" ".join(tables.sections("languages")[language]).split()) for language in get_args(Language)
}


def language_of(words: Sequence[str], otherwise: Language = "en") -> Language:
    """The language whose small words a sentence has most of."""
    counts = {language: sum(word in known for word in words) for language, known in _STOPWORDS.items()}
    best = max(counts, key=lambda language: (counts[language], language == otherwise))
    return best if counts[best] else otherwise

"""Ratings, counts and shares as opinions: "rated 5", "4/5", "two stars", "3 of 11", "88 %", "mean 1.9"."""

import re
from collections.abc import Sequence

from recommender.grounding.cues import Cue, Side
from recommender.grounding.numbers import NUMBERS, WORDS
from recommender.grounding.words import Token

_STARS, RATED, _LIKED, _DISLIKED = (WORDS[name] for name in ("stars", "rated", "liked", "disliked"))
_ENDS = frozenset(
    {
        "and",
        "but",
        "while",
        "whereas",
        "or",
        "und",
        "aber",
        "y",
        "pero",
        "each",
        "out",
        "by",
        "though",
        "for",
        "with",
        "in",
        "on",
    }
)
_OF = {"of", "/", "von", "aus", "de", "out"}
_SMALL = re.compile(r"\d{1,4}")


def polarity_of_rating(value: float, most: float = 5.0) -> int:
    share = value / most
    return 1 if share >= 0.75 else -1 if share <= 0.45 else 0


def polarity_of_share(share: float) -> int:
    return 1 if share >= 0.66 else -1 if share <= 0.34 else 0


def _number(token: Token | None) -> int | None:
    if token is None:
        return None
    if _SMALL.fullmatch(token.word):
        return int(token.word)
    return NUMBERS.get(token.word)


def scores_in(tokens: Sequence[Token], taken: Sequence[bool]) -> list[Cue]:
    """Cues for what stands right beside: to the left, or to the right of "19 of 30 dramas"."""
    found: list[Cue] = []
    place = 0
    while place < len(tokens):
        hit = None if taken[place] else _score_at(tokens, taken, place)
        if hit:
            found.append(hit)
            place = hit.end
        else:
            place += 1
    return found


def _score_at(tokens: Sequence[Token], taken: Sequence[bool], place: int) -> Cue | None:
    def at(index: int) -> Token | None:
        return tokens[index] if 0 <= index < len(tokens) and not taken[index] else None

    def word(index: int) -> str:
        token = at(index)
        return token.word if token else ""

    number = _number(at(place))
    if number is None:
        return None
    if _is_count(tokens, place):
        return None
    decimal = 0.0
    after = place + 1
    if word(place).isdecimal() and word(after) in (".", ",") and tokens[after].glued and word(after + 1).isdecimal():
        decimal = float("0." + word(after + 1))
        after += 2
    value = number + decimal
    before = word(place - 1)
    rated = before in RATED or (
        before in ("a", "an", "both", "each", "all", "only", "just", "to", "nur", "as", "of", "the")
        and word(place - 2) in RATED
    )
    if word(after) == "%":
        return Cue(place, after + 1, polarity_of_share(value / 100), _side(tokens, taken, place, after + 1), 0.75)
    if word(after) in _OF:
        return _of(tokens, taken, place, after, value, rated)
    if word(after) in _STARS or (word(after) in ("full", "volle") and word(after + 1) in _STARS):
        if word(place) in ("a", "the"):
            return None
        side: Side = (
            "right" if word(after + 1) in ("went", "go", "goes", "each", "for", "to", "fur", "para") else "left"
        )
        return Cue(place, after + 1, polarity_of_rating(value, 10 if value > 5 else 5), side, 0.75)
    if place and tokens[place].glued and not tokens[place].is_word:
        return None
    if word(place) in ("a", "the", "un", "una", "ein", "eine"):
        return None
    if rated and value <= 10 and (not at(after) or not tokens[after].is_word or taken[after] or _ends(word(after))):
        return Cue(place, after, polarity_of_rating(value, 10 if value > 5 else 5), "left", 0.75)
    after_stars = place > 0 and taken[place - 1] and any(token.word in _STARS for token in tokens[:place])
    if after_stars and value <= 5 and (after == len(tokens) or not tokens[after].is_word):
        return Cue(place, after, polarity_of_rating(value), "left", 0.75)
    bare = before in ("(", ":", "–", "—", "-", "=") or (place > 0 and taken[place - 1])
    if (
        bare
        and value <= 10
        and word(place).isdecimal()
        and (after == len(tokens) or word(after) in (")", ",", ".", ";", "\n"))
    ):
        return Cue(place, after, polarity_of_rating(value, 10 if value > 5 else 5), "left", 0.75)
    return None


def _is_count(tokens: Sequence[Token], place: int) -> bool:
    """Whether a number only counts what it was measured on: n = 7."""
    return [token.word for token in tokens[max(0, place - 2) : place]] == ["n", "="]


def _ends(word: str) -> bool:
    return word in _ENDS


def _of(
    tokens: Sequence[Token], taken: Sequence[bool], place: int, after: int, value: float, rated: bool
) -> Cue | None:
    """4 of 5, 4/5, 4 out of 10, 19 of the 30."""
    inner = after + 1
    while inner < len(tokens) and tokens[inner].word in (
        "of",
        "the",
        "these",
        "those",
        "his",
        "her",
        "their",
        "den",
        "las",
        "los",
    ):
        inner += 1
    whole = _number(tokens[inner]) if inner < len(tokens) and not taken[inner] else None
    if not whole or value > whole:
        return None
    end = inner + 1
    slash = tokens[after].word == "/"
    stars = end < len(tokens) and tokens[end].word in _STARS
    if whole in (5, 10) and (slash or rated or stars or tokens[after].word == "out") and not _counts(tokens, end):
        return Cue(place, end + stars, polarity_of_rating(value, whole), "left", 0.75)
    share = value / whole
    words = {token.word for token in tokens[max(0, place - 3) : min(len(tokens), end + 6)]}
    if words & _DISLIKED and not words & _LIKED:
        share = 1 - share
    return Cue(place, end, polarity_of_share(share), _side(tokens, taken, place, end), 0.75)


def _counts(tokens: Sequence[Token], end: int) -> bool:
    return end < len(tokens) and tokens[end].is_word and tokens[end].word not in RATED and not _ends(tokens[end].word)


def _side(tokens: Sequence[Token], taken: Sequence[bool], place: int, end: int) -> Side:
    """Whether a count stands before what it counts ("3 of 11 dramas") or behind ("dramas: 3 of 11")."""
    inner = end
    while inner < len(tokens) and inner < end + 4 and not taken[inner] and tokens[inner].is_word:
        if tokens[inner].word in _LIKED | _DISLIKED | {"were", "was", "and"}:
            return "left"
        inner += 1
    return "right" if inner < len(tokens) and inner < end + 4 and taken[inner] else "left"

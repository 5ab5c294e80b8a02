"""Periods as people write them: decades, years, centuries, and what lies before, after or between them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recommender.grounding.words import Token

FIRST, LAST = 0, 9999
_DECADE = re.compile(r"(1[5-9]|20)?(\d)0(s|er|ern|ies)")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")
_CENTURY = re.compile(r"(\d\d?)(?:st|nd|rd|th)")
_NAMES = {"twenties": 1920, "thirties": 1930, "forties": 1940, "fourties": 1940, "fifties": 1950, "sixties": 1960,
          "seventies": 1970, "eighties": 1980, "nineties": 1990, "noughties": 2000, "aughts": 2000,
          "zwanziger": 1920, "dreissiger": 1930, "vierziger": 1940, "funfziger": 1950, "sechziger": 1960,
          "siebziger": 1970, "achtziger": 1980, "neunziger": 1990, "nuller": 2000}  # fmt: skip
_SPANISH = {"veinte": 1920, "treinta": 1930, "cuarenta": 1940, "cincuenta": 1950, "sesenta": 1960, "setenta": 1970,
            "ochenta": 1980, "noventa": 1990}  # fmt: skip
_ORDINALS = {"sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20,
             "twenty first": 21}  # fmt: skip
_ROMAN = {"xvi": 16, "xvii": 17, "xviii": 18, "xix": 19, "xx": 20, "xxi": 21}
_PARTS = {"early": (0, 3), "mid": (4, 6), "middle": (4, 6), "late": (7, 9), "later": (7, 9), "fruhe": (0, 3),
          "fruhen": (0, 3), "anfang": (0, 3), "mitte": (4, 6), "spate": (7, 9), "spaten": (7, 9), "ende": (7, 9),
          "principios": (0, 3), "comienzos": (0, 3), "mediados": (4, 6), "finales": (7, 9), "fines": (7, 9),
          "first": (0, 4), "second": (5, 9)}  # fmt: skip
_FILLER = {"the", "of", "der", "die", "den", "des", "de", "del", "los", "las", "half", "part", "to", "jahre", "jahren"}
_BEFORE = {"before", "pre", "predating", "vor", "antes", "anterior", "anteriores", "earlier", "older", "prior",
           "preceding"}  # fmt: skip
_UNTIL = {"until", "till", "bis", "hasta", "through", "to", "by"}
_AFTER = {"after", "post", "nach", "despues", "newer", "later", "posterior", "posteriores", "past", "tras", "nachdem"}
_SINCE = {"since", "from", "seit", "ab", "desde", "of", "aus", "von", "de", "in"}
_LINKS = {"than", "to", "the", "de", "del", "los", "las", "a", "der", "den", "dem", "year", "jahr", "que", "about"}
_ON = {"on", "onward", "onwards", "forward", "upwards", "later", "after", "newer", "beyond", "up", "above",
       "spater", "danach", "aufwarts", "neuer", "adelante", "despues", "posteriores", "since"}  # fmt: skip
_BACK = {"earlier", "before", "older", "fruher", "davor", "alter", "antes", "anteriores", "back"}
_JOIN = {"and", "or", "und", "oder", "y", "o", "en", "e"}
_TO = {"to", "-", "–", "—", "through", "until", "till", "and", "bis", "und", "a", "hasta", "y", "al", "into"}
_PEOPLE = {"their", "his", "her", "my", "our", "your", "its"}


@dataclass(frozen=True, slots=True)
class Span:
    """A period and the tokens that say it. `loose`: a bare year, which says a period only in company."""

    first: int
    last: int
    begin: int
    end: int
    loose: bool = False


def at(tokens: Sequence[Token], place: int) -> Span | None:
    """The period that begins at a token, with the words that move its ends."""
    word = tokens[place].word
    if (
        word in _BEFORE
        or word in _AFTER
        or word in _UNTIL
        or word in _SINCE
        or word in ("between", "zwischen", "entre")
    ):
        return _moved(tokens, place)
    base = _base(tokens, place)
    if base is None:
        return None
    return _continued(tokens, base)


def _moved(tokens: Sequence[Token], place: int) -> Span | None:
    """A period behind "before", "after", "since", "between"."""
    word, inner = tokens[place].word, place + 1
    while inner < len(tokens) and tokens[inner].word in _LINKS and inner - place < 4:
        inner += 1
    base = _base(tokens, inner) if inner < len(tokens) else None
    if base is None:
        return None
    between = word in ("between", "zwischen", "entre")
    joined = _continued(tokens, base, ranged=between or word in _SINCE)
    if between:
        return Span(joined.first, joined.last, place, joined.end) if joined.end > base.end else None
    if word in _BEFORE:
        return Span(FIRST, base.first - 1, place, base.end)
    if word in _AFTER and not (word == "later" and inner == place + 1):
        return Span(base.last + 1, LAST, place, base.end)
    if word in ("since", "seit", "ab", "desde") and joined.end == base.end:
        return Span(base.first, LAST, place, base.end)
    if word in ("until", "till", "bis", "hasta"):
        return Span(FIRST, base.last, place, base.end)
    if word in _SINCE and (joined.end > base.end or base.loose):
        return Span(joined.first, joined.last, place, joined.end)
    return None


def _continued(tokens: Sequence[Token], base: Span, *, ranged: bool = True) -> Span:
    """With "and later", "or earlier", "onwards", "to 1975" behind it."""
    words = [token.word for token in tokens[base.end : base.end + 4]]
    if not words:
        return base
    skip = 1 if words[0] in _JOIN or words[0] in ("from", "a") else 0
    if skip < len(words):
        word = words[skip]
        strict = skip or word not in ("after", "before", "since", "despues", "antes", "up", "above", "back", "later")
        if word in _ON and strict:
            return Span(base.first, LAST, base.begin, base.end + skip + 1)
        if word in _BACK and strict:
            return Span(FIRST, base.last, base.begin, base.end + skip + 1)
    if ranged and words[0] in _TO and (base.loose or words[0] not in ("and", "und", "y", "to", "a")):
        inner = base.end + 1
        while inner < len(tokens) and tokens[inner].word in ("the", "los", "der", "den") and inner - base.end < 3:
            inner += 1
        other = _base(tokens, inner) if inner < len(tokens) else None
        if other and other.last >= base.first and (other.loose == base.loose or not base.loose):
            return Span(base.first, other.last, base.begin, other.end)
    if ranged and tokens[base.end].glued is False and words[0] in ("to",):
        inner = base.end + (2 if len(words) > 1 and words[1] == "the" else 1)
        other = _base(tokens, inner) if inner < len(tokens) else None
        if other and other.last > base.last:
            return Span(base.first, other.last, base.begin, other.end)
    if ranged and base.loose and base.end < len(tokens):
        other = _base(tokens, base.end) if tokens[base.end].glued else None  # 1960-1975
        if other and other.loose and other.first > base.first:
            return Span(base.first, other.last, base.begin, other.end)
    return base


def _base(tokens: Sequence[Token], place: int) -> Span | None:
    word = tokens[place].word
    if word in _PARTS:
        inner = place + 1
        while inner < len(tokens) and tokens[inner].word in _FILLER and inner - place < 5:
            inner += 1
        base = _decade(tokens, inner) if inner < len(tokens) else None
        if base is None:
            return None
        low, high = _PARTS[word]
        years = (base.last + 1 - base.first) // 10
        return Span(base.first + low * years, base.first + (high + 1) * years - 1, place, base.end)
    decade = _decade(tokens, place)
    if decade or not _YEAR.fullmatch(word):
        return decade
    return Span(int(word), int(word), place, place + 1, loose=True)


def _decade(tokens: Sequence[Token], place: int) -> Span | None:
    word = tokens[place].word
    following = tokens[place + 1].word if place + 1 < len(tokens) else ""
    before = tokens[place - 1].word if place else ""
    if decade := _DECADE.fullmatch(word):
        if decade[3] == "ies" or before in _PEOPLE:
            return None
        if decade[1] is None and before in ("age", "aged"):
            return None
        start = int((decade[1] or ("20" if decade[2] in "01" else "19")) + decade[2] + "0")
        length = 100 if start % 100 == 0 and start < 1900 else 10
        return Span(start, start + length - 1, place, place + 1 + (following in ("jahre", "jahren")))
    stem = re.sub(r"jahren?$", "", word)
    if (stem in _NAMES or stem.rstrip("n") in _NAMES) and before not in _PEOPLE:
        start = _NAMES.get(stem) or _NAMES[stem.rstrip("n")]
        return Span(start, start + 9, place, place + 1 + (following in ("jahre", "jahren")))
    return _spanish(tokens, place) or _century(tokens, place, word, following)


def _spanish(tokens: Sequence[Token], place: int) -> Span | None:
    """Los 70, años setenta, la década de 1970."""
    words = [token.word for token in tokens[place : place + 6]]
    skip = 0
    while skip < len(words) and words[skip] in ("los", "anos", "la", "decada", "de", "del"):
        skip += 1
    if not skip or skip == len(words) or not {"los", "anos", "decada"} & set(words[:skip]):
        return None
    last = words[skip]
    if last in _SPANISH:
        start = _SPANISH[last]
    elif re.fullmatch(r"\d0", last) and last != "00":
        start = int(("20" if last == "10" else "19") + last)
    elif re.fullmatch(r"(?:19|20)\d0", last) and {"anos", "decada"} & set(words[:skip]):
        start = int(last)
    else:
        return None
    return Span(start, start + 9, place, place + skip + 1)


_JAHRHUNDERT = frozenset({"jahrhundert", "jahrhunderts", "jahrhunderten", "jh"})


def _century(tokens: Sequence[Token], place: int, word: str, following: str) -> Span | None:
    number, end = 0, place + 2
    if following == "century" and (ordinal := _CENTURY.fullmatch(word)):
        number = int(ordinal[1])
    elif following == "century":
        number = _ORDINALS.get(word, 0)
    elif following == "." and word.isdecimal() and place + 2 < len(tokens) and tokens[place + 2].word in _JAHRHUNDERT:
        number, end = int(word), place + 3
    elif word == "siglo":
        number = _ROMAN.get(following, 0)
    if not 10 < number < 22:
        return None
    return Span((number - 1) * 100, (number - 1) * 100 + 99, place, end)

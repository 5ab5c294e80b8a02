"""Counts held against each other, "more comedies than dramas", "twice as many westerns as musicals", "dramas outnumber
comedies", and what makes up most of what is liked, "her favourites are mostly westerns". Pure.

Wrong is only what is wrong however it is understood: by what was liked, or (where no word says so) by what was met,
by number, or by share; and never by a title or two.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recommender.grounding import links, outcomes, tables
from recommender.grounding.aspects import aspects_in
from recommender.grounding.counted import Miscount, Rows, is_known
from recommender.grounding.counted_nouns import DETERMINERS
from recommender.grounding.evidence import meets
from recommender.grounding.fractions import bound_before, span_of
from recommender.grounding.numerals import SHARES, number_at, share_at
from recommender.grounding.phrases import Marked
from recommender.grounding.statements import Facet
from recommender.grounding.words import word_set

MARGIN = 2  # titles by which one kind must have fewer, for who says that it has more to be wrong
REACH = 7  # words of what is compared
ALIKE = (0.7, 1.43)  # what "as many" may mean, as a ratio
LOOSE = (0.7, 1.5)  # of the ratio that "twice" tells, what it may be
LEAST = 0.85  # of the ratio that "more than twice" tells
FAR = 1 / 6  # by which a share may be off that somebody sees in what they like
MANY = (0.4, 1.0)  # what "mostly" may mean where no word counts

_TABLE = tables.sections("comparisons")
_MORE = tuple(tuple(line.split()) for line in _TABLE["more"])
_LESS = tuple(tuple(line.split()) for line in _TABLE["less"])
_MOSTLY = tuple(tuple(line.split()) for line in _TABLE["mostly"])
_MAKE_UP = tuple(tuple(line.split()) for line in _TABLE["make up"])
_LIKED = word_set(" ".join(_TABLE["liked"]))
_WISHES = word_set(" ".join(_TABLE["wishes"]))
# Of a comparison the word before what there is more (or less) of, and the one before the other.
_OPENINGS = {"more": ("than", True), "fewer": ("than", False), "less": ("than", False), "mehr": ("als", True)}
_OPENINGS |= {"weniger": ("als", False), "mas": ("que", True), "menos": ("que", False)}
_TIMES = {"twice": 2.0, "thrice": 3.0, "half": 0.5, "doppelt": 2.0, "halb": 0.5, "dreimal": 3.0, "viermal": 4.0}
_SPANISH_TIMES = {"doble": 2.0, "triple": 3.0, "mitad": 0.5}
_MANY = word_set("many viele viel tantos tantas")
_SEVERAL = word_set("several many")
_NOT = word_set("no not any never nicht kein keine nada ni tampoco nearly near")
_BREAKS = word_set(", ; : ( ) . ? ! — –")
_ARE = word_set("is are was were be been sind ist waren war son es eran fueron")
_BEFORE = DETERMINERS | word_set("of de von a an far still any other films filme filmen peliculas cine")
_RELATIVE = word_set("what everything lo")  # what she likes


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Tokens `begin` to `end`: of the first aspect from `low` to `high` times as many as of the second. `is_order`:
    only which are more is told, so shares may be meant."""

    begin: int
    end: int
    first: tuple[Facet, ...]
    second: tuple[Facet, ...]
    places: tuple[int, ...]  # tokens that name the two
    low: float
    high: float
    is_order: bool


@dataclass(frozen=True, slots=True)
class _Predominance:
    """Tokens `begin` to `end`: of what is liked the aspect is above `low` and up to `high`."""

    begin: int
    end: int
    aspect: tuple[Facet, ...]
    low: float
    high: float


def compares(said: Marked) -> list[tuple[int, int]]:
    """The tokens of every comparison in a sentence."""
    found: list[tuple[int, int]] = [(each.begin, each.end) for each in _comparisons(said)]
    return found + [(each.begin, each.end) for each in _predominances(said)]


def miscompared(said: Marked, readings: Sequence[Rows]) -> Iterator[Miscount]:
    """The wrong comparisons of a sentence. `readings`: the rows that it may be about, with their places."""
    for comparison in _comparisons(said):
        answers = [_answer(said, comparison, rows) for rows in readings]
        if answers and all(answers):
            start, end = said.tokens[comparison.begin].start, said.tokens[comparison.end - 1].end
            yield Miscount(start, end, *(answers[0] or ("", "", ())))
    for each in _predominances(said):
        answers = [_share_of_likes(said, each, rows) for rows in readings]
        if answers and all(answers):
            start, end = said.tokens[each.begin].start, said.tokens[each.end - 1].end
            yield Miscount(start, end, *(answers[0] or ("", "", ())))


_Wrong = tuple[str, str, tuple[int, ...]]  # what is said, what is true, the rows


def _answer(said: Marked, each: _Comparison, rows: Rows) -> _Wrong | None:
    """What a comparison says and what is true; None where it is right of these rows, or nobody can tell."""
    if not (is_known(each.first, rows) and is_known(each.second, rows)):
        return None
    others = [at for at in range(len(said.tokens)) if at not in each.places]
    liked = outcomes.told(said, others)
    first, second = ([row.liked for _, row in rows if meets(aspect, row, {})] for aspect in (each.first, each.second))
    sides = [liked] if liked is not None else [True, None]
    numbers = [(_number(first, side), _number(second, side)) for side in sides]
    if any(_holds(each, a, b) for a, b in numbers):
        return None
    if each.is_order and _holds_by_share(each, first, second, is_liked=liked is not False):
        return None
    a, b = numbers[0]
    places = tuple(place for place, row in rows if meets(each.first, row, {}) or meets(each.second, row, {}))
    name = " liked" if liked is not False else " not liked"
    words = f"{_name(each.first)} {'above' if each.low >= 1 else 'below or beside'} {_name(each.second)}"
    return words, f"{a} against {b}{name}", places


def _name(aspect: Sequence[Facet]) -> str:
    return " & ".join(facet.value for facet in aspect)


def _number(opinions: Sequence[bool | None], side: bool | None) -> int:
    return opinions.count(side) if side is not None else len(opinions)


def _holds(each: _Comparison, a: int, b: int) -> bool:
    """Whether so many of the first and so many of the second may be meant."""
    if each.is_order:
        return a > b - MARGIN if each.low >= 1 else a < b + MARGIN
    if max(a, b) < MARGIN:
        return True
    return each.low <= (a / b if b else math.inf) <= each.high


def _holds_by_share(
    each: _Comparison, first: Sequence[bool | None], second: Sequence[bool | None], *, is_liked: bool
) -> bool:
    """Whether of the first a greater (or smaller) share was received so: more of the comedies than of the dramas."""
    shares = []
    for opinions in (first, second):
        judged = opinions.count(True) + opinions.count(False)
        if not judged:
            return False
        shares.append(opinions.count(is_liked) / judged)
    return shares[0] > shares[1] if each.low >= 1 else shares[0] < shares[1]


def _share_of_likes(said: Marked, each: _Predominance, rows: Rows) -> _Wrong | None:
    liked = [(place, row) for place, row in rows if row.liked]
    if len(liked) < 2 * MARGIN or not is_known(each.aspect, rows):
        return None
    met = [place for place, row in liked if meets(each.aspect, row, {})]
    share = len(met) / len(liked)
    if each.low - FAR < share <= each.high + FAR:
        return None
    words = said.text[said.tokens[each.begin].start : said.tokens[each.end - 1].end]
    return words, f"{len(met)} of {len(liked)} liked", tuple(met)


def _comparisons(said: Marked) -> Iterator[_Comparison]:
    if any(token.word in _WISHES and not taken for token, taken in zip(said.tokens, said.taken, strict=True)):
        return
    place = 0
    while place < len(said.tokens):
        found = None if said.taken[place] else (_opened(said, place) or _between(said, place))
        if found:
            yield found
        place = found.end if found else place + 1


def _opened(said: Marked, place: int) -> _Comparison | None:
    """More comedies than dramas; twice as many westerns as musicals; el doble de comedias que de dramas."""
    word, start = said.word(place), place
    is_order, low, high = False, *ALIKE
    if word in _OPENINGS and said.word(place - 1) not in _NOT:
        separator, is_more = _OPENINGS[word]
        is_order, begin = True, place + 1
        low, high = (1.0, math.inf) if is_more else (0.0, 1.0)
    elif word in _SPANISH_TIMES and said.word(place + 1) == "de":
        low, high = _around(_SPANISH_TIMES[word], bound_before(said, place - 1))
        separator, begin = "que", place + 2
    elif word in ("as", "so", "genauso", "ebenso", "tantos", "tantas") and said.word(place - 1) not in _NOT:
        begin = place + (2 if word in ("as", "so", "genauso", "ebenso") else 1)
        if word in ("as", "so", "genauso", "ebenso") and said.word(place + 1) not in _MANY:
            return None
        separator = "as" if word == "as" else "como" if word in ("tantos", "tantas") else "wie"
        times, start = _times_before(said, place)
        if times is not None and times < 0:
            is_order, low, high = True, 1.0, math.inf  # several times as many
        elif times is not None:
            low, high = _around(times, bound_before(said, start))
    else:
        return None
    end = next((at for at in range(begin, min(begin + REACH, len(said.tokens))) if _is(said, at, separator)), None)
    first = _named(said, begin, end) if end is not None else None
    if end is None or first is None:
        return None
    second = _named(said, end + 1, _stop(said, end + 1))
    if second is None or first[0] == second[0] or said.word(second[2]) in links.VERBS:
        return None  # more romances than westerns were shown
    return _Comparison(start, second[2], first[0], second[0], (*first[3], *second[3]), low, high, is_order)


def _is(said: Marked, place: int, separator: str) -> bool:
    return said.word(place) == separator and not said.taken[place]


def _around(times: float, bound: str) -> tuple[float, float]:
    """Of "twice" what it may be, also of "more than twice"."""
    if bound == "more":
        return times * LEAST, math.inf
    return (0.0, times / LEAST) if bound else (times * LOOSE[0], times * LOOSE[1])


def _times_before(said: Marked, place: int) -> tuple[float | None, int]:
    """Twice, three times (as many), with the token where that begins; -1 for several times, None for none."""
    before = said.word(place - 1)
    if before in _TIMES:
        return _TIMES[before], place - 1
    if before == "times" and said.word(place - 2) in _SEVERAL:
        return -1.0, place - 2
    if before == "times" and (number := number_at(said, place - 2)):
        return float(number[0]), place - 2
    return None, place


def _between(said: Marked, place: int) -> _Comparison | None:
    """Dramas outnumber comedies; westerns well ahead of romances."""
    for expressions, is_more in ((_MORE, True), (_LESS, False)):
        words = next((each for each in expressions if _stands(said, place, each)), None)
        if words is None:
            continue
        begin = next((at + 1 for at in range(place - 1, -1, -1) if said.word(at) in _BREAKS), 0)
        first = _named(said, begin, place, near=False)
        end = place + len(words)
        second = _named(said, end, _stop(said, end))
        if first is None or second is None or first[0] == second[0]:
            return None
        low, high = (1.0, math.inf) if is_more else (0.0, 1.0)
        return _Comparison(first[1], second[2], first[0], second[0], (*first[3], *second[3]), low, high, True)
    return None


def _stands(said: Marked, place: int, words: Sequence[str]) -> bool:
    return all(said.word(place + at) == word for at, word in enumerate(words)) and not any(
        said.taken[place : place + len(words)]
    )


def _stop(said: Marked, begin: int) -> int:
    last = min(begin + REACH, len(said.tokens))
    return next((at for at in range(begin, last) if said.word(at) in _BREAKS and not said.taken[at]), last)


def _named(
    said: Marked, begin: int, end: int, *, near: bool = True
) -> tuple[tuple[Facet, ...], int, int, tuple[int, ...]] | None:
    """The one aspect that a stretch names, its first token, the one behind it, and its tokens; None where it names
    none, or several, or what no row can tell. `near`: nothing but small words may stand before it."""
    found = aspects_in(said, begin, end, phrases=False)
    if len(found) != 1 or any(facet.kind in ("phrase", "title") for facet in found[0].facets):
        return None
    aspect = found[0]
    if near and any(said.word(at) not in _BEFORE | said.nouns for at in range(begin, aspect.begin)):
        return None
    return aspect.facets, aspect.begin, aspect.end, tuple(range(aspect.begin, aspect.end))


def _predominances(said: Marked) -> Iterator[_Predominance]:
    """Most of their favourites are westerns; what she likes is mostly horror; westerns make up half of her likes."""
    likes = [at for at, token in enumerate(said.tokens) if token.word in _LIKED and not said.taken[at]]
    if not likes:
        return
    for place in range(len(said.tokens)):
        if said.taken[place]:
            continue
        if any(_stands(said, place, words) for words in _MAKE_UP):
            behind = _share_of_them(said, place + 1, likes)
            begin = next((at + 1 for at in range(place - 1, -1, -1) if said.word(at) in _BREAKS), 0)
            first = _named(said, begin, place, near=False)
            if behind and first:
                yield _Predominance(first[1], behind[1], first[0], *behind[0])
        elif words := next((each for each in _MOSTLY if _stands(said, place, each)), ()):
            if not _is_behind_likes(said, place, likes):
                continue
            second = _named(said, place + len(words), _stop(said, place + len(words)))
            if second:
                yield _Predominance(place, second[2], second[0], *MANY)
        elif shared := _share_of_them(said, place, likes, at_once=True):
            are = shared[1] if said.word(shared[1]) in _ARE else 0
            second = _named(said, are + 1, _stop(said, are + 1)) if are else None
            if second:
                yield _Predominance(place, second[2], second[0], *shared[0])


def _is_behind_likes(said: Marked, place: int, likes: Sequence[int]) -> bool:
    """Her favourites are mostly; what she likes is mostly; but not "likes mostly", which may be said of shares."""
    first = next((at for at in range(max(0, place - REACH), place) if at in likes), None)
    if first is None or said.word(place - 1) not in _ARE:
        return False
    return said.word(first).startswith(("fav", "lieb")) or said.word(0) in _RELATIVE


def _share_of_them(
    said: Marked, place: int, likes: Sequence[int], *, at_once: bool = False
) -> tuple[tuple[float, float], int] | None:
    """Most of their favourites: the share, and the token behind."""
    for at in range(place, place + 1 if at_once else min(place + 4, len(said.tokens))):
        share = None if said.taken[at] else share_at(said, at)
        if share is None:
            continue
        last = next((like for like in range(share[1], min(share[1] + 5, len(said.tokens))) if like in likes), None)
        if last is None or any(said.taken[share[1] : last]):
            return None
        return (SHARES[share[0]] if share[0] in SHARES else span_of(share[0])), last + 1
    return None

"""Counts that a text gives, "7 of 11 dramas", "nineteen of the thirty", "most of the westerns", held against the rows.

A count is found wrong only where every way to understand it is: what is counted may be the titles, or those with an
opinion; it may be of those that were liked, or were not, unless the sentence says which; and where a sentence narrows
what it counts by words that no row can tell ("the three slow ones", "of these"), nothing is found. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recommender.grounding import outcomes
from recommender.grounding.aspects import aspects_in
from recommender.grounding.evidence import Rated, meets
from recommender.grounding.phrases import Marked
from recommender.grounding.statements import Facet


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_NUMBERS = {word: number for number, word in enumerate(_UNITS)} | {"zero": 0}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_DETERMINERS = _words("the their his her these those all its your")
_NOUNS = _words(
    "entries entry ratings rating interactions times cases occasions viewings watches reads encounters attempts tries"
    " outings examples instances items titles"
)
_MET = _words("rated seen saw watched read met tried judged encountered shown given listed")
# Words of "11 dramas that they rated in the history shown" that leave the count as it is.
_FILLERS = (
    _DETERMINERS
    | _MET
    | _words(
        "a an of in on with from by for to at here they he she we you it that which who them history list record"
        " records log came have has had was were been so far opinion sample overall total"
    )
)
# What leaves only some of them, in a way that no row can tell.
_NARROWING = _words(
    "such these those last latest recent first earliest early late later recently set made featuring starring about"
    " where whose other others remaining rest more further newer older same half second"
)
_WITHOUT_NOUN = _words("them which whom")
_NEARLY = _words("not nearly almost a at the above after first about")  # before a quantity: another one
# The share that each takes: exactly one, or above the first and up to the second.
_QUANTITIES = {
    "all": (1.0, 1.0), "every": (1.0, 1.0), "both": (1.0, 1.0), "none": (0.0, 0.0), "neither": (0.0, 0.0),
    "most": (0.5, 1.0), "few": (-1.0, 0.49), "half": (0.34, 0.66),
}  # fmt: skip
_OF_TWO = _words("both neither")
_BARE = _words("all every both neither")  # stand before what is counted without "of"
_BREAKS = _words(", ; : ( ) — – but while whereas although though yet however")
_RATINGS = _words("star stars marks average averages averaging mean score scores points")
_SUBJECTS = _words("they he she we you")


@dataclass(frozen=True, slots=True)
class Miscount:
    """Characters `start` to `end` say `said`, the rows `true`; `rows`: the places of those that are counted."""

    start: int
    end: int
    said: str
    true: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Noun:
    """Tokens `begin` to `end` name what is counted; what is said of it begins at `stop`."""

    begin: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class _Count:
    """Tokens `begin` to `end`: so many of so many, or a quantity of them. `before`: what is counted stands before."""

    begin: int
    end: int
    part: int | None
    whole: int | None
    quantity: str
    noun: _Noun
    before: bool = False


def counts_in(said: Marked) -> list[tuple[int, int]]:
    """The tokens of every count in a sentence."""
    return [(count.begin, count.end) for count in _counts(said)]


def miscounts(said: Marked, readings: Sequence[Sequence[tuple[int, Rated]]]) -> Iterator[Miscount]:
    """The wrong counts of a sentence. `readings`: the rows it may be about, with their places."""
    for count in _counts(said):
        answers = [_answer(said, count, rows) for rows in readings]
        if answers and all(answer is not None and not answer.right for answer in answers):
            answer = next(each for each in answers if each)
            start, end = said.tokens[count.begin].start, said.tokens[count.end - 1].end
            yield Miscount(start, end, answer.said, answer.true, answer.rows)


@dataclass(frozen=True, slots=True)
class _Answer:
    right: bool
    said: str
    true: str
    rows: tuple[int, ...]


def _answer(said: Marked, count: _Count, rows: Sequence[tuple[int, Rated]]) -> _Answer | None:
    """Whether a count is right of these rows; None where it cannot be told."""
    aspects = _aspects(said, count)
    if aspects is None:
        return None
    if any(_is_rating(said, place) for place in next(_said_of(said, count))):
        return None
    liked = _opinion(said, count)
    unclear = liked is None and not any(outcomes.hinted(said, places) for places in _said_of(said, count))
    answers = []
    for wanted in aspects:
        met = [(place, row) for place, row in rows if _is_one(row, wanted)]
        if wanted and not met and not _known(wanted, [row for _, row in rows]):
            return None
        opinions = [row.liked for _, row in met]
        judged = opinions.count(True) + opinions.count(False)
        sides = [opinions.count(side) for side in ((True, False) if liked is None else (liked,))]
        if count.quantity:
            if liked is None or not judged:
                return None
            low, high = _QUANTITIES[count.quantity]
            share = sides[0] / judged
            right = (share == low if low == high else low < share <= high) and count.whole in (None, judged, len(met))
        else:
            right = count.whole in (judged, len(met)) and (unclear or count.part in sides)
        name = f"{count.quantity} {count.whole or ''}".strip() if count.quantity else f"{count.part} of {count.whole}"
        outcome = "" if liked is None else " liked" if liked else " not liked"
        answers.append(_Answer(right, name, f"{sides[0]} of {judged}{outcome or ' liked'}", tuple(p for p, _ in met)))
    return next((answer for answer in answers if answer.right), answers[0] if answers else None)


def _is_one(row: Rated, wanted: tuple[tuple[Facet, ...], ...]) -> bool:
    """Whether a row meets one of several aspects; all rows do where there are none."""
    return not wanted or any(meets(aspect, row, {}) for aspect in wanted)


def _known(wanted: tuple[tuple[Facet, ...], ...], rows: Sequence[Rated]) -> bool:
    return all(any(meets(aspect, row, {}) is False for row in rows) for aspect in wanted)


def _aspects(said: Marked, count: _Count) -> list[tuple[tuple[Facet, ...], ...]] | None:
    """The ways to understand what is counted, each a union of aspects; None where that cannot be told."""
    begin, end = count.noun.begin, count.noun.end
    found = [aspect for aspect in aspects_in(said, begin, end, phrases=False) if not aspect.is_title]
    if any(facet.kind in ("phrase", "title") for aspect in found for facet in aspect.facets):
        return None
    facets = [aspect.facets for aspect in found]
    if not facets:
        named = any(place in said.mentions for place in range(begin, end))
        return None if named or count.before else [()]
    if count.before:
        return [(facets[-1],), tuple(facets)] if len(facets) < 3 else None
    both = tuple(dict.fromkeys(facet for each in facets for facet in each))
    return [(facets[0],)] if len(facets) == 1 else [tuple(facets), (both,), (facets[0],)]


def _said_of(said: Marked, count: _Count) -> Iterator[list[int]]:
    """The tokens that may say which titles are counted: behind the count, before it, inside it."""
    stop = count.end if count.before else max(count.end, count.noun.stop)
    first = count.begin if count.before else min(count.begin, count.noun.begin)
    yield _words_until_break(said, range(stop, len(said.tokens)))
    yield _words_until_break(said, range(first - 1, -1, -1))[::-1]
    if not count.before:
        yield list(range(count.noun.stop, count.end))


def _opinion(said: Marked, count: _Count) -> bool | None:
    """Whether a sentence counts what was liked, or what was not; None where it does not say."""
    return next((found for places in _said_of(said, count) if (found := outcomes.told(said, places)) is not None), None)


def _words_until_break(said: Marked, places: range) -> list[int]:
    found: list[int] = []
    for place in places:
        if said.word(place) in _BREAKS and found:
            break
        found.append(place)
    return found


def _is_rating(said: Marked, place: int) -> bool:
    """Whether a count goes by ratings, "five of them rated 4 or higher", or by an average; those are not followed."""
    return not said.taken[place] and (said.word(place) in _RATINGS or _number(said, place) is not None)


# --- where a sentence counts ----------------------------------------------------------------------------------------


def _counts(said: Marked) -> list[_Count]:
    found: list[_Count] = []
    place = 0
    while place < len(said.tokens):
        hit = None if said.taken[place] else _count_at(said, place)
        if hit:
            found.append(hit)
        place = max(place + 1, hit.end if hit else 0)
    return found


def _count_at(said: Marked, place: int) -> _Count | None:
    return _part_of_whole(said, place) or _whole_then_part(said, place) or _quantity_at(said, place)


def _part_of_whole(said: Marked, place: int) -> _Count | None:
    """7 of the 11 dramas; seven out of eleven; dramas: 7/11 liked."""
    part = _number(said, place)
    if part is None:
        return None
    at, slash = part[1], said.word(part[1]) == "/"
    if slash:
        at += 1
    elif said.word(at) == "out" and said.word(at + 1) == "of":
        at += 2
    elif said.word(at) == "of":
        at += 1
    else:
        return None
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = _number(said, at)
    if whole is None or part[0] > whole[0] or not whole[0]:
        return None
    noun = _noun_at(said, whole[1])
    if noun is None:
        return None
    if noun.begin < noun.end and not slash:
        return _Count(place, whole[1], part[0], whole[0], "", noun)
    rated = said.word(whole[1]) in ("star", "stars", "point", "points")
    if rated or (slash and outcomes.told(said, [whole[1]] if whole[1] < len(said.tokens) else []) is None):
        return None
    return _Count(place, whole[1], part[0], whole[0], "", _Noun(_clause_start(said, place), place, place), before=True)


def _whole_then_part(said: Marked, place: int) -> _Count | None:
    """Of the 11 dramas in the history, 7 were liked; out of eleven dramas they took to seven."""
    at = place
    if said.word(at) == "out":
        at += 1
    if said.word(at) not in ("of", "among", "from", "amongst") or (at == place and place and _number(said, place - 1)):
        return None
    at += 1
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = _number(said, at)
    noun = _noun_at(said, whole[1]) if whole else None
    if whole is None or noun is None or noun.begin == noun.end:
        return None
    for later in range(noun.end, min(noun.end + 7, len(said.tokens))):
        if said.word(later) in (".", ";", ":", "("):
            break
        part = None if said.taken[later] else _number(said, later)
        if part and part[0] <= whole[0] and (said.word(part[1]) != "of" or said.word(part[1] + 1) in _WITHOUT_NOUN):
            return _Count(place, part[1], part[0], whole[0], "", noun)
    return None


def _quantity_at(said: Marked, place: int) -> _Count | None:
    """Most of the dramas; all five westerns; all three of them; every comedy; dramas: none liked."""
    word, before = said.word(place), said.word(place - 1)
    if word not in _QUANTITIES or before in _NEARLY:
        return None
    at = place + 1
    if said.word(at) == "of":
        at += 1
    elif word not in _BARE or said.word(at) in (",", ":"):
        after = [at] if at < len(said.tokens) else []
        if before == ":" and outcomes.told(said, after) is not None and after:
            return _Count(place, at, None, None, word, _Noun(_clause_start(said, place), place, place), before=True)
        return None
    while said.word(at) in _DETERMINERS:
        at += 1
    whole = 2 if word in _OF_TWO else None
    if number := _number(said, at):
        whole, at = number
        if said.word(at) == "of":
            at += 1
            while said.word(at) in _DETERMINERS:
                at += 1
    noun = _noun_at(said, at)
    return _Count(place, noun.end, None, whole, word, noun) if noun and noun.begin < noun.end else None


def _number(said: Marked, place: int) -> tuple[int, int] | None:
    """A whole number, in digits or words, and the token behind it."""
    word = said.word(place)
    if word.isdecimal() and len(word) < 4:
        glued = (
            said.word(place + 1) in (".", ",", "%")
            and said.word(place + 2).isdecimal()
            and said.tokens[place + 2].glued
        )
        return None if glued or said.word(place + 1) == "%" else (int(word), place + 1)
    if word in _TENS:
        ones = _NUMBERS.get(said.word(place + 1), 0)
        return (_TENS[word] + ones, place + 2) if 0 < ones < 10 else (_TENS[word], place + 1)
    return (_NUMBERS[word], place + 1) if word in _NUMBERS else None


def _noun_at(said: Marked, begin: int) -> _Noun | None:
    """What is counted, named from a token on; empty where something else follows, None where no row can tell."""
    end = last = begin
    while end < len(said.tokens):
        word = said.word(end)
        if end in said.mentions:
            if said.mentions[end].role == "title":
                break
            end = last = said.mentions[end].end
            continue
        if word in _NARROWING:
            return None
        if word in said.nouns or word in _NOUNS:
            last = end + 1
        elif _goes_on(said, end, after_noun=last > begin):
            break
        end += 1
    if last == begin and end < len(said.tokens) and said.word(end).isalpha() and _leads_to_noun(said, end):
        return None
    return _Noun(begin, last, max(end, last))


def _goes_on(said: Marked, place: int, *, after_noun: bool) -> bool:
    """Whether something is said of what was named so far; that they rated it, or have seen it, says nothing of it."""
    word = said.word(place)
    if word in ("was", "were"):
        return True
    if word in _SUBJECTS and after_noun:
        return said.word(place + 1) not in _MET and said.word(place + 2) not in _MET
    return word not in _FILLERS and (word not in ("and", "or") or place + 1 not in said.mentions)


def _leads_to_noun(said: Marked, place: int) -> bool:
    """Whether an unknown word only comes before what is counted: three slow westerns."""
    ahead = range(place + 1, min(place + 3, len(said.tokens)))
    return any(at in said.mentions or said.word(at) in said.nouns or said.word(at) in _NOUNS for at in ahead)


def _clause_start(said: Marked, place: int) -> int:
    return next((at + 1 for at in range(place - 1, -1, -1) if said.word(at) in (";", ".", ",")), 0)

"""Counts that a text gives, "7 of 11 dramas", "nineteen of the thirty", "most of the westerns", held against the rows.

A count is found wrong only where every way to understand it is: what is counted may be the titles, or those with an
opinion; it may be of those that were liked, or were not, unless the sentence says which; and where a sentence narrows
what it counts by words that no row can tell ("the three slow ones", "of these"), nothing is found. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from recommender.grounding import outcomes
from recommender.grounding.aspects import aspects_in
from recommender.grounding.evidence import Rated, meets
from recommender.grounding.fractions import bound_before, span_of
from recommender.grounding.numerals import NONE, SHARES, number_at
from recommender.grounding.phrases import Marked
from recommender.grounding.quantities import Count, counts_of
from recommender.grounding.statements import Facet
from recommender.grounding.words import word_set

_BREAKS = word_set(", ; : ( ) . ? ! — – but while whereas although though yet however")
_LEADING = word_set("of in with on among for von bei unter mit de del entre con")
REACH_BACK = 3  # words or marks before a count that says it is as the sentence before
NEAR = 0.15  # of a share, to odds
Rows = Sequence[tuple[int, Rated]]  # with their places
# Behind a count these say that it was received as what was named before it: most of the romances did, too.
_DID = word_set("did do were was are is so the same did auch ebenfalls lo")
_TOO = word_set(
    "too also well as either likewise similarly equally auch ebenfalls ebenso genauso gleichfalls tambien tampoco igual"
)
_NOT = word_set("not nicht no")
_RATINGS = word_set("star stars marks average averages averaging mean score scores points")


@dataclass(frozen=True, slots=True)
class Miscount:
    """Characters `start` to `end` say `said`, the rows `true`; `rows`: the places of those that are counted."""

    start: int
    end: int
    said: str
    true: str
    rows: tuple[int, ...]


def counts_in(said: Marked) -> list[tuple[int, int]]:
    """The tokens of every count in a sentence, with what it counts; "every drama" says no more than "dramas"."""
    found = [each for each in counts_of(said) if each.quantity not in ("every", "each") or each.whole is not None]
    return [(min(count.begin, count.noun.begin), max(count.end, count.noun.end)) for count in found]


def miscounts(
    said: Marked,
    readings: Sequence[Rows],
    hears: Callable[[Marked, int, int], bool] = lambda said, begin, end: False,
    earlier: Marked | None = None,
) -> Iterator[Miscount]:
    """The wrong counts of a sentence. `readings`: the rows it may be about, with their places. `hears`: whether
    somebody hears an opinion, whichever, of what these tokens name, where no word says how it was received.
    `earlier`: the sentence before."""
    for count in counts_of(said):
        answers = [_answer(said, count, rows, hears, earlier) for rows in readings]
        if answers and all(answer is not None and not answer.right for answer in answers):
            answer = next(each for each in answers if each)
            start, end = said.tokens[count.begin].start, said.tokens[count.end - 1].end
            yield Miscount(start, end, answer.said, answer.true, answer.rows)


def share_liked(said: Marked, count: Count) -> float | None:
    """The share of likes that a count tells, from 0 to 1; None where it tells none."""
    if count.part is None or not count.whole or any(_is_rating(said, place) for place in next(_said_of(said, count))):
        return None
    liked = _opinion(said, count)
    share = count.part / count.whole
    return None if liked is None else share if liked else 1 - share


@dataclass(frozen=True, slots=True)
class _Answer:
    right: bool
    said: str
    true: str
    rows: tuple[int, ...]


def _answer(
    said: Marked, count: Count, rows: Rows, hears: Callable[[Marked, int, int], bool], earlier: Marked | None
) -> _Answer | None:
    """Whether a count is right of these rows; None where it cannot be told."""
    aspects = _aspects(said, count)
    if aspects is None:
        return None
    if any(_is_rating(said, place) for place in next(_said_of(said, count))):
        return None
    liked = _opinion(said, count)
    if liked is None:
        liked = _echo(said, count, earlier)
    if liked is None and count.odds == "for":
        liked = True
    unclear = liked is None and not any(outcomes.hinted(said, places) for places in _said_of(said, count))
    unclear = unclear and not hears(said, count.noun.begin, count.noun.end)
    answers = []
    for wanted in aspects:
        met = [(place, row) for place, row in rows if _is_one(row, wanted)]
        if not met and not all(is_known(aspect, rows) for aspect in wanted):
            return None
        opinions = [row.liked for _, row in met]
        judged = opinions.count(True) + opinions.count(False)
        sides = [opinions.count(side) for side in ((True, False) if liked is None else (liked,))]
        if count.quantity:
            if unclear or not judged:
                return None
            right = count.whole in (None, judged, len(met)) and any(
                _takes(said, count, side / judged) for side in sides
            )
        else:
            right = count.whole in (judged, len(met)) and (unclear or any(_is_part(said, count, n) for n in sides))
            right = right or (count.odds == "in" and (unclear or _are_odds(count, sides, judged)))
        name = f"{count.quantity} {count.whole or ''}".strip() if count.quantity else f"{count.part} of {count.whole}"
        outcome = "" if liked is None else " liked" if liked else " not liked"
        answers.append(_Answer(right, name, f"{sides[0]} of {judged}{outcome or ' liked'}", tuple(p for p, _ in met)))
    return next((answer for answer in answers if answer.right), answers[0] if answers else None)


def _takes(said: Marked, count: Count, share: float) -> bool:
    """Whoever approaches every drama with joy may be spoken of where it is nearly all; every drama was liked is all."""
    is_loose = count.quantity == "every" and count.whole is None and said.tokens[count.begin - 1].is_word
    name = "nearly all" if is_loose and count.begin else count.quantity
    low, high = SHARES[name] if name in SHARES else span_of(name)
    return share == low if low == high else low < share <= high


def _is_part(said: Marked, count: Count, number: int) -> bool:
    """Whether so many are as many as a count says: "at least seven", "not even three"."""
    bound = bound_before(said, count.begin)
    part = count.part or 0
    return number == part or (bound == "more" and number > part) or (bound == "fewer" and number < part)


def _are_odds(count: Count, sides: Sequence[int], judged: int) -> bool:
    """One in three may be said of any share near a third, but of three it is one."""
    if count.whole == judged:
        return count.part in sides
    share = (count.part or 0) / (count.whole or 1)
    return not judged or any(abs(side / judged - share) <= NEAR for side in sides)


def _is_one(row: Rated, wanted: tuple[tuple[Facet, ...], ...]) -> bool:
    """Whether a row meets one of several aspects; all rows do where there are none."""
    return not wanted or any(meets(aspect, row, {}) for aspect in wanted)


def is_known(aspect: tuple[Facet, ...], rows: Rows) -> bool:
    """Whether rows tell of an aspect at all: that one meets it, or that one does not."""
    return any(meets(aspect, row, {}) is not None for _, row in rows)


def _aspects(said: Marked, count: Count) -> list[tuple[tuple[Facet, ...], ...]] | None:
    """The ways to understand what is counted, each a union of aspects; None where that cannot be told."""
    begin, end = count.noun.begin, count.noun.end
    found = [aspect for aspect in aspects_in(said, begin, end, phrases=False) if not aspect.is_title]
    is_clear = all(facet.kind not in ("phrase", "title") for aspect in found for facet in aspect.facets)
    if not is_clear and not count.before:
        return None
    facets = [aspect.facets for aspect in found] if is_clear else []
    if not facets and count.before:
        facets = _only_mention(said, begin, end)
    if not facets:
        named = any(place in said.mentions for place in range(begin, end))
        if named or count.before:
            return None
        led = [aspect.facets for aspect in aspects_in(said, 0, count.begin, phrases=False) if not aspect.is_title]
        above = [known for each in led if (known := tuple(facet for facet in each if facet.kind != "phrase"))]
        if any(said.word(place) == "such" for place in range(begin, end)):
            return [tuple(above)] if above else None
        if not above and _names_what_is_unknown(said, count):
            return None
        return [*([tuple(above)] if above else ()), ()]  # "On dramas, approval in 3 of 11 cases"
    if count.before:
        return [(facets[-1],), tuple(facets)] if len(facets) < 3 else None
    both = tuple(dict.fromkeys(facet for each in facets for facet in each))
    return [(facets[0],)] if len(facets) == 1 else [tuple(facets), (both,), (facets[0],)]


def _names_what_is_unknown(said: Marked, count: Count) -> bool:
    """Whether the clause begins with what the count is of, in words that name nothing known: "of swashbucklers they
    liked one of six films"."""
    first = next((at + 1 for at in range(count.begin - 1, -1, -1) if said.word(at) in _BREAKS), 0)
    return first < count.begin and said.word(first) in _LEADING


def _only_mention(said: Marked, begin: int, end: int) -> list[tuple[Facet, ...]]:
    """What a stretch names, where it is one thing that surely is named: "drama continues, four hits in thirteen"."""
    named = [mention for at, mention in said.mentions.items() if begin <= at < end]
    return [tuple(named[0].options[0])] if len(named) == 1 and named[0].role in ("noun", "surname") else []


def _said_of(said: Marked, count: Count) -> Iterator[list[int]]:
    """The tokens that may say which titles are counted: behind the count, before it, inside it."""
    stop = count.end if count.before else max(count.end, count.noun.stop)
    first = count.begin if count.before else min(count.begin, count.noun.begin)
    yield _words_until_break(said, range(stop, len(said.tokens)))
    yield _words_until_break(said, range(first - 1, -1, -1))[::-1]
    is_behind = count.noun.stop < count.end and not count.before
    yield list(range(count.noun.stop if is_behind else count.begin + 1, count.end))


def _opinion(said: Marked, count: Count) -> bool | None:
    """Whether a sentence counts what was liked, or what was not; None where it does not say."""
    behind = [said.word(place) for place in next(_said_of(said, count)) if said.tokens[place].is_word]
    if behind in (["up"], ["down"]):
        return behind == ["up"]
    liked = next((told for places in _said_of(said, count) if (told := outcomes.told(said, places)) is not None), None)
    is_negated_twice = said.language == "es" and SHARES.get(count.quantity) == NONE
    return None if is_negated_twice else liked  # no le gustó ninguna


def _echo(said: Marked, count: Count, earlier: Marked | None) -> bool | None:
    """What is said of something else before, where a count only says that it was so too, or not: "most of the romances
    did, too", "few of the dramas, either"; None where it says more, or nothing was said."""
    behind = []
    for at in range(max(count.end, count.noun.stop), len(said.tokens)):
        if said.word(at) in (".", ";", "!", ":") and not said.taken[at]:
            break
        if said.tokens[at].is_word:
            behind.append(said.word(at))
    if not behind or not set(behind) <= _DID | _TOO | _NOT:
        return None
    first = min(count.begin, count.noun.begin)
    liked = outcomes.told_last(said, first)
    if liked is None and earlier is not None and first < REACH_BACK:
        liked = outcomes.told_last(earlier, len(earlier.tokens))
    is_turned = not _NOT.isdisjoint(behind) and "either" not in behind
    return liked if liked is None else liked is not is_turned


def _words_until_break(said: Marked, places: range) -> list[int]:
    found: list[int] = []
    for place in places:
        if said.word(place) in _BREAKS and found:
            break
        found.append(place)
    return found


def _is_rating(said: Marked, place: int) -> bool:
    """Whether a count goes by ratings, "five of them rated 4 or higher", or by an average; those are not followed."""
    return not said.taken[place] and (said.word(place) in _RATINGS or number_at(said, place) is not None)

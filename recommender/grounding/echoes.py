"""What is said of one thing by what was said of another: "so did the romances", "neither did the musicals", "Komödien
auch". Pure."""

from collections.abc import Sequence
from itertools import pairwise

from recommender.grounding import links, outcomes
from recommender.grounding.opinions import Opinion
from recommender.grounding.phrases import Marked
from recommender.grounding.words import word_set

_DID = word_set("did do does was were is are have has had")
_SO = word_set("so neither nor")  # before one of these
_TOO = word_set("too also likewise either auch ebenfalls ebenso genauso gleichfalls tambien tampoco igualmente")
_NEGATIVE = word_set("neither nor either tampoco")
_NOT = word_set("not nicht no")
_INNER = links.DETERMINERS | _DID | _SO | _TOO | _NOT | word_set("as well")
_BREAKS = word_set(", ; : . ! ? ( ) — – and but und aber y pero while")


def echo(said: Marked, opinions: Sequence[Opinion], before: Sequence[Opinion]) -> None:
    """Opinions whose clause says no more than that it is so too are as the last one before them, of this sentence or of
    the sentences before it, `before`; whoever hears them otherwise is wrong."""
    for number, opinion in enumerate(opinions):
        window = window_of(said, opinion.aspect.begin, opinion.aspect.end)
        if window is None:
            continue
        last = next((each for each in reversed([*before, *opinions[:number]]) if each.polarity is not None), None)
        if last is not None and last.polarity in ((-1,) if is_negative(said, window) else (1, -1)):
            opinion.polarity, opinion.strength, opinion.is_plain = last.polarity, last.strength, True


def told(said: Marked, begin: int, end: int, earlier: Marked | None) -> bool | None:
    """How what tokens `begin` to `end` name was received, where they are in such a clause: as what is told before it,
    or else last in the sentence before, was. None where they do not, or nothing is told."""
    window = window_of(said, begin, end)
    if window is None:
        return None
    liked = outcomes.told_last(said, window[0])
    if liked is None and earlier is not None:
        liked = outcomes.told_last(earlier, len(earlier.tokens))
    return liked if liked is None else liked and not is_negative(said, window)


def is_negative(said: Marked, window: tuple[int, int]) -> bool:
    words = {said.word(at) for at in range(*window) if not said.taken[at]}
    return not words.isdisjoint(_NEGATIVE | _NOT)


def window_of(said: Marked, begin: int, end: int) -> tuple[int, int] | None:
    """The clause around what is named, where it says no more than that it is so too; None where it says more."""
    first, last = begin, end
    while first > 0 and said.word(first - 1) in _INNER and not said.taken[first - 1]:
        first -= 1
    while last < len(said.tokens) and not said.taken[last]:
        is_comma = said.word(last) == "," and said.word(last + 1) in _TOO
        if not is_comma and said.word(last) not in _INNER | said.nouns:
            break
        last += 1
    ends = (first == 0 or said.word(first - 1) in _BREAKS, last == len(said.tokens) or said.word(last) in _BREAKS)
    inside = [said.word(at) for at in range(first, last) if not begin <= at < end]
    is_so = any(word in _SO and following in _DID for word, following in pairwise(inside))
    is_too = not _TOO.isdisjoint(inside) or inside[-2:] == ["as", "well"]
    return (first, last) if all(ends) and (is_so or is_too) else None

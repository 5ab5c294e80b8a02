"""Ratings that a text quotes, held against the ratings that it was written from. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What stands between a title and its rating: "Heat (1995)" (rated 4), "Heat", rated 4.5; Heat – 4 stars; Heat: 4/5.
_RATING = re.compile(
    r"""^[”"'’»«›*_]*[\s,:–-]*\(?(?:which\s+(?:was|is)\s+|was\s+)?
    (?:(?:rated|rating(?:\s+of)?|scored|with)\s+(?P<said>\d+(?:[.,]\d+)?)
    |(?P<stars>\d+(?:[.,]\d+)?)\s*(?:stars?\b|/\s*(?:5|10)\b|out\s+of\s+(?:5|10|five|ten)\b))""",
    re.VERBOSE | re.IGNORECASE,
)
_SHORTEST = 3  # letters: shorter titles are found in any text


@dataclass(frozen=True, slots=True)
class Misquote:
    """Characters `start` to `end` of a text say that something was rated `said`; its evidence has it rated `rated`."""

    title: str
    said: float
    rated: float
    start: int
    end: int


def misquotes(text: str, rated: Sequence[tuple[str, float | None]]) -> list[Misquote]:
    """Every title whose rating the text quotes otherwise than its evidence has it, in the evidence's order.

    `rated`: titles with their ratings; one title may be there more than once, and any of its ratings is right. Only a
    rating right behind its title is read, so that what is said of something else is never held against it.
    """
    known: dict[str, set[float]] = {}
    for title, rating in rated:
        if rating is not None and sum(map(str.isalnum, title)) >= _SHORTEST:
            known.setdefault(title, set()).add(rating)
    found = []
    for title, ratings in known.items():
        longer = [other for other in known if title in other and other != title]
        for said, start, end in _said(text, title, longer):
            if all(abs(said - rating) > 1e-6 for rating in ratings):
                found.append(Misquote(title, said, max(ratings), start, end))
                break
    return found


def _said(text: str, title: str, longer: Iterable[str]) -> Iterable[tuple[float, int, int]]:
    start = text.find(title)
    while start >= 0:
        end = start + len(title)
        inside = any(other in text[max(0, start - len(other)) : end + len(other)] for other in longer)
        begins_word = start == 0 or not text[start - 1].isalnum()
        if begins_word and not inside and (quoted := _RATING.match(text[end : end + 60])):
            yield float((quoted["said"] or quoted["stars"]).replace(",", ".")), start, end + quoted.end()
        start = text.find(title, end)

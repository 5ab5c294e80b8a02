"""What is known for and against a statement, counted: which rows meet its aspect, and how those were received. Pure.

The rule and its thresholds in plain words: docs/reviewing.md, *What a statement is held against*.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from recommender.grounding.statements import Facet, Statement

Standing = Literal["supported", "contradicted", "unsupported", "not_checkable"]

HALF = 1 / 2  # a taste has most of what meets it on its side
FEW = 1 / 3  # at most so large a share on its side contradicts it, whatever else the person likes
LEAST_AGAINST = 2  # rows from which most may speak against a taste: one is an exception
LEAST_ALIKE = 3  # rows from which it is no accident that all were received alike
_YEAR_OF_TITLE = re.compile(r"\((\d{4})\)\s*$")
_YEAR = re.compile(r"\d{4}")


class Described(Protocol):
    """Anything with a title and attributes: a row, an item."""

    @property
    def title(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Rated:
    """One row of what is known. `liked` and `rating` are None where they are not."""

    title: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    liked: bool | None = None
    rating: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the rows that meet an aspect were received. `rows`: their places, oldest first.

    `others_liked`, `others_disliked`: the same of the rows that do not meet it, the person's own measure.
    `lukewarm`: a row that meets it was rated between what was liked and what was rated lowest.
    `otherwise`: a row gives one value only where a facet asks for another: another director, another year.
    """

    liked: int
    disliked: int
    unknown: int
    rows: tuple[int, ...]
    others_liked: int = 0
    others_disliked: int = 0
    otherwise: bool = False
    lukewarm: bool = False

    @property
    def judged(self) -> int:
        return self.liked + self.disliked


def meets(aspect: Iterable[Facet], item: Described, titles: Mapping[str, str]) -> bool | None:
    """Whether an item has every facet; None where that cannot be told. `titles`: external id → title."""
    met: bool | None = True
    for facet in aspect:
        has = _has(facet, item, titles)
        if has is False:
            return False
        met = met and has
    return met


def count(statement: Statement, rows: Sequence[Rated], titles: Mapping[str, str]) -> Evidence | None:
    """The evidence among these rows; None where of none of them it can be told whether it meets the aspect."""
    answers = [meets(statement.aspect, row, titles) for row in rows]
    if rows and all(answer is None for answer in answers):
        return None
    if not rows and any(facet.kind == "phrase" for facet in statement.aspect):
        return None
    meeting = tuple(place for place, answer in enumerate(answers) if answer)
    inside = [rows[place].liked for place in meeting]
    outside = [row.liked for row, answer in zip(rows, answers, strict=True) if answer is False]
    return Evidence(
        liked=inside.count(True),
        disliked=inside.count(False),
        unknown=inside.count(None),
        rows=meeting,
        others_liked=outside.count(True),
        others_disliked=outside.count(False),
        otherwise=not meeting and any(_says_otherwise(facet, row) for facet in statement.aspect for row in rows),
        lukewarm=bool(meeting) and not _lukewarm(rows).isdisjoint(meeting),
    )


def _lukewarm(rows: Sequence[Rated]) -> set[int]:
    """Places of rows that were not liked, with the best rating that such rows have and not the only one."""
    ratings = {place: row.rating for place, row in enumerate(rows) if row.liked is False and row.rating is not None}
    best = max(ratings.values(), default=0.0)
    return {place for place, rating in ratings.items() if rating == best > min(ratings.values())}


def standing(statement: Statement, evidence: Evidence | None) -> Standing:
    """How a statement stands against its evidence."""
    if evidence is None:
        return "not_checkable"
    if statement.polarity == "neutral":
        return "supported" if evidence.rows else "contradicted" if evidence.otherwise else "unsupported"
    if not evidence.judged:
        return "not_checkable" if evidence.unknown else "unsupported"
    if statement.polarity == "mixed":
        if (evidence.liked and evidence.disliked) or evidence.lukewarm:
            return "supported"
        return "contradicted" if evidence.judged >= LEAST_ALIKE else "unsupported"
    likes = statement.polarity == "likes"
    share = (evidence.liked if likes else evidence.disliked) / evidence.judged
    if share > HALF:
        return "supported"
    exact = any(facet.kind == "title" for facet in statement.aspect)
    if share == HALF or (evidence.judged < LEAST_AGAINST and not exact):
        return "unsupported"
    return "contradicted" if share <= FEW or share <= _elsewhere(evidence, likes=likes) else "unsupported"


def _elsewhere(evidence: Evidence, *, likes: bool) -> float:
    """The share of likes (or of the opposite) among the rows that do not meet the aspect; 1 where there are none."""
    judged = evidence.others_liked + evidence.others_disliked
    return (evidence.others_liked if likes else evidence.others_disliked) / judged if judged else 1.0


def values_of(value: Any) -> tuple[str, ...]:
    """The values of an attribute, as facets write them."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return tuple(text for each in several if each is not None and (text := str(each).strip()))


def _has(facet: Facet, item: Described, titles: Mapping[str, str]) -> bool | None:
    match facet.kind:
        case "attribute":
            known = values_of(item.attributes.get(facet.name))
            return facet.value in known if known else None
        case "period":
            year = year_of(item, facet.name)
            return facet.years[0] <= year <= facet.years[1] if year is not None else None
        case "title":
            title = titles.get(facet.value)
            return None if title is None else title == item.title
        case "phrase":
            return None


def year_of(item: Described, name: str) -> int | None:
    """The year by the attribute that holds it, else the one behind the title."""
    for value in values_of(item.attributes.get(name)):
        if found := _YEAR.search(value):
            return int(found[0])
    behind = _YEAR_OF_TITLE.search(item.title)
    return int(behind[1]) if behind else None


def _says_otherwise(facet: Facet, item: Described) -> bool:
    """Whether an attribute that has one value only, or the year, is another one. A list may leave something out."""
    single = not isinstance(item.attributes.get(facet.name), (list, tuple))
    return facet.kind in ("attribute", "period") and single and _has(facet, item, {}) is False

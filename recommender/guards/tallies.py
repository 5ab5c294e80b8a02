"""What is counted of lists. Pure: rows of the serving log in, sums that add up out."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from recommender.measures.bounded import Bounds, bounds
from recommender.serving.codes import DegradedCode

# What is the version's own fault; the other codes are of whom a list is for, or of the catalog.
FAILED = frozenset({DegradedCode.ARTIFACT_UNUSABLE.value, DegradedCode.CANNOT_RANK.value})
SCORED = frozenset({"backbone"})  # sources whose scores are the version's probabilities of a like


@dataclass(frozen=True, slots=True)
class Listed:
    """One served list, its first page. `canary`: the rollout whose canary the person gets; `items`: external ids."""

    pk: UUID
    end_user: int | None
    canary: int | None
    code: str
    at: datetime
    score: float | None
    items: tuple[str, ...]

    @property
    def fell_back(self) -> bool:
        return bool(self.code)

    @property
    def failed(self) -> bool:
        return self.code in FAILED


def listed(
    pk: UUID, end_user: int | None, canary: int | None, source: str, code: str, at: datetime, items: list[Any]
) -> Listed | None:
    """A row of the log, read; None for what says nothing of a model: an empty list, or a list's later page."""
    if not items or items[0].get("rank", 1) != 1:
        return None
    scores = [item["score"] for item in items if item.get("score") is not None] if source in SCORED else []
    score = sum(scores) / len(scores) if scores else None
    return Listed(pk, end_user, canary, code, at, score, tuple(item["item_id"] for item in items))


@dataclass(slots=True)
class Counts:
    """Of all lists in a stretch. `codes`: how many lists fell back, by degraded_code. `score`: the sum over `scored`
    lists of the mean score of their items. `opinions`: events that say whether an item of a list was liked, of which
    `liked` did and `expected` by the scores would have."""

    lists: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    score: float = 0.0
    scored: int = 0
    clicks: int = 0
    opinions: int = 0
    liked: int = 0
    expected: float = 0.0

    def count(self, one: Listed) -> None:
        self.lists += 1
        if one.code:
            self.codes[one.code] = self.codes.get(one.code, 0) + 1
        if one.score is not None:
            self.score += one.score
            self.scored += 1

    def add(self, other: Self) -> None:
        for code, many in other.codes.items():
            self.codes[code] = self.codes.get(code, 0) + many
        for name in ("lists", "score", "scored", "clicks", "opinions", "liked", "expected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "codes": dict(data.get("codes", {}))})


@dataclass(slots=True)
class Side:
    """Sums over people, each counted once, with their first list. `settled`: those whose time to click is over, of
    which `clicked` did. `items`: how many of the lists had an item, by its primary key as text (JSON's keys)."""

    people: int = 0
    fell_back: int = 0
    failed: int = 0
    score: float = 0.0
    scored: int = 0
    settled: int = 0
    clicked: int = 0
    items: dict[str, int] = field(default_factory=dict)

    def count(self, one: Listed, items: Iterable[int]) -> None:
        self.people += 1
        self.fell_back += one.fell_back
        self.failed += one.failed
        if one.score is not None:
            self.score += min(max(one.score, 0.0), 1.0)
            self.scored += 1
        self._add_items(dict.fromkeys(map(str, items), 1))

    def add(self, other: Self) -> None:
        for name in ("people", "fell_back", "failed", "score", "scored", "settled", "clicked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._add_items(other.items)

    def of(self, name: str, *, level: float) -> Bounds:
        """Bounds of a mean that hold at every look. `name`: failed, fell_back, clicked or score."""
        counts = {"clicked": self.settled, "score": self.scored}
        return bounds(getattr(self, name), counts.get(name, self.people), level=level)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "items": dict(data.get("items", {}))})

    def _add_items(self, items: Mapping[str, int]) -> None:
        for item, many in items.items():
            self.items[item] = self.items.get(item, 0) + many

"""What a text states about its subject, as data: an aspect of items, what is thought of it, and where the text says so.

Texts remain what people read; statements are what rankings obey and what a reason cites. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

FacetKind = Literal["attribute", "period", "title", "phrase"]
Polarity = Literal["likes", "dislikes", "mixed", "neutral"]  # neutral: a fact, nobody's opinion
Holder = Literal["subject", "likers", "dislikers"]  # of a text about an item: those who liked it, those who did not


@dataclass(frozen=True, slots=True)
class Facet:
    """One thing that an item has or is.

    attribute: `name` is an attribute of the catalog, `value` one of its values as items have it (a creator is a value
    of an attribute such as director). period: `name` is the attribute that holds the year, `value` the first and last
    one, as 1970-1979. title: `value` is the item's external id, `name` is empty. phrase: `value` is words of the text
    that no item has as a value, `name` is empty.
    """

    kind: FacetKind
    name: str
    value: str

    @property
    def key(self) -> str:
        """One string that only equal facets share: genres=Comedy, year=1970-1979, title=f001, phrase=slow burns."""
        return f"{self.name or self.kind}={self.value}"

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year of a period."""
        first, _, last = self.value.partition("-")
        return int(first), int(last)

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "value": self.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["kind"], data["name"], data["value"])


@dataclass(frozen=True, slots=True)
class Statement:
    """One aspect and what is thought of it.

    `aspect`: the facets that an item must all have (a drama from the 1970s has two); at least one. `strength`: above 0
    up to 1; a hedged statement has less. `start`, `end`: characters of the text that say so. `holder`: whose opinion it
    is. `sureness`: of a like or a dislike that was just read, how probable it is that it is not the other way round.
    """

    aspect: tuple[Facet, ...]
    polarity: Polarity
    strength: float = 1.0
    start: int = 0
    end: int = 0
    holder: Holder = "subject"
    sureness: float = field(default=1.0, compare=False)

    @property
    def key(self) -> str:
        """One string that only statements about the same aspect share."""
        return " & ".join(sorted(facet.key for facet in self.aspect))

    def quote(self, text: str) -> str:
        return text[self.start : self.end]

    def to_json(self) -> dict[str, Any]:
        aspect = [facet.to_json() for facet in self.aspect]
        return {
            "aspect": aspect,
            "polarity": self.polarity,
            "strength": self.strength,
            "start": self.start,
            "end": self.end,
            "holder": self.holder,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        aspect = tuple(Facet.from_json(facet) for facet in data["aspect"])
        return cls(aspect, data["polarity"], data["strength"], data["start"], data["end"], data["holder"])

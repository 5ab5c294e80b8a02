"""What can be counted in a history: genres, makers, places, decades, and how each was received."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from recommender.rounds.core.prompts.evidence_lines import plural
from worker.endpoint.demonstration.reading import Entry

GENRES = {"genre", "genres", "category", "categories", "tag", "tags", "keywords", "subject", "subjects", "style"}
BY = {"author": "by", "authors": "by", "writer": "by", "director": "directed by", "directors": "directed by",
      "artist": "by", "cast": "with", "actors": "with", "country": "from", "countries": "from", "brand": "from",
      "publisher": "from", "studio": "from", "language": "in", "languages": "in"}  # fmt: skip
WITH_ARTICLE = {"United States", "United Kingdom", "Soviet Union", "Netherlands", "Philippines", "Czech Republic"}
# Words people use in critiques for a genre that the history may not hold.
COMMON = (
    "action", "adventure", "animation", "biography", "children's", "comedy", "crime", "documentary", "drama", "family",
    "fantasy", "film-noir", "horror", "musical", "mystery", "romance", "sci-fi", "thriller", "war", "western",
)  # fmt: skip
OTHER_WORDS = {
    "animation": ("animated", "cartoon", "cartoons"),
    "biography": ("biographical", "biographies"),
    "children's": ("children", "kids"),
    "comedy": ("comedic", "funny"),
    "crime": ("gangster",),
    "documentary": ("documentaries",),
    "fantasy": ("fantasies",),
    "film-noir": ("noir",),
    "romance": ("romantic",),
    "sci-fi": ("science fiction", "scifi"),
    "science fiction": ("sci-fi", "scifi"),
}
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_YEAR_NAMES = {"year", "release_year", "published", "publication_year"}
MAX_VALUE = 40  # longer values are descriptions


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One countable property, such as ("genres", "Drama") or ("decade", "1990s")."""

    attribute: str
    value: str

    @property
    def weight(self) -> float:
        """How readily a reader takes it for a matter of taste."""
        if self.attribute.lower() in GENRES:
            return 1.0
        return 0.7 if self.attribute == "decade" or BY.get(self.attribute.lower()) in ("by", "directed by") else 0.4

    def phrase(self, noun: str) -> str:
        """In words: "comedy movies", "books by Ursula K. Le Guin", "movies of the 1990s"."""
        if self.attribute.lower() in GENRES:
            return f"{self.genre} {plural(noun)}"
        return f"{plural(noun)} {self.qualifier}"

    @property
    def genre(self) -> str:
        return self.value if self.value.isupper() else self.value.lower()

    @property
    def qualifier(self) -> str:
        """What follows the noun: "by Ursula K. Le Guin", "of the 1990s", "from the United States"."""
        attribute = self.attribute.lower()
        if attribute == "decade":
            return f"of the {self.value}"
        article = "the " if self.value in WITH_ARTICLE else ""
        return f"{BY.get(attribute, f'with {attribute}')} {article}{self.value}"


@dataclass(slots=True)
class Tally:
    """How the entries with one feature were received; entries nobody judged are left out."""

    liked: list[Entry] = field(default_factory=list)
    disliked: list[Entry] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.liked) + len(self.disliked)

    @property
    def share(self) -> float:
        """The share of likes, 0 to 1; one half where there is nothing."""
        return len(self.liked) / self.count if self.count else 0.5


@dataclass(frozen=True, slots=True)
class Record:
    """One history, counted. `eager` is a careless count: the last entries weigh three times, one sample is enough."""

    entries: tuple[Entry, ...]
    tallies: Mapping[Feature, Tally]
    eager: Mapping[Feature, float]

    def tally(self, feature: Feature) -> Tally:
        return self.tallies.get(feature) or Tally()

    def is_everywhere(self, feature: Feature) -> bool:
        """True for what nearly every entry shares: it says nothing about taste."""
        known = sum(entry.liked is not None for entry in self.entries)
        return known >= 5 and self.tally(feature).count >= 0.85 * known


def count(entries: Sequence[Entry]) -> Record:
    tallies: dict[Feature, Tally] = {}
    eager: dict[Feature, float] = {}
    recent = len(entries) - max(2, len(entries) // 4)
    for place, entry in enumerate(entries):
        if entry.liked is None:
            continue
        weight = (3.0 if place >= recent else 1.0) * (1 if entry.liked else -1)
        for feature in features_of(entry.attributes, entry.title):
            tally = tallies.setdefault(feature, Tally())
            (tally.liked if entry.liked else tally.disliked).append(entry)
            eager[feature] = eager.get(feature, 0.0) + weight * feature.weight
    return Record(tuple(entries), tallies, eager)


def features_of(attributes: Mapping[str, tuple[str, ...]], title: str) -> list[Feature]:
    found: dict[Feature, None] = {}
    year = _YEAR.search(title)
    for name, values in attributes.items():
        if name.lower() in _YEAR_NAMES:
            year = re.search(r"(\d{4})", values[0]) or year
            continue
        for value in values:
            if 2 < len(value) <= MAX_VALUE and not value[0].isdigit() and "/" not in value:
                found[Feature(name, value)] = None
    if year:
        found[Feature("decade", f"{year[1][:3]}0s")] = None
    return list(found)


@lru_cache(maxsize=4096)
def names_of(feature: Feature) -> tuple[str, ...]:
    """How a text may refer to a feature, in lower case, words parted by one space."""
    value = " ".join(feature.value.lower().split())
    if feature.attribute == "decade":
        return (value, value[2:], f"'{value[2:]}", f"{value[:4]}'s")
    if value == "history":  # every text here speaks of "the history"
        return ("historical", *(f"history {noun}" for noun in ("films", "movies", "books")))
    return tuple(dict.fromkeys((value, plural(value), *OTHER_WORDS.get(value, ()))))

"""The sample catalog's films and the planted tastes: what is really true about every end user.

`like_probability` is the exact probability that an end user likes a film, so that anything that claims to know a
taste can be measured against it. README.md explains the model.
"""

import csv
import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
FILMS = HERE / "films.csv"
TASTES = HERE / "tastes.json"

BASE = 3.1  # utility of a film that a taste says nothing about, in stars
LOVED, AVOIDED = 0.8, -0.9  # for each genre
DIRECTOR, ERA = 1.0, 0.4
NOISE = 0.35  # scale of the logistic noise between utility and rating, in stars
LIKE = 3.5  # utility plus noise above this rounds to 4 or 5 stars: a like


@dataclass(frozen=True, slots=True)
class Film:
    item_id: str
    title: str
    year: int
    genres: tuple[str, ...]
    director: str
    country: str
    description: str  # what happens in it and where; no taste depends on it


@dataclass(frozen=True, slots=True)
class Rule:
    """A taste for a *combination*: it counts for films that meet every condition named."""

    genres: tuple[str, ...]
    weight: float
    since: int = 0  # first year
    until: int = 9999  # last year
    country: str = ""

    def holds(self, film: Film) -> bool:
        return (
            set(self.genres) <= set(film.genres)
            and self.since <= film.year <= self.until
            and self.country in ("", film.country)
        )


@dataclass(frozen=True, slots=True)
class Taste:
    user_id: str
    loves: tuple[str, ...]
    avoids: tuple[str, ...]
    director: str
    era: tuple[int, int]  # first and last year
    rules: tuple[Rule, ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(
            user_id=data["user_id"],
            loves=tuple(data["loves"]),
            avoids=tuple(data["avoids"]),
            director=data["director"],
            era=(data["era"][0], data["era"][1]),
            rules=tuple(Rule(**rule | {"genres": tuple(rule["genres"])}) for rule in data["rules"]),
        )


@cache
def films() -> tuple[Film, ...]:
    with FILMS.open(encoding="utf-8", newline="") as file:
        return tuple(
            Film(
                item_id=row["item_id"],
                title=row["title"],
                year=int(row["year"]),
                genres=tuple(row["genres"].split("|")),
                director=row["director"],
                country=row["country"],
                description=row["description"],
            )
            for row in csv.DictReader(file)
        )


@cache
def _truth() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(TASTES.read_text(encoding="utf-8"))
    return data


@cache
def tastes() -> tuple[Taste, ...]:
    return tuple(Taste.from_json(taste) for taste in _truth()["end_users"])


def appeal() -> dict[str, float]:
    """Item id → what every end user adds to the film's utility, in stars."""
    found: dict[str, float] = _truth()["appeal"]
    return found


def utility(taste: Taste, film: Film, appeal: float) -> float:
    """Stars before noise and rounding; may lie outside 1 to 5."""
    genres = set(film.genres)
    return (
        BASE
        + appeal
        + LOVED * len(genres & set(taste.loves))
        + AVOIDED * len(genres & set(taste.avoids))
        + (DIRECTOR if film.director == taste.director else 0.0)
        + (ERA if taste.era[0] <= film.year <= taste.era[1] else 0.0)
        + sum(rule.weight for rule in taste.rules if rule.holds(film))
    )


def like_probability(taste: Taste, film: Film) -> float:
    """The probability that this end user gives this film 4 or 5 stars."""
    return 1.0 / (1.0 + math.exp((LIKE - utility(taste, film, appeal()[film.item_id])) / NOISE))

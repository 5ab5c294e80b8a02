"""Make the sample's end users: tastes from a fixed seed, and the interactions that follow from them.

    python -m recommender.catalogs.sample.generate

writes tastes.json again, byte for byte the same. Only `random.Random.random()` is drawn from, because Python promises
its values to stay equal between versions; `choice`, `sample` and `gauss` make no such promise.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from recommender.catalogs.sample import truth
from recommender.catalogs.sample.truth import Film, Rule, Taste

T = TypeVar("T")

SEED = 20240229
END_USERS = 200
FEWEST, MOST = 20, 80  # interactions of an end user
ERAS = ((1920, 1959), (1960, 1979), (1980, 1994), (1995, 2021))
FEWEST_FILMS = 4  # that a rule must hold for, to be worth having
FIRST_MOMENT = 1_640_995_200  # 2022-01-01 00:00 UTC
DAY = 86_400  # seconds
OCCUPATIONS = ("artist", "engineer", "lawyer", "nurse", "programmer", "retired", "salesperson", "student", "teacher")
GENDERS = ("female", "male")


@dataclass(frozen=True, slots=True)
class Watched:
    user_id: str
    item_id: str
    rating: int
    moment: int  # Unix seconds


class Dice:
    """Draws that are equal on every Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not for secrets

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        return low + (high - low) * self._random.random()

    def whole(self, low: int, high: int) -> int:
        """`high` included."""
        return low + int(self._random.random() * (high - low + 1))

    def one(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def some(self, weights: dict[T, float], count: int) -> list[T]:
        """Different options, heavier ones more likely, in the order drawn."""
        keys = {option: -math.log(1.0 - self._random.random()) / weight for option, weight in weights.items()}
        return sorted(keys, key=lambda option: keys[option])[:count]


def make_appeal(films: Sequence[Film]) -> dict[str, float]:
    dice = Dice(SEED)
    return {film.item_id: round(dice.number(-0.4, 0.4), 2) for film in films}


def make_tastes(films: Sequence[Film], count: int = END_USERS) -> list[Taste]:
    """The catalog has END_USERS of them; measurements may ask for more people of the same kind."""
    return [_make_taste(number, films) for number in range(1, count + 1)]


def _make_taste(number: int, films: Sequence[Film]) -> Taste:
    dice = Dice(SEED + number)
    genres = Counter(genre for film in films for genre in film.genres)
    directors = Counter(film.director for film in films)
    drawn = dice.some({genre: count**0.5 for genre, count in genres.items()}, 4)
    loves, avoids = tuple(drawn[:2]), tuple(drawn[2 : 2 + dice.whole(1, 2)])
    return Taste(
        user_id=f"u{number:03}",
        loves=loves,
        avoids=avoids,
        director=dice.one([director for director, count in directors.items() if count >= 3]),
        era=dice.one(ERAS),
        rules=_make_rules(dice, films, loves, avoids, genres),
    )


def _make_rules(
    dice: Dice, films: Sequence[Film], loves: tuple[str, ...], avoids: tuple[str, ...], genres: Counter[str]
) -> tuple[Rule, ...]:
    """An exception from a loved or avoided genre, and a liking or dislike for two genres together."""
    exceptions = [
        Rule((genre,), weight, since=since, until=until, country=country)
        for names, weight in ((loves, -1.6), (avoids, 1.8))
        for genre in names
        for since, until, country in (*((*era, "") for era in ERAS), (0, 9999, "United Kingdom"), (0, 9999, "Japan"))
    ]
    names = sorted(genres)
    blends = [Rule((one, other), weight) for one in names for other in names if one < other for weight in (1.2, -1.2)]
    return _one_that_matters(dice, films, exceptions), _one_that_matters(dice, films, blends)


def _one_that_matters(dice: Dice, films: Sequence[Film], rules: Sequence[Rule]) -> Rule:
    while sum(map((rule := dice.one(rules)).holds, films)) < FEWEST_FILMS:
        pass
    return rule


def end_user_attributes(number: int) -> dict[str, str | int]:
    """Facts that have nothing to do with the taste, on purpose: a claim that rests on them is unsupported."""
    dice = Dice(SEED + 2 * END_USERS + number)
    return {"age": dice.whole(18, 75), "gender": dice.one(GENDERS), "occupation": dice.one(OCCUPATIONS)}


def interactions(films: Sequence[Film], tastes: Sequence[Taste], appeal: dict[str, float]) -> Iterator[Watched]:
    """What everybody watched and how they rated it; an end user's interactions are in the order of time."""
    for number, taste in enumerate(tastes, 1):
        dice = Dice(SEED + END_USERS + number)
        utilities = {film.item_id: truth.utility(taste, film, appeal[film.item_id]) for film in films}
        # People rather watch what they expect to like, and what many others like.
        weights = {item: math.exp(0.5 * (stars - truth.BASE) + appeal[item]) for item, stars in utilities.items()}
        watched = dice.some(weights, dice.whole(FEWEST, MOST))
        moment = FIRST_MOMENT + dice.whole(0, 400 * DAY)
        for item in dice.some(dict.fromkeys(watched, 1.0), len(watched)):
            # Now another film the same evening, now days or weeks later.
            moment += dice.whole(5_400, 10_800) if dice.number() < 0.4 else dice.whole(DAY, 14 * DAY)
            chance = dice.number(0.001, 0.999)
            stars = utilities[item] + truth.NOISE * math.log(chance / (1.0 - chance))
            yield Watched(taste.user_id, item, min(5, max(1, math.floor(stars + 0.5))), moment)


def as_json(tastes: Sequence[Taste], appeal: dict[str, float]) -> str:
    """What tastes.json holds: one end user a line."""
    people = ",\n".join(json.dumps(_without_defaults(asdict(taste)), ensure_ascii=False) for taste in tastes)
    return f'{{"seed": {SEED},\n"appeal": {json.dumps(appeal)},\n"end_users": [\n{people}\n]}}\n'


def _without_defaults(taste: dict[str, Any]) -> dict[str, Any]:
    nothing = {"since": 0, "until": 9999, "country": ""}
    rules = [{k: v for k, v in rule.items() if nothing.get(k) != v} for rule in taste["rules"]]
    return taste | {"rules": rules}


def main() -> None:
    films = truth.films()
    truth.TASTES.write_text(as_json(make_tastes(films), make_appeal(films)), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the sample catalog's planted truth says of texts about its end users and films, and an annotator who knows it.

A *statement* is what the demonstration's reader finds: a feature (genre, director, country, decade) that somebody
likes, avoids or is divided about. Of an end user it is true where the planted utility of the films with that feature
lies so far above (likes), below (avoids) or near (divided) that of all others: MARGIN stars. Of a film's likers it
is true where their mean of that difference, weighed by the exact like probabilities, lies so far above or below that of
those who do not like it: SIDES stars. Facts about a film are true where films.csv has them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recommender.catalogs.sample import truth
from recommender.catalogs.sample.truth import Film, Rule, Taste
from recommender.rounds.core import prompts
from recommender.rounds.core.types import Subject
from worker.endpoint.demonstration import lexicon
from worker.endpoint.demonstration.features import Feature, features_of, names_of
from worker.endpoint.demonstration.reading import read
from worker.endpoint.demonstration.statements import Evidence, Sentence, Statement, Strength, read_text

MARGIN = 0.25
SIDES = 0.1
NOUN = "movie"
MISSING = 2  # truths that a text leaves out and the annotator names


@dataclass(frozen=True, slots=True)
class About:
    """Whom a text is about, by external id; one of the two is empty."""

    user_id: str = ""
    item_id: str = ""


class Planted:
    """The truth about these tastes."""

    def __init__(self, tastes: Sequence[Taste]) -> None:
        self.tastes = {taste.user_id: taste for taste in tastes}
        self.films = {film.item_id: film for film in truth.films()}
        self.features = {
            item: frozenset(features_of(_attributes(film), film.title)) for item, film in self.films.items()
        }
        self.names = {
            name: f for f in sorted({f for own in self.features.values() for f in own}) for name in names_of(f)
        }

    @cached_property
    def _masks(self) -> tuple[list[Feature], Any]:
        known = sorted({feature for own in self.features.values() for feature in own})
        return known, np.array([[f in own for own in self.features.values()] for f in known], dtype=float)

    @cached_property
    def _utilities(self) -> Any:
        """(u, films), in stars."""
        appeal = truth.appeal()
        return np.array(
            [[truth.utility(t, f, appeal[f.item_id]) for f in self.films.values()] for t in self.tastes.values()]
        )

    @cached_property
    def effects(self) -> Any:
        """(u, features): mean utility of the films with a feature, less that of all others."""
        _, masks = self._masks
        inside = self._utilities @ masks.T / masks.sum(axis=1)
        outside = self._utilities @ (1 - masks).T / np.maximum((1 - masks).sum(axis=1), 1)
        return inside - outside

    @cached_property
    def sides(self) -> Any:
        """(films, features): the likers' mean effect, less that of those who do not like the film."""
        like = 1 / (1 + np.exp((truth.LIKE - self._utilities) / truth.NOISE))
        weigh = [w.T @ self.effects / w.sum(axis=0)[:, None] for w in (like, 1 - like)]
        return weigh[0] - weigh[1]

    @cached_property
    def _column(self) -> dict[Feature, int]:
        return {feature: place for place, feature in enumerate(self._masks[0])}

    def _row(self, about: About) -> Any:
        if about.user_id:
            return self.effects[list(self.tastes).index(about.user_id)]
        return self.sides[list(self.films).index(about.item_id)]

    def holds(self, said: Statement, about: About) -> bool:
        """Whether a statement is true."""
        if said.aspect == "item":
            return said.feature in self.features[about.item_id]
        if said.feature not in self._column:
            return said.stance == 0
        effect = float(self._row(about)[self._column[said.feature]]) * (-1 if said.aspect == "disliker" else 1)
        margin = MARGIN if about.user_id else SIDES
        return {1: effect >= margin, -1: effect <= -margin, 0: abs(effect) < margin}[said.stance or 0]

    def strongest(self, about: About) -> list[tuple[Feature, int]]:
        """Genres, directors and decades that are truly liked (1) or avoided (-1), the strongest first."""
        row = self._row(about)
        margin = MARGIN if about.user_id else SIDES
        order = np.argsort(-np.abs(row), kind="stable")
        known = self._masks[0]
        return [
            (known[place], 1 if row[place] > 0 else -1)
            for place in order
            if abs(row[place]) >= margin and known[place].attribute == "genres"
        ]

    def text(self, about: About) -> str:
        """The planted truth in sentences."""
        if about.user_id:
            return " ".join(_of_taste(self.tastes[about.user_id]))
        film = self.films[about.item_id]
        appeal = truth.appeal()[film.item_id]
        said = [
            f"“{film.title}” is a {' and '.join(film.genres).lower()} movie.",
            f"It was directed by {film.director} and comes from {film.country}.",
        ]
        said += [side("liker", f, stance) for f, stance in self.strongest(about)[:4]]
        if abs(appeal) >= 0.1:
            said.append(f"People of every taste like it {'more' if appeal > 0 else 'less'} than others of its kind.")
        return " ".join(said)


def _attributes(film: Film) -> dict[str, tuple[str, ...]]:
    return {"genres": film.genres, "director": (film.director,), "country": (film.country,)}


def _of_taste(taste: Taste) -> Iterable[str]:
    yield f"They love {' and '.join(f'{genre.lower()} movies' for genre in taste.loves)}."
    yield f"They avoid {' and '.join(f'{genre.lower()} movies' for genre in taste.avoids)}."
    yield f"They love movies directed by {taste.director}, and enjoy movies from {taste.era[0]} to {taste.era[1]}."
    for rule in taste.rules:
        yield f"They {'love' if rule.weight > 0 else 'avoid'} {_combination(rule)}."


def _combination(rule: Rule) -> str:
    said = f"movies that are {' and '.join(rule.genres).lower()}"
    if (rule.since, rule.until) != (0, 9999):
        said += f" and from {rule.since} to {rule.until}"
    return said + (f" and from {rule.country}" if rule.country else "")


def side(aspect: str, feature: Feature, stance: int) -> str:
    who = {"person": "They", "liker": "People who like it", "disliker": "People who do not like it"}[aspect]
    return f"{who} {'love' if stance > 0 else 'avoid'} {feature.phrase(NOUN)}."


@dataclass(frozen=True, slots=True)
class Judged:
    """A text's sentences, and which of their statements are true."""

    sentences: list[Sentence]
    true: list[Statement]
    false: list[Statement]
    wrong: list[Sentence]  # those with a false statement, or with praise that no fact supports


def judged(planted: Planted, about: About, text: str, evidence_json: Any) -> Judged:
    reading = read(prompts.render(Subject.from_json(evidence_json), "reason").messages)
    assert reading is not None
    evidence = Evidence.of(reading)
    evidence.names.update(planted.names)  # also of features that the evidence does not show
    sentences = read_text(text, evidence)
    true, false, wrong = [], [], []
    for sentence in sentences:
        vouched = [
            s
            for s in sentence.statements
            if s.strength > Strength.REPORTED and (s.stance is not None or s.aspect == "item")
        ]
        holds = [planted.holds(said, about) for said in vouched]
        true += [said for said, so in zip(vouched, holds, strict=True) if so]
        false += [said for said, so in zip(vouched, holds, strict=True) if not so]
        praise = sentence.aspect == "item" and lexicon.ACCLAIM.search(sentence.words)
        if praise or not all(holds):
            wrong.append(sentence)
    return Judged(sentences, true, false, wrong)

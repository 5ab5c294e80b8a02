"""What benchmarks/real_llm.py teaches and asks: people of the sample's kind, their evidence, texts, errors, prompts.

The truth of a statement is the planted one: it says likes where films with all that it names have so much more planted
utility (MARGIN stars) than all others for this person, dislikes where so much less, mixed in between; a title, where
the film's planted chance to be liked is on that side. Facts, phrases and aspects that no film has are not judged.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.planted import MARGIN
from benchmarks.told_tastes import NOUNS
from recommender.catalogs.sample import generate, truth
from recommender.catalogs.sample.truth import Film, Taste
from recommender.grounding.lexicon import Lexicon
from recommender.grounding.reader import read
from recommender.grounding.statements import Facet, Statement
from recommender.grounding.tagger.tags import tagger
from recommender.llm.types import Prompt
from recommender.rounds.core.harmless import harmless
from recommender.rounds.core.types import Encounter, Subject
from recommender.tuning.rows import Provenance, Row, judgement

SHOWN = 12  # interactions of a prompt: the first of a person's history, so that texts know nothing of what follows
LEAST = 2  # shown films of a genre that a text speaks of
MOST = 2  # genres on either side
SYSTEM = {
    "reason": "You say what one person likes, from the movies they rated. Name the kinds of movies that the list shows "
    "they like, and those it shows they do not like. Answer with one or two sentences.",
    "reflect": "You judge whether a text about one person's taste fits the movies they rated. Answer in this form:\n"
    "<Final Judgement>The user preference is reasonable</Final Judgement> or <Final Judgement>The user preference is "
    "not reasonable</Final Judgement>\n<Reflection>what is wrong; nothing when it is reasonable</Reflection>",
    "refine": "You correct a text about one person's taste. You see the movies they rated, the text, and a critique. "
    "Answer with the corrected text: one or two sentences.",
}  # fmt: skip
CRITIQUES = (
    "The text says that they {said} {what}, but of {of} {what} in the list they liked {liked}.",
    "Wrong about {what}: {liked} of {of} were liked, so it is not true that they {said} them.",
    "They liked {liked} of the {of} {what} shown. That they {said} {what} does not follow.",
)


@dataclass(frozen=True)
class Person:
    """One end user's planted taste, and the first SHOWN interactions: `as_of` is the moment of the last."""

    taste: Taste
    shown: tuple[tuple[Film, bool], ...]
    as_of: int

    @property
    def name(self) -> str:
        return self.taste.user_id

    @cached_property
    def subject(self) -> Subject:
        history = tuple(Encounter(f.title, None, liked, {"genres": list(f.genres)}) for f, liked in self.shown)
        return Subject("end_user", "movie", 5, 3, history=history)

    @cached_property
    def utilities(self) -> Any:
        """(films,) in stars."""
        appeal = truth.appeal()
        return np.array([truth.utility(self.taste, film, appeal[film.item_id]) for film in truth.films()])

    def effect(self, holds: Any) -> float:
        """Mean utility of the films where `holds` (a mask) is true, less that of all others."""
        return float(self.utilities[holds].mean() - self.utilities[~holds].mean())

    @cached_property
    def sides(self) -> tuple[list[str], list[str]]:
        """Genres that are truly liked and avoided, and that the evidence shows so: the clearest first."""
        found: tuple[list[tuple[float, str]], list[tuple[float, str]]] = ([], [])
        for genre in sorted({genre for film, _ in self.shown for genre in film.genres}):
            liked, of = self.counted(genre)
            effect = self.effect(_mask((Facet("attribute", "genres", genre),)))
            if of >= LEAST and abs(effect) >= MARGIN and (liked / of - 0.5) * effect > 0:
                found[effect < 0].append((-abs(effect), genre))
        likes, avoids = ([genre for _, genre in sorted(side)] for side in found)
        return likes, avoids

    def counted(self, genre: str) -> tuple[int, int]:
        """Of the shown films with this genre: how many were liked, and how many there are."""
        opinions = [liked for film, liked in self.shown if genre in film.genres]
        return sum(opinions), len(opinions)

    def draw(self, what: str) -> random.Random:
        return random.Random(hashlib.sha256(f"{self.name} {what}".encode()).digest())


@dataclass(frozen=True)
class Text:
    """`wrong`: a critique of the error planted in it; empty where there is none."""

    text: str
    wrong: str = ""


def people(count: int) -> list[Person]:
    """So many, in a fixed order, without those whose evidence shows too little for a text (about two thirds)."""
    films = {film.item_id: film for film in truth.films()}
    tastes = generate.make_tastes(truth.films(), count)
    watched: dict[str, list[generate.Watched]] = {taste.user_id: [] for taste in tastes}
    for one in generate.interactions(truth.films(), tastes, truth.appeal()):
        watched[one.user_id].append(one)
    everybody = (
        Person(
            taste,
            tuple((films[one.item_id], one.rating > 3) for one in watched[taste.user_id][:SHOWN]),
            watched[taste.user_id][SHOWN - 1].moment,
        )
        for taste in tastes
    )
    return [person for person in everybody if all(person.sides)]


def _styles() -> tuple[list[str], list[str]]:
    """The wordings to learn from, and those that are held out."""
    learnt: list[str] = []
    held_out: list[str] = []
    into = learnt
    for line in Path(__file__).with_name("real_llm.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            into = held_out if line.startswith("[held out") else learnt
        elif line:
            into.append(line)
    return learnt, held_out


LEARNT, HELD_OUT = _styles()


def right(person: Person, wordings: Sequence[str]) -> Text:
    """A true text."""
    likes, avoids = (side[:MOST] for side in person.sides)
    return _text(person, wordings, likes, avoids, "right")


def wrong(person: Person, wordings: Sequence[str]) -> Text:
    """The same kind of text with one or two genres on the wrong side."""
    likes, avoids = (side[:MOST] for side in person.sides)
    draw = person.draw("error")
    if len(avoids) == MOST and draw.random() < 0.5:  # one moves over
        moved = avoids[0]
        made = _text(person, wordings, [*likes[:1], moved], avoids[1:], "wrong")
        return Text(made.text, _critique(person, moved, "like"))
    like, avoid = likes[0], avoids[0]  # two change places
    made = _text(person, wordings, [avoid, *likes[1:]], [like, *avoids[1:]], "wrong")
    about, said = draw.choice([(avoid, "like"), (like, "dislike")])
    return Text(made.text, _critique(person, about, said))


def _text(person: Person, wordings: Sequence[str], likes: Sequence[str], avoids: Sequence[str], draw: str) -> Text:
    said, unsaid = (" and ".join(noun(genre) for genre in side) for side in (likes, avoids))
    wording = person.draw(draw).choice(wordings)
    return Text(wording.format(likes=said, dislikes=unsaid, Likes=_capital(said), Dislikes=_capital(unsaid)))


def _critique(person: Person, genre: str, said: str) -> str:
    liked, of = person.counted(genre)
    return person.draw("critique").choice(CRITIQUES).format(said=said, what=noun(genre), liked=liked or "none", of=of)


def noun(genre: str) -> str:
    return NOUNS.get(genre, f"{genre.lower()} movies")


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def rendered(subject: Subject, step: str, *, rationale: str = "", critique: str = "") -> Prompt:
    """A step's prompt, laid out for a small model: about 250 tokens. Data comes last, as in the product's layout."""
    lines = [
        f"{'+' if one.liked else '-'} {harmless(one.title)}: {', '.join(one.attributes['genres'])}"
        for one in subject.history
    ]
    parts = ["Liked (+) and not liked (-):", *lines]
    parts += [f"Text: {harmless(rationale)}"] * bool(rationale) + [f"Critique: {harmless(critique)}"] * bool(critique)
    messages = ({"role": "system", "content": SYSTEM[step]}, {"role": "user", "content": "\n".join(parts)})
    digest = hashlib.sha256(SYSTEM[step].encode()).hexdigest()
    return Prompt(name=f"real_llm/{step}", hash=digest, messages=messages, json_schema=None)


def rows(learners: Sequence[Person]) -> Iterator[Row]:
    """D_reason, D_reflect (one right and one wrong text of each) and D_refine of these people."""
    for number, person in enumerate(learners):
        good, bad = right(person, LEARNT), wrong(person, LEARNT)
        where = Provenance("teacher", catalog="sample", subject_kind="end_user", subject=number, as_of=person.as_of,
                           created="planted")  # fmt: skip
        subject = person.subject
        yield Row("reason", rendered(subject, "reason").messages, good.text, where)
        for one in (good, bad):
            verdict = judgement("end_user", "not_reasonable" if one.wrong else "reasonable", one.wrong)
            yield Row("reflect", rendered(subject, "reflect", rationale=one.text).messages, verdict, where)
        asked = rendered(subject, "refine", rationale=bad.text, critique=bad.wrong)
        yield Row("refine", asked.messages, good.text, where)


def asked_of_reflector(held_out: Sequence[Person]) -> list[tuple[Person, Text]]:
    """Texts in wordings that nobody learnt from, by turns right and wrong."""
    return [(person, (wrong if place % 2 else right)(person, HELD_OUT)) for place, person in enumerate(held_out)]


@cache
def _mask(aspect: tuple[Facet, ...]) -> Any:
    """(films,) which films have all facets of an aspect."""
    return np.array([all(_has(film, facet) for facet in aspect) for film in truth.films()])


def _has(film: Film, facet: Facet) -> bool:
    if facet.kind == "period":
        first, last = facet.years
        return first <= film.year <= last
    if facet.kind == "title":
        return film.item_id == facet.value
    value = getattr(film, facet.name, ()) if facet.kind == "attribute" else ()
    return facet.value in value if isinstance(value, tuple) else facet.value == str(value)


def is_true(person: Person, said: Statement) -> bool | None:
    """What the planted truth says of a statement; None where it says nothing."""
    holds = _mask(said.aspect)
    if said.polarity == "neutral" or not holds.any() or holds.all():
        return None
    if any(facet.kind == "title" for facet in said.aspect):
        effect, margin = float(person.utilities[holds].mean()) - truth.LIKE, 0.0
        return None if said.polarity == "mixed" else (effect > margin) == (said.polarity == "likes")
    effect = person.effect(holds)
    return {"likes": effect >= MARGIN, "dislikes": effect <= -MARGIN, "mixed": abs(effect) < MARGIN}[said.polarity]


class Grounding:
    """The product's own reader of statements, for the sample catalog."""

    def __init__(self) -> None:
        items = [
            (f.item_id, f.title, {"genres": list(f.genres), "director": f.director, "country": f.country,
                                  "year": f.year})
            for f in truth.films()
        ]  # fmt: skip
        self._lexicon, self._tagger = Lexicon.of(items, nouns=["movie", "film"]), tagger()

    def judged(self, person: Person, text: str) -> list[bool]:
        """Which of a text's statements are true, in their order; without those that the truth does not judge."""
        said = read(text, self._lexicon, about="end_user", tagger=self._tagger)
        return [found for one in said if (found := is_true(person, one)) is not None]

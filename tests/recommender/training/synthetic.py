"""Small catalogs whose truth is planted: each end user likes two genres, and rates by them with a little noise."""

import hashlib
import random

import numpy as np

from recommender.catalogs.feedback import FeedbackScale
from recommender.dataset.interactions import Interactions
from recommender.knowledge.service import accept
from recommender.models import Catalog, EndUser, Interaction, Item, Round, RoundState, Turn
from tests import builders

GENRES = ["Comedy", "Drama", "Horror", "Western"]
SCALE = FeedbackScale(1.0, 5.0, 3.0)


def rows(*, end_users: int = 30, items: int = 40, each: int = 24, seed: int = 7) -> list[tuple[int, int, int, float]]:
    """(end user, item, moment, rating), both numbered from 0."""
    source = random.Random(seed)
    made = []
    for end_user in range(end_users):
        liked = source.sample(range(len(GENRES)), 2)
        for place, item in enumerate(source.sample(range(items), each)):
            likes = item % len(GENRES) in liked
            if source.random() < 0.1:
                likes = not likes
            made.append((end_user, item, 1000 + 10 * place, 5.0 if likes else float(source.choice([1, 2]))))
    return made


def attributes_of(end_user: int) -> dict[str, object]:
    """Of every third end user nothing is known."""
    return {} if end_user % 3 == 2 else {"age": 20 + end_user, "gender": "female" if end_user % 3 else "male"}


def in_memory(made: list[tuple[int, int, int, float]], *, items: int = 40) -> Interactions:
    """What dataset.interactions.read gives, without a database. Primary keys are 1, 2, … in the order given."""
    end_users = 1 + max((row[0] for row in made), default=-1)
    end_user, item, moment, rating = (np.array(column) for column in zip(*made, strict=True))
    keys = np.arange(1, len(made) + 1)
    order = np.lexsort((keys, moment, end_user))
    rating = rating[order].astype(np.float64)
    unlabelled = np.full(len(made), -1, dtype=np.int8)
    return Interactions(
        end_users=[f"u{n:03}" for n in range(end_users)],
        items=[f"i{n:03}" for n in range(items)],
        end_user_keys={n: n for n in range(end_users)},
        item_keys={n: n for n in range(items)},
        item_tokens=np.array([[1 + n % len(GENRES)] for n in range(items)], dtype=np.int32),
        tokens=[f"genres={genre}" for genre in GENRES],
        scale=SCALE,
        keys=keys[order].astype(np.int64),
        end_user=end_user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        moment=moment[order].astype(np.int64),
        liked=SCALE.liked(rating, unlabelled),
        feedback=SCALE.bucket(rating, unlabelled),
        end_user_attributes=[attributes_of(n) for n in range(end_users)],
    )


def in_database(name: str = "", **sizes: int) -> Catalog:
    """The same rows as `rows` gives, stored."""
    catalog = builders.make_catalog(name)
    made = rows(**sizes)
    items = Item.objects.bulk_create(
        Item(
            catalog=catalog,
            external_id=f"i{n:03}",
            title=f"Film {n}",
            attributes={"genres": [GENRES[n % len(GENRES)]], "year": 1950 + n},
        )
        for n in range(1 + max(row[1] for row in made))
    )
    end_users = EndUser.objects.bulk_create(
        EndUser(catalog=catalog, external_id=f"u{n:03}", attributes=attributes_of(n))
        for n in range(1 + max(row[0] for row in made))
    )
    Interaction.objects.bulk_create(
        Interaction(end_user=end_users[end_user], item=items[item], moment=moment, rating=rating)
        for end_user, item, moment, rating in made
    )
    return catalog


def approve(subject: EndUser | Item, text: str, *, as_of: int = 1000) -> Turn:
    """Put a text in force about a subject, as an annotator's approval does."""
    round_: Round = builders.make_round(subject, ("reason", text), as_of=as_of, state=RoundState.RESTING)
    turn = round_.turns.get()
    assert turn.text_hash == hashlib.sha256(text.encode()).hexdigest()
    accept(turn)
    return turn


class Silent:
    """An observer of nothing."""

    def at(self, stage: str, done: int, of: int, note: str = "") -> None: ...
    def alive(self) -> None: ...
    def epoch(self, epoch: object) -> None: ...

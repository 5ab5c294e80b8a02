"""Rows for every loop: MovieLens with the item's id and first genre, histories with id, genre and feedback, a label."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.catalogs.feedback import FeedbackScale
from recommender.dataset.examples import Examples, build
from recommender.dataset.interactions import Interactions
from recommender.dataset.numbering import FIRST_ITEM
from recommender.dataset.split import Codes, Parts, split
from recommender.dataset.texts import KnowledgeRows

GENRES = ["unknown", "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"]
GENRES += ["Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"]


@dataclass(frozen=True)
class Rows:
    """The examples of a catalog, and its parts in the split r4ec."""

    examples: Examples
    parts: Parts
    codes: Codes

    @property
    def genre_of(self) -> NDArray[np.int64]:
        """The genre of every item as models number it, padding and the unknown item first: (V)."""
        genres = self.examples.interactions.item_tokens[:, 0].astype(np.int64)
        return np.concatenate([np.zeros(FIRST_ITEM, dtype=np.int64), genres])


def is_there(folder: Path) -> bool:
    """Whether `read` knows what lies there."""
    return any((folder / name).exists() for name in ("u.data", "ratings.dat", "interactions.csv.gz"))


def read(folder: Path, *, history: int) -> Rows:
    """ML-100k and ML-1M as GroupLens has them, or ML-1M with labels and places instead of ratings and times."""
    if (folder / "u.data").exists():
        user, film, rating, place = np.loadtxt(folder / "u.data", dtype=np.int64).T
        label = rating > 3
        lines = (folder / "u.item").read_text("latin-1").splitlines()
        genre_of = {int(line.split("|", 1)[0]): 1 + line.split("|")[-19:].index("1") for line in lines}
    else:
        if (folder / "ratings.dat").exists():
            text = (folder / "ratings.dat").read_text().replace("::", " ")
            user, film, rating, place = np.loadtxt(text.splitlines(), dtype=np.int64).T
            label = rating > 3
        else:
            with gzip.open(folder / "interactions.csv.gz", "rt") as file:
                user, film, place, label = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64).T
        split_lines = [line.split("::") for line in (folder / "movies.dat").read_text("latin-1").splitlines()]
        first = {
            int(number): genres.split("|")[0].replace("Children's", "Children") for number, _, genres in split_lines
        }
        genre_of = {number: 1 + GENRES.index(genre) for number, genre in first.items()}
    users, end_user = np.unique(user, return_inverse=True)
    films, item = np.unique(film, return_inverse=True)
    order = np.lexsort((place, end_user))
    scale, label = FeedbackScale(1.0, 5.0, 3.0), label[order].astype(np.int8)
    unrated = np.full(len(label), np.nan)
    interactions = Interactions(
        end_users=[str(one) for one in users],
        items=[str(one) for one in films],
        end_user_keys={},
        item_keys={},
        item_tokens=np.array([[genre_of[one]] for one in films.tolist()], dtype=np.int32),
        tokens=[f"genre={name}" for name in GENRES],
        scale=scale,
        keys=np.arange(1, 1 + len(label)),
        end_user=end_user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        moment=place[order],
        liked=scale.liked(unrated, label),
        feedback=scale.bucket(unrated, label),
    )
    codes = split("r4ec", interactions.end_user, interactions.liked)
    return Rows(build(interactions, KnowledgeRows([]), history=history), Parts.of(codes), codes)

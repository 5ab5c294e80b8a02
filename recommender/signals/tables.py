"""Everything signals are computed from: fitted on the train part, out of fold, kept with the backbone's artifact.

End users are dealt to folds by their external id. The factors of a fold come from the end users of all other folds,
so nobody's own likes are in what is said about them, in training as when serving.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.signals import gaussian_process, leave_one_out
from recommender.signals.factors import Likes, fit
from recommender.signals.gaussian_process import Rows
from recommender.signals.spaces import Space

FOLDS = 5
BUMPS = (0.02, 0.05, 0.1, 0.2)  # tried for each space in turn; the train part decides
LEAST_GAIN = 1e-3  # share of the error a bump must take away: less may be luck
ASKED, ASKED_EACH = 256, 500  # end users and their first interactions that decide
STATISTICS, TASTE, MOOD = ("mean", "count", "history"), ("taste", "doubt"), ("mood",)
NAMES = STATISTICS + TASTE + MOOD
CENTRE = np.array([0.5, 4.0, 4.0, 0.0, 0.45, 0.0])  # brings the columns, log1p of counts, to a common size
SCALE = np.array([4.0, 0.5, 0.5, 4.0, 10.0, 4.0])


@dataclass(frozen=True, slots=True)
class Tables:
    """Of v items; row v is an item nobody knows."""

    mean: NDArray[np.float32]  # (folds, v + 1)
    count: NDArray[np.float32]  # (folds, v + 1)
    factors: NDArray[np.float32]  # (folds, v + 1, K)
    columns: NDArray[np.int64]  # which of NAMES a reading has
    spaces: Sequence[NDArray[np.float32]] = ()  # (v + 1, D) each
    bumps: Sequence[float] = ()  # of each space: tastes.Rows

    def rows(self, fold: int, item: NDArray[np.int64], liked: NDArray[np.int8], before: NDArray[np.int64]) -> Rows:
        """One end user's rows as the kernel sees them: tastes.Rows says which `item`, `liked`, `before` (n) each."""
        mean = self.mean[fold, item].astype(np.float64)
        return Rows(mean, self.factors[fold, item], [space[item] for space in self.spaces], self.bumps, liked, before)

    def read(
        self, fold: int, item: NDArray[np.int64], liked: NDArray[np.int8], before: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The readings (n, F) of one end user's rows."""
        told = np.r_[0, np.cumsum(liked >= 0)][before]
        return self._readings(fold, item, told, *gaussian_process.read(self.rows(fold, item, liked, before)))

    def read_without(
        self, fold: int, item: NDArray[np.int64], liked: NDArray[np.int8], history: int, places: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The readings (1 + m, n - history, F) of the rows after the first `history`, one entry of that left out.

        The first reading has the whole history, the others lack the entry at each of `places` (m).
        """
        rows = self.rows(fold, item, liked, np.minimum(np.arange(len(item)), history))
        known = liked[:history] >= 0
        told = known.sum() - np.r_[0, known[places]][:, None]
        return self._readings(fold, item[history:], told, *leave_one_out.read(rows, history, places))

    def _readings(
        self, fold: int, item: NDArray[np.int64], told: NDArray[np.int64], *of_tastes: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """All columns of `item` (n), scaled: (…, n, F). `of_tastes`: taste, doubt and mood (…, n)."""
        counts = np.log1p(self.count[fold, item]), np.log1p(told)
        columns = np.broadcast_arrays(self.mean[fold, item].astype(np.float64), *counts, *of_tastes)
        scaled: NDArray[np.float64] = (np.stack(columns, axis=-1) - CENTRE) * SCALE
        return scaled[..., self.columns].astype(np.float32)

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {f"space_{place}": space for place, space in enumerate(self.spaces)}
        arrays |= {"mean": self.mean, "count": self.count, "factors": self.factors, "columns": self.columns}
        arrays["bumps"] = np.array(self.bumps, dtype=np.float64)
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Tables":
        with np.load(path, allow_pickle=False) as stored:
            bumps = stored["bumps"].tolist()
            spaces = [stored[f"space_{place}"] for place in range(len(bumps))]
            return cls(stored["mean"], stored["count"], stored["factors"], stored["columns"], spaces, bumps)


def fold_of(end_user: str) -> int:
    """The fold of an end user by external id: known, new and in any database the same."""
    return zlib.crc32(end_user.encode()) % FOLDS


def build(
    end_users: Sequence[str],
    likes: Likes,
    items: int,
    spaces: Sequence[Space],
    *,
    collaborative: bool,
    columns: Sequence[str] = NAMES,
    seed: int,
    alive: Callable[[], None] = lambda: None,
) -> Tables:
    """Fit every fold. `end_users`: external ids; `likes`: of the train part only, numbered as those and the items."""
    folds = np.array([fold_of(name) for name in end_users])[likes.end_user]
    fitted = []
    for fold in range(FOLDS):
        alive()
        others = folds != fold
        rest = Likes(likes.end_user[others], likes.item[others], likes.liked[others])
        fitted.append(fit(rest, items, spaces, collaborative=collaborative, seed=seed))
    tables = Tables(
        mean=np.stack([one.mean for one in fitted]).astype(np.float32),
        count=np.stack([one.count for one in fitted]).astype(np.float32),
        factors=np.stack([one.factors for one in fitted]).astype(np.float32),
        columns=np.array([NAMES.index(name) for name in columns]),
        spaces=[np.vstack([space, np.zeros((1, space.shape[1]), np.float32)]) for space in spaces],
        bumps=[0.0] * len(spaces),
    )
    for place in range(len(spaces)):
        alive()
        best, least = tables, surprise(tables, end_users, likes) * (1 - LEAST_GAIN)
        for bump in BUMPS:
            tried = replace(tables, bumps=[*tables.bumps[:place], bump, *tables.bumps[place + 1 :]])
            if (error := surprise(tried, end_users, likes)) < least:
                best, least = tried, error
        tables = best
    return tables


def surprise(tables: Tables, end_users: Sequence[str], likes: Likes) -> float:
    """Mean squared error of some end users' likes, each foretold from their earlier ones and other end users' alone."""
    firsts = np.flatnonzero(np.r_[True, likes.end_user[1:] != likes.end_user[:-1]][: len(likes.end_user)])
    lasts = np.r_[firsts[1:], len(likes.end_user)]
    chosen = np.linspace(0, len(firsts) - 1, min(ASKED, len(firsts))).astype(np.int64)
    errors = []
    for first, last in zip(firsts[chosen].tolist(), lasts[chosen].tolist(), strict=True):
        own = slice(first, min(last, first + ASKED_EACH))
        liked = likes.liked[own].astype(np.int8)
        fold = fold_of(end_users[likes.end_user[first]])
        rows = tables.rows(fold, likes.item[own], liked, np.arange(len(liked)))
        errors.append(np.square(liked - rows.mean - gaussian_process.read(rows)[2]))
    return float(np.concatenate(errors).mean()) if errors else 0.0


def read_all(
    tables: Tables,
    end_users: Sequence[str],
    end_user: NDArray[np.int32],
    item: NDArray[np.int32],
    liked: NDArray[np.int8],
    before: NDArray[np.int64],
    *,
    alive: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """The readings of all interactions (n, F), sorted by end user. `before` (n): row a row's history ends at."""
    readings = np.zeros((len(item), len(tables.columns)), dtype=np.float32)
    edges = np.flatnonzero(np.r_[True, end_user[1:] != end_user[:-1], True]) if len(item) else np.zeros(1, np.int64)
    for first, last in pairwise(edges.tolist()):
        alive()
        rows = slice(first, last)
        fold = fold_of(end_users[end_user[first]])
        readings[rows] = tables.read(fold, item[rows].astype(np.int64), liked[rows], before[rows] - first)
    return readings

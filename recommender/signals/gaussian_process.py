"""Gaussian process: what the whole history says of an item by its resemblance to everything liked and disliked.

Items resemble each other by who likes them (factors) and by attributes and texts (spaces). Columns: the posterior mean
and standard deviation of a like, and the mean where the end user's level drifts along the history. The mathematics is
in `posterior`, `leave_one_out`, `factors` and `spaces`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.recipe import TrainConfig
from recommender.signals import leave_one_out, native, posterior, whole_history
from recommender.signals.factors import NOISE, Likes
from recommender.signals.folds import fold_of
from recommender.signals.nearest import Rows as Vectors
from recommender.signals.posterior import Floats, Rows
from recommender.signals.protocol import Candidates, Columns, Fit, Places
from recommender.signals.sources import Sources

AMPLITUDES = (0.02, 0.05, 0.1, 0.2)  # tried for each space in turn; the train part decides
LEAST_GAIN = 1e-3  # share of the error an amplitude must take away: less may be luck
ASKED, ASKED_EACH = 256, 500  # end users and their first interactions that decide
RESEMBLANCE, DRIFT = ("mean", "std"), ("mean_with_drift",)
NAMES = RESEMBLANCE + DRIFT
CENTRE = np.array([0.0, 0.45, 0.0])  # brings the columns to a common size
SCALE = np.array([4.0, 10.0, 4.0])


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """Of v items; row v is an item nobody knows."""

    mean: NDArray[np.float32]  # (folds, v + 1)
    factors: NDArray[np.float32]  # (folds, v + 1, K)
    columns: NDArray[np.int64]  # which of NAMES it has
    spaces: Sequence[NDArray[np.float32]] = ()  # (v + 1, D) each
    amplitudes: Sequence[float] = ()  # of the kernel, one for each space: posterior.Rows
    compiled: native.Kernel | None = None  # what reads candidates in place of numpy
    _known: dict[int, Vectors] = field(default_factory=dict, init=False, repr=False)  # by fold; of spaces below 0

    @property
    def width(self) -> int:
        return len(self.columns)

    def rows(self, fold: int, item: Places, liked: NDArray[np.int8], before: Places) -> Rows:
        """One end user's rows as the kernel sees them: posterior.Rows says which `item`, `liked`, `before` (n) each."""
        mean = self.mean[fold, item].astype(np.float64)
        spaces = [space[item] for space in self.spaces]
        return Rows(mean, self.factors[fold, item], spaces, self.amplitudes, liked, before)

    def read_all(self, examples: Examples, *, alive: Callable[[], None]) -> Columns:
        data = examples.interactions
        columns = np.zeros((len(data), self.width), dtype=np.float32)
        changes = np.flatnonzero(data.end_user[1:] != data.end_user[:-1]) + 1
        for first, last in pairwise([0, *changes.tolist(), len(data)] if len(data) else []):
            alive()
            own = slice(first, last)
            fold = fold_of(data.end_users[data.end_user[first]], len(self.mean))
            rows = self.rows(fold, data.item[own].astype(np.int64), data.liked[own], examples.before[own] - first)
            if data.drawn_for is not None:
                rows = replace(rows, place=_places(data.drawn_for[own] - first, rows.before))
            columns[own] = self._columns(posterior.read(rows))
        return columns

    def read(self, candidates: Candidates) -> Columns:
        found = self.compiled.read(*self._asked(candidates)) if self.compiled else None
        return self._columns(found or whole_history.read(self._after(candidates), len(candidates.met)))

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        found, history = None, len(candidates.met)
        left = len(places)
        if self.compiled and self.compiled.leaves_out and np.array_equal(places, np.arange(history - left, history)):
            of_history, item, told = self._asked(candidates)
            found = self.compiled.read_without(of_history, left, item, told)
        return self._columns(found or leave_one_out.read(self._after(candidates), history, places))

    def nearest(
        self, end_user: str, met: Places, liked: NDArray[np.int8], *, mask: NDArray[np.bool_], count: int, then: int
    ) -> Iterator[Places]:
        """The first `count` of `mask` (v), by what a history says of them, the greatest first: by the factors the
        posterior mean with the items' own, exactly where there are no spaces; by each space that counts, near what was
        liked, of which `then` are looked for once `count` were found.
        """
        library, wanted = self.compiled.library if self.compiled else None, count
        for vectors, own in self._directions(end_user, met, liked):
            found = vectors.greatest(own, mask, wanted, library=library)
            wanted = then if len(found) == count else wanted
            yield found

    def _directions(
        self, end_user: str, met: Places, liked: NDArray[np.int8]
    ) -> Iterator[tuple[Vectors, NDArray[np.float32]]]:
        """Vectors of all items, and one by whose products with them a history speaks for items."""
        told = liked >= 0
        met, residual = met[told], liked[told].astype(np.float64)
        fold = fold_of(end_user, len(self.mean))
        residual -= self.mean[fold, met]
        factors = self.factors[fold, met].astype(np.float64)  # (h, K)
        width = factors.shape[1]
        own = np.linalg.solve(factors.T @ factors + NOISE * np.eye(width), factors.T @ residual)
        yield self._vectors(fold, self.factors[fold], self.mean[fold]), own.astype(np.float32)
        for place, (space, amplitude) in enumerate(zip(self.spaces, self.amplitudes, strict=True)):
            if amplitude:
                yield self._vectors(-1 - place, space), space[met].T @ residual.astype(np.float32)

    def _vectors(self, key: int, vectors: NDArray[np.float32], base: NDArray[np.float32] | None = None) -> Vectors:
        """Those of known items, kept with what finds the greatest products faster."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Vectors(vectors[:-1], None if base is None else base[:-1])
        return known

    def _after(self, candidates: Candidates) -> Rows:
        """The history's rows, then the candidates'."""
        history, count = len(candidates.met), len(candidates.item)
        return self.rows(
            fold_of(candidates.end_user, len(self.mean)),
            np.r_[candidates.met, candidates.item],
            np.r_[candidates.liked, np.full(count, -1, dtype=np.int8)],
            np.r_[np.arange(history), np.full(count, history)],
        )

    def _asked(self, candidates: Candidates) -> tuple[native.History, Places, native.Told]:
        """What a kernel reads, without a copy of any item's rows."""
        fold, noise = fold_of(candidates.end_user, len(self.mean)), posterior.noise_beside(self.amplitudes)
        met, item = (np.where(rows < 0, self.mean.shape[1] - 1, rows) for rows in (candidates.met, candidates.item))
        told = candidates.liked >= 0
        residual = np.where(told, candidates.liked - self.mean[fold, met].astype(np.float64), 0.0)
        history = native.History(met, residual, np.where(told, noise, posterior.UNKNOWN))
        return history, item, native.Told(self.factors[fold], self.spaces, self.amplitudes, noise)

    def _columns(self, read: Sequence[Floats]) -> Columns:
        """`read`: each of NAMES (…, n); scaled (…, n, F)."""
        scaled = (np.stack(read, axis=-1) - CENTRE) * SCALE
        columns: Columns = scaled[..., self.columns].astype(np.float32)
        return columns

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {f"space_{place}": space for place, space in enumerate(self.spaces)}
        arrays |= {"mean": self.mean, "factors": self.factors, "columns": self.columns}
        arrays["amplitudes"] = np.array(self.amplitudes, dtype=np.float64)
        np.savez(path, allow_pickle=False, **arrays)


def reads_knowledge(config: TrainConfig) -> bool:
    return config.knowledge_signal


def prepare(sources: Sources) -> Fit | None:
    names = (RESEMBLANCE if sources.resembles else ()) + (DRIFT if sources.config.drift else ())
    if not names:
        return None
    return lambda _: _fit(sources, np.array([NAMES.index(name) for name in names]))


def load(path: Path) -> GaussianProcess:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:  # of half a file numpy closes nothing
        amplitudes = stored["amplitudes"].tolist()
        spaces = [stored[f"space_{place}"] for place in range(len(amplitudes))]
        return GaussianProcess(stored["mean"], stored["factors"], stored["columns"], spaces, amplitudes)


def _places(drawn_for: Places, before: Places) -> Places:
    """Where each row stands in a history as it drifts (n): a drawn one where the one stands that it was drawn for.

    Of several at one moment the posterior takes each a step further: what was drawn must not stay behind.
    """
    own = np.where(drawn_for >= 0, drawn_for, np.arange(len(before)))
    return np.where(own < before.max(initial=0), own, before)


def _fit(sources: Sources, columns: NDArray[np.int64]) -> GaussianProcess:
    """Choose each space's amplitude by what it takes from the error of likes, one after another; some are given."""
    made = sources.fold_factors
    spaces = [np.vstack([space, np.zeros((1, space.shape[1]), np.float32)]) for space in sources.spaces]
    process = GaussianProcess(made.mean, made.factors, columns, spaces, sources.given)
    end_users = sources.interactions.end_users
    for place in np.flatnonzero(np.array(sources.given) == 0).tolist():
        sources.alive()
        best, least = process, squared_error(process, end_users, sources.likes) * (1 - LEAST_GAIN)
        for amplitude in AMPLITUDES:
            amplitudes = [*process.amplitudes[:place], amplitude, *process.amplitudes[place + 1 :]]
            tried = replace(process, amplitudes=amplitudes)
            if (error := squared_error(tried, end_users, sources.likes)) < least:
                best, least = tried, error
        process = best
    return process


def squared_error(process: GaussianProcess, end_users: Sequence[str], likes: Likes) -> float:
    """The mean over some end users' likes, each predicted from their earlier ones and other end users' alone."""
    firsts = np.flatnonzero(np.r_[True, likes.end_user[1:] != likes.end_user[:-1]][: len(likes.end_user)])
    lasts = np.r_[firsts[1:], len(likes.end_user)]
    chosen = np.linspace(0, len(firsts) - 1, min(ASKED, len(firsts))).astype(np.int64)
    errors = []
    for first, last in zip(firsts[chosen].tolist(), lasts[chosen].tolist(), strict=True):
        own = slice(first, min(last, first + ASKED_EACH))
        liked = likes.liked[own].astype(np.int8)
        fold = fold_of(end_users[likes.end_user[first]], len(process.mean))
        before = np.arange(len(liked)) if likes.before is None else likes.before[own]
        rows = process.rows(fold, likes.item[own], liked, before)
        errors.append(np.square(liked - rows.mean - posterior.read(rows)[2]))
    return float(np.concatenate(errors).mean()) if errors else 0.0

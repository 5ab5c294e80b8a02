"""All signals by name, in the order of their columns; and what a run, an artifact and a ranker do with all of them.

A new signal is a file beside this one, a row here, and its switch in the recipe.
"""

import ctypes
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples, leaking_rows
from recommender.dataset.texts import KnowledgeRows
from recommender.signals import earlier_formats, gaussian_process, native, statistics
from recommender.signals.protocol import Candidates, Columns, Counted, Fit, Fitted, Places, Signal
from recommender.signals.sources import Sources

REGISTRY: dict[str, Signal] = {
    "statistics": statistics,
    "gaussian_process": gaussian_process,
}


@dataclass(frozen=True, slots=True)
class Signals:
    """Fitted signals by name, in the order of their columns. `width` (F) counts the columns of all."""

    fitted: Mapping[str, Fitted]

    @property
    def width(self) -> int:
        return sum(each.width for each in self.fitted.values())

    def read(
        self, candidates: Candidates, *, leaking: NDArray[np.bool_] | None = None, without: "Signals | None" = None
    ) -> Columns:
        """The columns of the candidates (m, F).

        `leaking` (m): candidates that must not see their item's newest text; what is fitted `without` it reads them.
        """
        columns = []
        for name, fitted in self.fitted.items():
            read, other = fitted.read(candidates), None if without is None else without.fitted.get(name)
            if other is not None and other is not fitted and leaking is not None and leaking.any():
                read[leaking] = other.read(candidates)[leaking]
            columns.append(read)
        return _side_by_side(columns, (len(candidates.item),))

    def counted(self, moment: int, end_user: int) -> Counted | None:
        """By what items' means go on in a list that this end user of the training run, by number, had been given at a
        moment, all items in order; None where they stay."""
        told = (each for each in self.fitted.values() if isinstance(each, statistics.Statistics))
        return next((each.until(moment, end_user) for each in told), None)

    @property
    def read_texts(self) -> bool:
        """Whether one of them depends on the text about the end user."""
        return any(isinstance(each, earlier_formats.StatementMatch) for each in self.fitted.values())

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        """The columns after the whole history, then without its entry at each of `places` (p): (1 + p, m, F)."""
        columns = [each.read_without(candidates, places) for each in self.fitted.values()]
        return _side_by_side(columns, (1 + len(places), len(candidates.item)))

    def compiled(self, kernel: native.Kernel) -> "Signals":
        """The same, read by a kernel where there is one for them."""
        fitted = {
            name: replace(each, compiled=kernel) if isinstance(each, gaussian_process.GaussianProcess) else each
            for name, each in self.fitted.items()
        }
        return Signals(fitted)

    @property
    def library(self) -> ctypes.CDLL | None:
        """Whose kernels read them, if any."""
        processes = [each for each in self.fitted.values() if isinstance(each, gaussian_process.GaussianProcess)]
        return next((each.compiled.library for each in processes if each.compiled), None)

    def save(self, folder: Path) -> None:
        for name, fitted in self.fitted.items():
            fitted.save(_path(folder, name))

    @classmethod
    def load(cls, folder: Path, files: Collection[str]) -> "Signals":
        """Those that `folder` holds; `files`: the names in its manifest."""
        earlier = earlier_formats.load(folder, files)
        here = {name: signal for name, signal in REGISTRY.items() if _path(folder, name).name in files}
        loaded = {name: signal.load(_path(folder, name)) for name, signal in here.items()}
        return cls(earlier | loaded | earlier_formats.load_match(folder, files))


@dataclass(frozen=True, slots=True)
class Prepared:
    """The signals that a recipe switches on, ready to be fitted."""

    sources: Sources
    fits: Mapping[str, Fit]


@dataclass(frozen=True, slots=True)
class Joined:
    """Examples with the columns of `signals`."""

    signals: Signals
    examples: Examples

    def columns(self, name: str) -> Columns:
        """Those of one signal (n, F)."""
        first = 0
        for each, fitted in self.signals.fitted.items():
            if each == name:
                return self.examples.signals[:, first : first + fitted.width]
            first += fitted.width
        raise KeyError(name)


def prepare(sources: Sources) -> Prepared:
    """Encode what the signals need to be encoded."""
    fits = {name: signal.prepare(sources) for name, signal in REGISTRY.items()}
    return Prepared(sources, {name: fit for name, fit in fits.items() if fit is not None})


def fit(prepared: Prepared, examples: Examples, *, without: Joined | None = None) -> Joined:
    """Fit every signal beside the ones before it, and give `examples` their columns.

    `without`: the same rows in the model without texts. It lends the signals that knowledge does not change, and
    the columns of rows that must not see their item's newest text.
    """
    sources = prepared.sources
    joined, leaking = _bare(examples), _leaking(examples, sources.known, without)
    for name, fit_one in prepared.fits.items():
        if without is not None and not REGISTRY[name].reads_knowledge(sources.config):
            fitted = without.signals.fitted.get(name)
        else:
            fitted = fit_one(joined.examples)
        if fitted is not None:
            joined = _with_one_more(joined, name, fitted, leaking, without, sources.alive)
    return joined


def join(
    signals: Signals,
    examples: Examples,
    *,
    known: KnowledgeRows,
    without: Joined | None = None,
    alive: Callable[[], None],
) -> Joined:
    """Give other rows the columns of fitted signals. `known`, `without`: as in `fit`."""
    joined, leaking = _bare(examples), _leaking(examples, known, without)
    for name, fitted in signals.fitted.items():
        joined = _with_one_more(joined, name, fitted, leaking, without, alive)
    return joined


def _bare(examples: Examples) -> Joined:
    return Joined(Signals({}), replace(examples, signals=_side_by_side([], (len(examples.interactions),))))


def _leaking(examples: Examples, known: KnowledgeRows, without: Joined | None) -> NDArray[np.bool_]:
    if without is None:
        return np.zeros(len(examples.interactions), dtype=np.bool_)
    return leaking_rows(examples, known)


def _with_one_more(
    joined: Joined,
    name: str,
    fitted: Fitted,
    leaking: NDArray[np.bool_],
    without: Joined | None,
    alive: Callable[[], None],
) -> Joined:
    other = None if without is None else without.signals.fitted.get(name)
    if without is not None and other is fitted:
        columns = without.columns(name)
    else:
        columns = fitted.read_all(joined.examples, alive=alive)
        if without is not None and other is not None:
            columns[leaking] = without.columns(name)[leaking]
    examples = replace(joined.examples, signals=np.hstack([joined.examples.signals, columns]))
    return Joined(Signals({**joined.signals.fitted, name: fitted}), examples)


def _side_by_side(columns: Sequence[Columns], shape: tuple[int, ...]) -> Columns:
    """Of every signal (*shape, F); (*shape, 0) without any."""
    return np.concatenate([np.zeros((*shape, 0), dtype=np.float32), *columns], axis=-1)


def _path(folder: Path, name: str) -> Path:
    return folder / f"signal_{name}.npz"

"""What a signal is: columns that tell of an item what the end user's whole history and text say of it.

Each signal is one file and one row of `registry.REGISTRY`. It is prepared (texts are encoded), fitted on the train
part, read for all interactions beforehand and for one end user's candidates, saved with the backbone that reads it,
and loaded to serve. Reading takes numpy only, so training and serving share the code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.dataset.examples import Examples
from recommender.recipe import TrainConfig
from recommender.signals.sources import Sources

Columns = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counted:
    """How often each candidate was judged and liked until now (m, 2), by everybody.

    `surplus`: by how much more than expected all items were liked since the fit.
    """

    each: NDArray[np.int64]
    surplus: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items (m) that one end user is asked about after a whole history (h), oldest first.

    Item -1 is one nobody knows. Texts are rows of the vectors in a training run; in an artifact an end user's is the
    row of ids.json, an item's the item's number.
    """

    end_user: str  # external id
    met: Places  # (h) items of the history
    liked: NDArray[np.int8]  # (h) 1, 0, -1 unknown
    item: Places  # (m)
    end_user_text: int  # 0: none
    item_text: NDArray[np.integer[Any]]  # (m)
    counted: Counted | None = None  # None: not known


class Fitted(Protocol):
    """A signal that was fitted or loaded."""

    @property
    def width(self) -> int:
        """How many columns it has (F)."""

    def read_all(self, examples: Examples, *, alive: Callable[[], None]) -> Columns:
        """The columns of all interactions (n, F), each from what was known at its moment."""

    def read(self, candidates: Candidates) -> Columns:
        """The columns of the candidates (m, F)."""

    def read_without(self, candidates: Candidates, places: Places) -> Columns:
        """As `read`, then the same without the history's entry at each of `places` (p): (1 + p, m, F)."""

    def save(self, path: Path) -> None:
        """Write it to `path` (.npz)."""


Fit = Callable[[Examples], Fitted | None]  # examples with the columns of the signals before it; None: it does not help


class Signal(Protocol):
    """One file of this folder."""

    def reads_knowledge(self, config: TrainConfig) -> bool:
        """Whether knowledge changes it."""

    def prepare(self, sources: Sources) -> Fit | None:
        """Do what needs the encoder, so that `Fit` needs none. None where the recipe switches the signal off."""

    def load(self, path: Path) -> Fitted:
        """What `Fitted.save` wrote."""

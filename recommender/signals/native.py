"""The binding of `kernels/`: whole_history.read of many items, and leave_one_out.read of some, compiled.

Same numbers to rounding, in a fraction of the time. Who compiles it, and when a process may load it: artifacts.kernels.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.signals.posterior import DRIFT, DRIFT_LASTS, NEAR, Floats

SOURCES = tuple(Path(__file__).parent / "kernels" / f"{name}.cpp" for name in ("gaussian_process", "leave_one_out"))
WITHOUT = "gaussian_process_without"
MOST_SPACES = 8  # as the kernel has it
NAMES = ("mean", "std", "with_drift")


@dataclass(frozen=True, slots=True)
class History:
    """What an end user met: numbers of items (h), and of each what a like was above its mean, and its variance."""

    met: NDArray[np.int64]
    residual: Floats
    noises: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """What a version knows of v items: `factors` (v, K), `spaces` (v, D) each with its amplitude, and the variance of a
    like around its expectation."""

    factors: NDArray[np.float32]
    spaces: Sequence[NDArray[np.float32]]
    amplitudes: Sequence[float]
    noise: float


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loaded library; calls of several threads run side by side."""

    library: ctypes.CDLL

    def read(self, history: History, item: NDArray[np.int64], told: Told) -> tuple[Floats, Floats, Floats] | None:
        """Mean, standard deviation, and mean with the drift of the items (m).

        None where it has no answer (no memory, covariances without a factor): whole_history.read says what is wrong.
        Raises IndexError where there is no such item.
        """
        found = self._run(self.library.gaussian_process, history, item, told)
        return None if found is None else (found[0][0], found[1][0], found[2][0])

    @property
    def leaves_out(self) -> bool:
        """Whether the library has `read_without`: one of an earlier release has not."""
        return hasattr(self.library, WITHOUT)

    def read_without(
        self, history: History, left: int, item: NDArray[np.int64], told: Told
    ) -> tuple[Floats, Floats, Floats] | None:
        """The same, then without each of the last `left` entries of the history, oldest first: (1 + left, m)."""
        return self._run(getattr(self.library, WITHOUT), history, item, told, left=left)

    def _run(
        self, function: Any, history: History, item: NDArray[np.int64], told: Told, *, left: int | None = None
    ) -> tuple[Floats, Floats, Floats] | None:
        """What a function of the library says: (1 or 1 + left, m)."""
        for rows in (history.met, item):
            if len(rows) and not 0 <= rows.min() <= rows.max() < len(told.factors):
                raise IndexError(f"Items from {rows.min()} to {rows.max()} of {len(told.factors)}.")
        spaces = [each for each in zip(told.spaces, told.amplitudes, strict=True) if each[1]]
        if len(spaces) > MOST_SPACES:
            return None
        # All that the kernel reads stays referenced until it has answered.
        kept: list[NDArray[Any]] = [_laid_out(space, np.float32) for space, _ in spaces]
        vectors = np.array([space.ctypes.data for space in kept], dtype=np.uint64)
        widths = np.array([space.shape[1] for space in kept], dtype=np.int64)
        weights = np.array([amplitude for _, amplitude in spaces], dtype=np.float64)
        factors = _laid_out(told.factors, np.float32)
        of_history = [_laid_out(history.met, np.int64), _laid_out(item, np.int64)]
        of_history += [_laid_out(history.residual, np.float64), _laid_out(history.noises, np.float64)]
        mean, std, with_drift = (np.empty((1 + (left or 0), len(item))) for _ in NAMES)
        failed = function(
            *map(ctypes.c_int64, (len(history.met), len(item))),
            *map(_address, of_history),
            ctypes.c_int64(factors.shape[1]),
            _address(factors),
            ctypes.c_int64(len(spaces)),
            *map(_address, (vectors, widths, weights)),
            *map(ctypes.c_double, (told.noise, NEAR, DRIFT, DRIFT_LASTS)),
            *map(_address, (mean, std, with_drift)),
            *([] if left is None else [ctypes.c_int64(left)]),
        )
        return None if failed else (mean, std, with_drift)


def _laid_out(array: NDArray[Any], kind: type) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=kind)


def _address(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)

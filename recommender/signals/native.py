"""The binding of `kernels/gaussian_process.cpp`: whole_history.read of many items, compiled.

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

SOURCE = Path(__file__).parent / "kernels" / "gaussian_process.cpp"
MOST_SPACES = 8  # as the kernel has it
NAMES = ("mean", "std", "with_drift")


@dataclass(frozen=True, slots=True)
class History:
    """What an end user met: numbers of items (h), and of each what a like was above its mean, and its variance."""

    met: NDArray[np.int64]
    residual: Floats
    noises: Floats


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loaded library; calls of several threads run side by side."""

    library: ctypes.CDLL

    def read(
        self,
        history: History,
        item: NDArray[np.int64],
        factors: NDArray[np.float32],
        spaces: Sequence[NDArray[np.float32]],
        amplitudes: Sequence[float],
        *,
        noise: float,
    ) -> tuple[Floats, Floats, Floats] | None:
        """Mean, standard deviation, and mean with the drift of the items (m), of `factors` (v, K) and `spaces` (v, D).

        None where it has no answer (no memory, covariances without a factor): whole_history.read says what is wrong.
        Raises IndexError where there is no such item.
        """
        for rows in (history.met, item):
            if len(rows) and not 0 <= rows.min() <= rows.max() < len(factors):
                raise IndexError(f"Items from {rows.min()} to {rows.max()} of {len(factors)}.")
        told = [(space, amplitude) for space, amplitude in zip(spaces, amplitudes, strict=True) if amplitude]
        if len(told) > MOST_SPACES:
            return None
        # All that the kernel reads stays referenced until it has answered.
        kept: list[NDArray[Any]] = [_laid_out(space, np.float32) for space, _ in told]
        vectors = np.array([space.ctypes.data for space in kept], dtype=np.uint64)
        widths = np.array([space.shape[1] for space in kept], dtype=np.int64)
        weights = np.array([amplitude for _, amplitude in told], dtype=np.float64)
        factors = _laid_out(factors, np.float32)
        of_history = [_laid_out(history.met, np.int64), _laid_out(item, np.int64)]
        of_history += [_laid_out(history.residual, np.float64), _laid_out(history.noises, np.float64)]
        found = [np.empty(len(item)) for _ in NAMES]
        failed = self.library.gaussian_process(
            *map(ctypes.c_int64, (len(history.met), len(item))),
            *map(_address, of_history),
            ctypes.c_int64(factors.shape[1]),
            _address(factors),
            ctypes.c_int64(len(told)),
            *map(_address, (vectors, widths, weights)),
            *map(ctypes.c_double, (noise, NEAR, DRIFT, DRIFT_LASTS)),
            *map(_address, found),
        )
        mean, std, with_drift = found
        return None if failed else (mean, std, with_drift)


def _laid_out(array: NDArray[Any], kind: type) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=kind)


def _address(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)

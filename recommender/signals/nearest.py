"""The greatest inner products of many vectors with one, exactly and in a fraction of the time of computing all.

With `kernels/nearest.cpp` a copy of the vectors is looked at, a byte a number. Number k of row i is f[i, k], and the
copy has c[i, k] = round(f[i, k] / (s[k] r[i])), where s[k] is the column's root mean square and r[i] such that the
greatest of a row is 127. With w = s · own and W = Σ|w| the product is then within r[i] W (1/2 + e) of r[i] Σ c w, where
e bounds what float32 rounds away: (K + 16) rounded steps of at most 127 W. An item whose upper bound does not reach the
k-th greatest lower bound is none of the first k. The few that do are computed from the vectors themselves, so the order
is that of the products in float64, from the first number to the last, and of equal ones the first row comes first.

Without the kernel all products are computed by numpy in float32, and those that its rounding leaves open in the same
way: the same places.
"""

import ctypes
import functools
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

SOURCE = Path(__file__).parent / "kernels" / "nearest.cpp"
NAME = "nearest"
ABREAST = 64  # as the kernel has it
AT_A_TIME = 8 * ABREAST  # rows that are copied at a time: little memory is held for them
LEAST_SCALE = 1e-30  # of a row of zeros
LARGEST = 1e30  # beyond it bounds could be no numbers
STEP = 2.0**-23  # twice what float32 rounds away of 1
LEAST = 2.0**-100  # what is smaller float32 may take for 0
SAMPLED = 16
Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The copy: `codes` (⌈n / ABREAST⌉, K, ABREAST), `scale` (the first rounded up) and `column` (K) as above."""

    codes: NDArray[np.int8]
    scale: Floats
    column: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """`vectors` (n, K) and what is added to each product, `base` (n): 0 unless given. Neither is ever changed."""

    vectors: Floats
    base: Floats | None = None

    def greatest(
        self, own: Floats, mask: NDArray[np.bool_], count: int, *, library: ctypes.CDLL | None = None
    ) -> Places:
        """The first `count` rows of `mask` (n) by their products with `own` (K), the greatest first, of equal ones the
        first row. A row whose product is no finite number is left out. `library`: may have the kernel.
        """
        if mask.shape != self.vectors.shape[:1] or own.shape != self.vectors.shape[1:]:
            raise ValueError(f"A mask {mask.shape} and a vector {own.shape} for vectors {self.vectors.shape}.")
        own = np.ascontiguousarray(own, dtype=np.float32)
        if library is not None and _works(library):
            found = self._compiled(own, mask, count, library)
            if found is not None:
                return found
        return self._by_numpy(own, mask, count)

    def _by_numpy(self, own: Floats, mask: NDArray[np.bool_], count: int) -> Places:
        with np.errstate(over="ignore", invalid="ignore"):
            products = self.vectors @ own
            if self.base is not None:
                products += self.base
            longest, greatest = self._sizes
            size = longest * float(np.linalg.norm(own.astype(np.float64))) + greatest + LEAST
            places = np.flatnonzero(mask)
            if size < LARGEST:  # nor of what is no number
                places = _open(products, mask, count, off=(len(own) + 4) * STEP * size)
            exact = self._exact(own, places)
        finite = np.isfinite(exact)
        places, exact = places[finite], exact[finite]
        return places[np.argsort(-exact, kind="stable")][:count]

    def _exact(self, own: Floats, places: Places) -> NDArray[np.float64]:
        """The products at these places, summed from the first number to the last."""
        terms = np.zeros((len(places), 1 + len(own)))
        if self.base is not None:
            terms[:, 0] = self.base[places]
        np.multiply(self.vectors[places], own, out=terms[:, 1:], dtype=np.float64)
        sums: NDArray[np.float64] = np.cumsum(terms, axis=1)[:, -1]
        return sums

    @cached_property
    def _sizes(self) -> tuple[float, float]:
        """The length of the longest row, and the greatest of `base`; infinite or no number where one of all is."""
        longest = 0.0
        for first in range(0, len(self.vectors), AT_A_TIME):
            some = self.vectors[first : first + AT_A_TIME].astype(np.float64)
            longest = float(np.maximum(longest, np.square(some).sum(axis=1).max(initial=0.0)))
        greatest = 0.0 if self.base is None else float(np.abs(self.base).max(initial=0.0))
        return longest**0.5, greatest

    @cached_property
    def _codes(self) -> Codes | None:
        """None where numbers are not finite, or so great that bounds might not be."""
        n, width = self.vectors.shape
        longest, greatest = self._sizes
        if not (n and width and longest + greatest < LARGEST):  # nor of what is no number
            return None
        squares = np.zeros(width)
        for first in range(0, n, AT_A_TIME):
            squares += np.square(self.vectors[first : first + AT_A_TIME].astype(np.float64)).sum(axis=0)
        column = np.sqrt(squares / n)
        column[column == 0] = 1.0
        blocks = -(-n // ABREAST)
        codes = np.zeros((blocks, width, ABREAST), dtype=np.int8)
        scale = np.full(blocks * ABREAST, LEAST_SCALE, dtype=np.float32)
        for first in range(0, n, AT_A_TIME):
            some = self.vectors[first : first + AT_A_TIME] / column
            rows = np.maximum(np.abs(some).max(axis=1) / 127, LEAST_SCALE).astype(np.float32)
            scale[first : first + len(some)] = rows
            coded = np.zeros((-(-len(some) // ABREAST) * ABREAST, width), dtype=np.int8)
            coded[: len(some)] = np.rint(some / rows[:, None].astype(np.float64))
            block = first // ABREAST
            codes[block : block + len(coded) // ABREAST] = coded.reshape(-1, ABREAST, width).transpose(0, 2, 1)
        return Codes(codes, scale, column)

    def _compiled(self, own: Floats, mask: NDArray[np.bool_], count: int, library: ctypes.CDLL) -> Places | None:
        """None where the kernel has no answer: there is no copy, no memory, or `own` is of no size to be bounded."""
        made = self._codes
        if made is None:
            return None
        weights = made.column * own
        total = float(np.abs(weights).sum())
        greatest = self._sizes[1]
        if not 1 / LARGEST < total < LARGEST or greatest / total > LARGEST:
            return None
        # All that the kernel reads stays referenced until it has answered.
        vectors, asked = np.ascontiguousarray(self.vectors, np.float32), np.ascontiguousarray(mask, np.bool_)
        base = None if self.base is None else np.ascontiguousarray(self.base, np.float32)
        weights = (weights / total).astype(np.float32)
        found = np.empty(max(0, min(count, len(mask))), dtype=np.int64)
        answered = library[NAME](
            *map(ctypes.c_int64, vectors.shape),
            *map(_address, (vectors, base, own, made.codes, made.scale, weights)),
            ctypes.c_float(0.5 + 127 * (len(own) + 16) * STEP),
            ctypes.c_float(1 / total),
            ctypes.c_float(8 * STEP * greatest / total),
            _address(asked),
            ctypes.c_int64(count),
            _address(found),
        )
        return None if answered < 0 else found[:answered]


@functools.cache
def _works(library: ctypes.CDLL) -> bool:
    """Whether the library has the kernel, and it finds among some made up rows what numpy does: asked once."""
    if not hasattr(library, NAME):
        return False  # of an earlier release
    draw = np.random.default_rng(0)
    rows = Rows(
        np.round(draw.normal(size=(1_000, 9)), 1).astype(np.float32),
        np.round(draw.random(1_000), 1).astype(np.float32),
    )
    for count in (1, 30, 400):
        own, mask = np.round(draw.normal(size=9), 1).astype(np.float32), draw.random(1_000) < 0.7
        found = rows._compiled(own, mask, count, library)
        if found is None or not np.array_equal(found, rows._by_numpy(own, mask, count)):
            log.warning("A version's kernel does not find the greatest inner products here: numpy does")
            return False
    return True


def _open(products: Floats, mask: NDArray[np.bool_], count: int, *, off: float) -> Places:
    """Places of `mask` that may be among the first `count`, each product being off by at most so much; ascending.

    Every sixteenth product says how great one has to be, roughly: looking at the few that are takes a third of the
    time.
    """
    some = np.sort(products[::SAMPLED][mask[::SAMPLED]])
    bar = some[max(0, len(some) - 1 - 2 * count // SAMPLED)] if len(some) else -np.inf
    places = np.flatnonzero(products >= bar)
    places = places[mask[places]]
    if not 0 < count < len(places):
        return np.flatnonzero(mask)
    last = np.partition(products[places], len(places) - count)[len(places) - count]
    least = np.nextafter(np.float32(last - 2 * off), np.float32(-np.inf))
    if least < bar:
        places = np.flatnonzero(products >= least)
        places = places[mask[places]]
    found: Places = places[products[places] >= least]
    return found


def _address(array: NDArray[Any] | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if array is None else array.ctypes.data)

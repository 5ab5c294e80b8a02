"""Kernels in C++ for what training spends its time on, compiled for this machine when a fit is worth it.

They compute what the layers compute, gradients included, to rounding; `kernels/*.cpp` say how. Without a C++ compiler
there are none, and the layers compute as they always can. One thread, float32, in memory: what a fit uses by default.
"""

import ctypes
import functools
import logging
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recommender import compiling
from recommender.compiling import compiler

logger = logging.getLogger(__name__)

KERNELS = Path(__file__).parent / "kernels"
LANES = 16  # widths must be multiples of it
FLAGS = ["-march=native"]


@functools.cache
def load(name: str, **sizes: int) -> ctypes.CDLL | None:
    """The kernel `name`, compiled for `sizes`; None where that is not possible, which the log says once."""
    program = compiler()
    if program is None:
        logger.info("No C++ compiler was found: backbones train with torch's own operations, which is slower.")
        return None
    with tempfile.TemporaryDirectory(prefix="r4web-") as folder:
        built = Path(folder) / f"{name}.so"
        given = [f"-D{size.upper()}={value}" for size, value in sizes.items()]
        try:
            compiling.compile_library(program, [KERNELS / f"{name}.cpp"], built, [*FLAGS, *given])
            return ctypes.CDLL(str(built))
        except (OSError, subprocess.SubprocessError) as error:
            said = compiling.why(error)
            logger.warning("The kernel %s was not compiled, so torch's own operations are used: %s", name, said)
            return None


def attention(*, width: int, units: tuple[int, ...]) -> ctypes.CDLL | None:
    """The kernel of `target_attention` for vectors of this width; None where there is none for such sizes."""
    if len(units) != 2 or any(size % LANES for size in (width, *units)) or torch.get_num_threads() != 1:
        return None
    return load("attention", width=width, first=units[0], second=units[1])


def match(*, width: int, temperatures: int) -> ctypes.CDLL | None:
    """The kernel of `history_match`."""
    return load("match", width=width, temperatures=temperatures) if torch.get_num_threads() == 1 else None


def target_attention(
    kernel: ctypes.CDLL,
    history_item: Tensor,
    history_feedback: Tensor,
    candidate: Tensor,
    of_candidate: Tensor,
    items: Tensor,
    feedbacks: Tensor,
    product: Tensor,
    second: tuple[Tensor, Tensor],
    last: tuple[Tensor, Tensor],
) -> Tensor:
    """Histories (B, L) weighed by two layers of F and S units and summed: (B, W).

    `candidate` (B, W) and what the first layer makes of it with its bias, (B, F); `items` (V, W + F) and `feedbacks`
    (K, W + F): the parts that a past vector is the sum of, and what the first layer makes of each; `product` (F, W):
    the first layer's weights of candidate * past; weights and biases of the `second` and `last` layer.
    """
    _check(history_item, items)
    _check(history_feedback, feedbacks)
    tensors = (candidate, of_candidate, items, feedbacks, product, *second, *last)
    found: Tensor = _TargetAttention.apply(kernel, history_item, history_feedback, *tensors)  # type: ignore[no-untyped-call]
    return found


def history_match(
    kernel: ctypes.CDLL,
    item: Tensor,
    history_item: Tensor,
    history_feedback: Tensor,
    unit: Tensor,
    worth: Tensor,
    rate: Tensor,
) -> Tensor:
    """Of items (B) and histories (B, L): the sum of worth, the entries, and per temperature the sum of weights and of
    weighed worth, (B, 2 + 2T). `unit` (V, E): attribute vectors of length 1; `worth` (K); `rate` (T): 1 / temperature.
    """
    for index, table in ((item, unit), (history_item, unit), (history_feedback, worth)):
        _check(index, table)
    history = (item, history_item, history_feedback)
    found: Tensor = _HistoryMatch.apply(kernel, *history, unit, worth, rate)  # type: ignore[no-untyped-call]
    return found


class _TargetAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, kernel: ctypes.CDLL, history_item: Tensor, history_feedback: Tensor, *given: Tensor
    ) -> Tensor:
        history = [history_item.contiguous(), history_feedback.contiguous()]
        candidate, of_candidate, items, feedbacks, product, second, second_bias, last, last_bias = (
            one.contiguous() for one in given
        )
        samples, length = history_item.shape
        slots = samples * length
        pooled = torch.empty_like(candidate)
        firsts, seconds = candidate.new_empty(slots, len(product)), candidate.new_empty(slots, len(second))
        weights = candidate.new_empty(slots)
        flipped = [product.t().contiguous(), second.t().contiguous()]
        read = [*history, candidate, of_candidate, items, feedbacks, *flipped, second_bias, last, last_bias]
        _call(kernel.forward, samples, length, *read, pooled, firsts, seconds, weights)
        ctx.kernel = kernel
        ctx.save_for_backward(*history, candidate, items, feedbacks, product, second, last, firsts, seconds, weights)
        return pooled

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        item, feedback, candidate, items, feedbacks, product, second, last, firsts, seconds, weights = ctx.saved_tensors
        zeros = [torch.zeros_like(one) for one in (candidate, items, feedbacks, product, second)]
        of_candidate = candidate.new_zeros(len(candidate), len(product))
        biases = [candidate.new_zeros(len(second)), torch.zeros_like(last), candidate.new_zeros(1)]
        found = [zeros[0], of_candidate, *zeros[1:], *biases]
        read = [item, feedback, candidate, items, feedbacks, product, second, last, firsts, seconds, weights]
        _call(ctx.kernel.backward, *item.shape, *read, grads[0].contiguous(), *found)
        return None, None, None, *found


class _HistoryMatch(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        kernel: ctypes.CDLL,
        item: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        unit: Tensor,
        worth: Tensor,
        rate: Tensor,
    ) -> Tensor:
        given = [one.contiguous() for one in (item, history_item, history_feedback, unit, worth, rate)]
        sums = unit.new_empty(len(item), 2 + 2 * len(rate))
        alikes, weights = unit.new_empty(history_item.shape), unit.new_empty(*history_item.shape, len(rate))
        _call(kernel.forward, *history_item.shape, *given, sums, alikes, weights)
        ctx.kernel = kernel
        ctx.save_for_backward(*given, alikes, weights)
        return sums

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        *given, alikes, weights = ctx.saved_tensors
        found = [torch.zeros_like(one) for one in given[3:]]
        _call(ctx.kernel.backward, *given[1].shape, *given, alikes, weights, grads[0].contiguous(), *found)
        return None, None, None, None, *found


def _check(index: Tensor, table: Tensor) -> None:
    """Kernels read without looking: raise IndexError where torch's embedding would."""
    low, high = torch.aminmax(index)
    if low < 0 or high >= len(table):
        raise IndexError(f"Rows from {int(low)} to {int(high)} of a table of {len(table)}.")


def _call(function: Any, *arguments: Tensor | int) -> None:
    """Call a kernel with whole numbers and the addresses of contiguous tensors."""
    function(*(ctypes.c_int64(one) if isinstance(one, int) else ctypes.c_void_p(one.data_ptr()) for one in arguments))

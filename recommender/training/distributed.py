"""One fit by several processes, on one machine or many, as `torchrun` starts them. With one process nothing here acts.

Every process sees every batch and takes its share of the rows; gradients of the shares are summed, which gives exactly
the gradient of the whole batch. So the losses are those of one process, to rounding; dropout alone draws elsewhere.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

PATIENCE = timedelta(minutes=30)  # how long one process waits for the others: rank 0 may be reading meanwhile


@contextmanager
def together() -> Iterator[None]:
    """Join the processes that torchrun started, if it did, until the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    # Its functions keep the group that is there when it is first imported (an optimizer imports it) as their default:
    # destroying would then leave the group's threads, and one of them may want the interpreter after its end.
    import torch.distributed.nn  # noqa: F401, PLC0415

    distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this is; 0 is the one that tells and writes."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def share(rows: NDArray[Any]) -> NDArray[Any]:
    """This process's part of the rows."""
    return rows[rank() :: size()]


@contextmanager
def first_goes_first() -> Iterator[None]:
    """Rank 0 does this before the others do: what it leaves in a cache, they find."""
    if size() == 1:
        yield
        return
    if rank():
        distributed.barrier()
    yield
    if not rank():
        distributed.barrier()


def sum_gradients(weights: Iterable[nn.Parameter]) -> None:
    """Sum the gradients of all processes, in place. A weight without one counts as zeros."""
    if size() == 1:
        return
    learned = [weight for weight in weights if weight.requires_grad]
    grads = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in learned]
    flat = torch.cat([grad.reshape(-1) for grad in grads])
    distributed.all_reduce(flat)
    for weight, part in zip(learned, torch.split(flat, [grad.numel() for grad in grads]), strict=True):
        weight.grad = part.view_as(weight)


def sum_up(value: Tensor) -> Tensor:
    """The sum of a tensor over all processes, in place."""
    if size() > 1:
        distributed.all_reduce(value)
    return value


def collect(mine: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """Put the shares of `samples` values together, in all processes alike."""
    if size() == 1:
        return mine
    longest = -(-samples // size())
    padded = torch.zeros(longest, dtype=torch.float64)
    padded[: len(mine)] = torch.from_numpy(mine)
    parts = [torch.empty_like(padded) for _ in range(size())]
    distributed.all_gather(parts, padded)
    whole: NDArray[np.float64] = torch.stack(parts, dim=1).reshape(-1)[:samples].numpy()
    return whole


def from_first(value: Any = None) -> Any:
    """What rank 0 has, in every process."""
    if size() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def same_weights(module: nn.Module) -> None:
    """Give every process rank 0's weights and buffers."""
    if size() > 1:
        for tensor in module.state_dict().values():
            distributed.broadcast(tensor, src=0)

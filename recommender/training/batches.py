"""One batch as a fit takes it, and what deals batches out."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from recommender.backbones.batch import Batch
from recommender.dataset.examples import Arrays


class Part(NamedTuple):
    """This process's share of a batch."""

    batch: Batch
    label: Tensor  # (B) float32
    whole: int  # samples of the batch, those of other processes included


class Source(Protocol):
    def __len__(self) -> int:
        """Samples of an epoch."""

    def epoch(self, size: int) -> Iterator[Part]:
        """Every sample once, in batches of `size` in another order each time. The last batch may be smaller."""


def to_batch(arrays: Arrays) -> Batch:
    return Batch(*(torch.from_numpy(array) for array in arrays))

"""What MF, LightGCN and SASRec have in common: settings, what they give, and the form of their networks.

They know end users by their ids, so they are no backbones: a backbone answers for anybody who has a history, and meets
somebody new without a new fit. These know nobody but the end users and items of the train part. What they are for is
their vectors, which ThinkRec puts into a prompt (METHODS.md 2.6), and to be compared with.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import TRAIN, Codes, Rows
from recommender.setting import Settings

START_SCALE = 0.1  # standard deviation of embeddings before a fit


class FitSettings(Settings):
    """How one of them is fitted. The defaults are ThinkRec's where METHODS.md 2.6 names one."""

    of: ClassVar = "collaborative"

    width: int = Field(default=64, ge=1, le=4096, title="Width", description="Of the vectors.")
    learning_rate: float = Field(default=1e-3, ge=1e-7, le=10.0, title="Learning rate", description="Adam's.")
    weight_decay: float = Field(default=1e-4, ge=0.0, le=10.0, title="Weight decay", description="Adam's.")
    batch_size: int = Field(default=1024, ge=1, le=1_000_000, title="Batch size")
    epochs: int = Field(default=500, ge=1, le=100_000, title="Epochs", description="At most.")
    patience: int = Field(
        default=50, ge=1, le=100_000, title="Patience", description="Epochs without a better valid AUC before stopping."
    )
    seed: int = Field(
        default=42,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same seed on the same rows gives the same vectors.",
    )
    threads: int = Field(default=1, ge=1, le=1024, title="Threads", description="That torch computes on.")


@dataclass(frozen=True, slots=True)
class Vectors:
    """Of u end users and v items, numbered as in the interactions. Zeros where `…_known` is False: there was no row."""

    end_user: NDArray[np.float32]  # (u, D)
    item: NDArray[np.float32]  # (v, D)
    end_user_known: NDArray[np.bool_]  # (u)
    item_known: NDArray[np.bool_]  # (v)


class Network(nn.Module, ABC):
    """Row numbers of the interactions in, logits of a like out; 0 where the end user or the item is not known."""

    def __init__(self, interactions: Interactions, codes: Codes) -> None:
        super().__init__()
        rows = codes == TRAIN
        self.end_user_known = met(interactions.end_user[rows], len(interactions.end_users))
        self.item_known = met(interactions.item[rows], len(interactions.items))
        self.end_user_of = torch.from_numpy(interactions.end_user.astype(np.int64))
        self.item_of = torch.from_numpy(interactions.item.astype(np.int64))

    @abstractmethod
    def forward(self, rows: Tensor) -> Tensor:
        """Logits (m) of rows (m) of the interactions."""

    def batches(self, rows: Tensor, size: int) -> Iterable[Tensor]:
        """Every row of an epoch (n) once, `size` at a time, in an order drawn from torch's current seed."""
        return torch.split(rows[torch.randperm(len(rows))], size)

    @abstractmethod
    def vectors(self) -> Vectors:
        """What was learnt of everybody, from the train part alone."""


def met(numbers: NDArray[np.int32], of: int) -> NDArray[np.bool_]:
    """Which of the numbers from 0 to `of` - 1 are there: (of)."""
    found: NDArray[np.bool_] = np.bincount(numbers, minlength=of) > 0
    return found


def embedding(known: NDArray[np.bool_], width: int) -> nn.Embedding:
    """Small random vectors, and zeros, which no gradient reaches, where nothing is known."""
    table = nn.Embedding(len(known), width)
    nn.init.normal_(table.weight, std=START_SCALE)
    with torch.no_grad():
        table.weight[torch.from_numpy(~known)] = 0.0
    return table


def as_array(table: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = table.detach().numpy().astype(np.float32)
    return array


def numbers(rows: Rows) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))

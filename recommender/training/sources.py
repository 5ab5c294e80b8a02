"""Batches of one epoch after the other from memory, or from the stream that the settings ask for."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from recommender.dataset.examples import Examples
from recommender.dataset.split import Rows
from recommender.recipe import TrainConfig
from recommender.training import distributed
from recommender.training.batches import Part, Source, to_batch


class Memory:
    """Rows of examples that are in memory, shuffled: one by one, or `grouped` rows of one end user at a time."""

    def __init__(self, examples: Examples, rows: Rows, *, seed: int, grouped: int = 1) -> None:
        self.examples, self.rows, self.grouped = examples, rows, grouped
        self.shuffler = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return len(self.rows)

    def epoch(self, size: int) -> Iterator[Part]:
        order = self._order()
        for first in range(0, len(order), size):
            whole = order[first : first + size]
            rows = distributed.share(whole)
            yield Part(to_batch(self.examples.batch(rows)), torch.from_numpy(self.examples.labels(rows)), len(whole))

    def _order(self) -> Rows:
        shuffled: Rows = self.rows[torch.randperm(len(self.rows), generator=self.shuffler).numpy()]
        if self.grouped == 1 or not len(shuffled):
            return shuffled
        of = self.examples.interactions.end_user[shuffled]
        shuffled = shuffled[np.argsort(of, kind="stable")]  # each end user's rows in a random order
        begins = np.r_[True, np.diff(np.sort(of)) != 0]
        place = np.arange(len(shuffled))
        within = place - np.maximum.accumulate(np.where(begins, place, 0))
        group = np.cumsum(within % self.grouped == 0) - 1
        turn = torch.randperm(int(group[-1]) + 1, generator=self.shuffler).numpy()
        ordered: Rows = shuffled[np.argsort(turn[group], kind="stable")]
        return ordered


@contextmanager
def open_source(examples: Examples, rows: Rows, config: TrainConfig) -> Iterator[Source]:
    """The source that the settings ask for. What a stream writes is removed at the end."""
    if not config.stream:
        yield Memory(examples, rows, seed=config.seed, grouped=config.grouped)
        return
    from recommender.training.stream import streamed  # noqa: PLC0415 - pyarrow: only where it is used

    with streamed(examples, rows, seed=config.seed) as source:
        yield source

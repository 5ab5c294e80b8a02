"""A signal that is not in the registry: how often the train part meets an item."""

from dataclasses import dataclass

import numpy as np


@dataclass
class Popularity:
    """Fitted: one column."""

    count: np.ndarray
    width = 1

    def read_all(self, examples, *, alive):
        return self.count[examples.interactions.item, None]

    def read(self, candidates):
        return self.count[candidates.item, None]

    def read_without(self, candidates, places):
        return np.repeat(self.read(candidates)[None], 1 + len(places), axis=0)

    def save(self, path):
        np.savez(path, count=self.count)


class PopularitySignal:
    def reads_knowledge(self, config):
        return False

    def prepare(self, sources):
        count = np.bincount(sources.likes.item, minlength=1 + len(sources.interactions.items))
        return lambda _: Popularity(np.log1p(count).astype(np.float32))

    def load(self, path):
        return Popularity(np.load(path)["count"])

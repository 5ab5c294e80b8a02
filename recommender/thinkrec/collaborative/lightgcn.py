"""LightGCN: vectors of end users and items, smoothed over the graph of who liked what; nothing else is learnt.

He et al., LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation, SIGIR 2020, formulas 3 to 8.
The paper ranks likes above items that nobody rated (BPR); here dislikes are known, so the loss is the cross entropy on
both. Dislikes are no edges.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import TRAIN, Codes
from recommender.thinkrec.collaborative.base import FitSettings, Network, Vectors, as_array, embedding


class LightGcnSettings(FitSettings):
    layers: int = Field(default=2, ge=0, le=16, title="Layers", description="Steps along the graph.")


class LightGcn(Network):
    def __init__(self, interactions: Interactions, codes: Codes, settings: LightGcnSettings) -> None:
        super().__init__(interactions, codes)
        self.layers, self.end_users = settings.layers, len(interactions.end_users)
        liked = (codes == TRAIN) & (interactions.liked == 1)
        sides = interactions.end_user[liked], interactions.item[liked]
        self.graph = normalised_graph(*sides, self.end_users, len(interactions.items))
        self.own = embedding(np.concatenate([self.end_user_known, self.item_known]), settings.width)

    def smoothed(self) -> Tensor:
        """The mean of the vectors after 0 to `layers` steps: end users, then items, (u + v, D)."""
        steps = [self.own.weight]
        for _ in range(self.layers):
            steps.append(torch.sparse.mm(self.graph, steps[-1]))
        return torch.stack(steps).mean(dim=0)

    def forward(self, rows: Tensor) -> Tensor:
        table = self.smoothed()
        return (table[self.end_user_of[rows]] * table[self.end_users + self.item_of[rows]]).sum(dim=1)

    def vectors(self) -> Vectors:
        table = as_array(self.smoothed())
        sides = table[: self.end_users].copy(), table[self.end_users :].copy()
        return Vectors(*sides, self.end_user_known, self.item_known)


def normalised_graph(end_user: NDArray[np.int32], item: NDArray[np.int32], end_users: int, items: int) -> Tensor:
    """The likes as a sparse matrix (u + v, u + v), 1 / √(degree of the one · degree of the other) on both sides.

    What is liked twice by the same end user is one edge.
    """
    pairs = np.unique(np.stack([end_user.astype(np.int64), item.astype(np.int64) + end_users]), axis=1)
    degree = np.bincount(pairs.ravel(), minlength=end_users + items)
    weight = 1 / np.sqrt(degree[pairs].prod(axis=0))
    places = np.concatenate([pairs, pairs[::-1]], axis=1)
    values = torch.from_numpy(np.r_[weight, weight].astype(np.float32))
    size = (end_users + items, end_users + items)
    return torch.sparse_coo_tensor(torch.from_numpy(places), values, size, check_invariants=True).coalesce()

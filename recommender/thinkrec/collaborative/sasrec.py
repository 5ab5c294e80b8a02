"""SASRec: what was liked, in its order, read by causal self-attention; the last state meets the item's vector.

Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018. Layers as in the authors' code: queries are
normalised, keys and values are not. CoLLM and ThinkRec fit it on likes and dislikes by cross entropy; their sequences
hold liked items only.

A row is scored with what its end user had liked before it; a fit goes over whole stretches of likes at once, as the
authors' does. An end user's *vector* is the state after what they liked in
the train part, never after anything later.
"""

from collections.abc import Iterable
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from recommender.dataset.examples import build
from recommender.dataset.interactions import Interactions
from recommender.dataset.split import TRAIN, Codes, Rows
from recommender.dataset.texts import KnowledgeRows
from recommender.setting import SettingError
from recommender.thinkrec.collaborative.base import FitSettings, Network, Vectors, as_array, embedding, met, numbers

PADDING = 0  # row of the embedding; item n has row n + 1
EPSILON = 1e-8  # of the layer norms, as in the authors' code


class SasRecSettings(FitSettings):
    longest: int = Field(default=25, ge=1, le=1000, title="Longest", description="So many liked items are read.")
    blocks: int = Field(default=2, ge=1, le=16, title="Blocks")
    heads: int = Field(default=1, ge=1, le=64, title="Heads", description="A divisor of the width.")
    dropout: float = Field(default=0.2, ge=0.0, le=0.95, title="Dropout")
    patience: int = Field(
        default=10, ge=1, le=100_000, title="Patience", description="Epochs without a better valid AUC before stopping."
    )

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.width % self.heads:
            raise SettingError("heads", f"must divide the width, which is {self.width}.")
        return self


class SasRec(Network):
    def __init__(self, interactions: Interactions, codes: Codes, settings: SasRecSettings) -> None:
        super().__init__(interactions, codes)
        self.longest, self.shift, width = settings.longest, 0, settings.width
        self.item = embedding(np.r_[False, self.item_known], width)
        self.place = nn.Embedding(settings.longest, width)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(Block(width, settings.heads, settings.dropout) for _ in range(settings.blocks))
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        for weight in (*self.place.parameters(), *self.blocks.parameters()):
            if weight.dim() > 1:
                nn.init.xavier_normal_(weight)
        self._keep_likes(interactions, codes)

    def _keep_likes(self, interactions: Interactions, codes: Codes) -> None:
        """All likes of known items, and between which of them each row's sequence, and each end user's, lies."""
        examples = build(interactions, KnowledgeRows([]), history=1)
        likes: Rows = np.flatnonzero((interactions.liked == 1) & self.item_known[interactions.item])
        self.liked_item = torch.from_numpy(interactions.item[likes].astype(np.int64) + 1)
        self.first, self.end = (numbers(np.searchsorted(likes, side)) for side in (examples.start, examples.before))
        trained: NDArray[np.bool_] = codes[likes] == TRAIN
        owners = interactions.end_user[likes]
        self.has_liked = met(owners[trained], len(interactions.end_users))
        self.train_first = numbers(np.searchsorted(owners, np.arange(len(self.has_liked))))
        last = np.zeros(len(self.has_liked), dtype=np.int64)
        np.maximum.at(last, owners[trained], np.flatnonzero(trained) + 1)
        self.train_end = numbers(last)

    def batches(self, rows: Tensor, size: int) -> Iterable[Tensor]:
        """Rows that read the same stretch of likes come together. Where stretches begin is drawn for each epoch."""
        self.shift = int(torch.randint(self.longest, ()))
        _, stretch = torch.unique(self.starts(rows), return_inverse=True)
        return torch.split(rows[torch.randperm(len(rows))[stretch].argsort()], size)

    def forward(self, rows: Tensor) -> Tensor:
        start, end = self.starts(rows), self.end[rows]
        starts, stretch = torch.unique(start, return_inverse=True)
        ends = torch.zeros_like(starts).scatter_reduce(0, stretch, end, "amax", include_self=False)
        states = self.states(self.sequences(starts, ends))  # of a stretch, for all rows that read part of it
        state = states[stretch, (end - start - 1).clamp(min=0)] * (end > start).unsqueeze(1)
        product: Tensor = state * self.item(self.item_of[rows] + 1)
        return product.sum(dim=1)

    def starts(self, rows: Tensor) -> Tensor:
        """The first like that each row reads (m), of at most `longest`.

        All of those, to score. In a fit as many as lie in its stretch, for an end user's likes are cut into stretches
        of `longest`: one pass over a stretch answers all its rows, a pass for each row takes 20 times as long.
        """
        first, end = self.first[rows], self.end[rows]
        read = (end - 1 - first + self.shift) % self.longest + 1 if self.training else self.longest
        return torch.maximum(first, end - read)

    def sequences(self, first: Tensor, end: Tensor) -> Tensor:
        """The items of at most `longest` likes up to `end`, oldest first, padded at the right: (m, longest)."""
        place = torch.maximum(first, end - self.longest)[:, None] + torch.arange(self.longest)
        there = place < end[:, None]
        if not len(self.liked_item):
            return torch.zeros(place.shape, dtype=torch.int64)
        return torch.where(there, self.liked_item[place.clamp(max=len(self.liked_item) - 1)], PADDING)

    def states(self, sequence: Tensor) -> Tensor:
        """The state after each item (m, L, D): of no later one."""
        there = (sequence != PADDING).unsqueeze(2)
        place = self.place(torch.arange(sequence.shape[1]))
        found = self.dropout(self.item(sequence) * self.item.embedding_dim**0.5 + place) * there
        later = torch.triu(torch.ones(sequence.shape[1], sequence.shape[1], dtype=torch.bool), diagonal=1)
        for block in self.blocks:
            found = block(found, later) * there
        states: Tensor = self.norm(found)
        return states

    def state(self, sequence: Tensor) -> Tensor:
        """The state after the last item (m, D); zeros after none."""
        length = (sequence != PADDING).sum(dim=1)
        last = self.states(sequence)[torch.arange(len(sequence)), (length - 1).clamp(min=0)]
        return last * (length > 0).unsqueeze(1)

    def vectors(self) -> Vectors:
        end_user = as_array(self.state(self.sequences(self.train_first, self.train_end)))
        return Vectors(end_user, as_array(self.item.weight[1:]), self.has_liked, self.item_known)


class Block(nn.Module):
    """Attention to what came before, then two layers on each state alone."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width, eps=EPSILON), nn.LayerNorm(width, eps=EPSILON)
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, later: Tensor) -> Tensor:
        asked = self.before(states)
        heard, _ = self.attention(asked, states, states, attn_mask=later, need_weights=False)
        found = self.between(asked + heard)
        inner = self.second(self.dropout(functional.relu(self.first(found))))
        result: Tensor = found + self.dropout(inner)
        return result

"""DIN: a history weighed by how much each past item has to do with the candidate.

Zhou et al., Deep Interest Network for Click-Through Rate Prediction, KDD 2018. As in R4ec the history holds item,
attributes and rating, the weights are not normalised, and knowledge joins before the last perceptron.
"""

import ctypes
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones import native
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE, Perceptron
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig


class Din(Backbone):
    kernel: ctypes.CDLL | None = None  # native.target_attention, while accelerated

    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        width, (first, *rest) = self.items.width, config.attention
        self.feedback = nn.Embedding(sizes.feedback, width, padding_idx=0)
        nn.init.normal_(self.feedback.weight, std=START_SCALE)
        with torch.no_grad():
            self.feedback.weight[0] = 0.0
        self.past = nn.Linear(width, width, bias=False)
        # The attention's first layer on [candidate, past, candidate - past, candidate * past], split by its inputs:
        # the difference folds into the first two, and nothing is concatenated for every history slot.
        self.of_candidate = nn.Linear(width, first)
        self.of_past = nn.Linear(width, first, bias=False)
        self.of_product = nn.Linear(width, first, bias=False)
        self.attention = Perceptron(first, tuple(rest), dropout=0.0)
        self.head = Perceptron(2 * width + side.total, config.head, dropout=config.dropout)

    def accelerate(self, on: bool) -> None:
        super().accelerate(on)
        units = tuple(
            layer.out_features for layer in (self.of_product, *self.attention) if isinstance(layer, nn.Linear)
        )
        self.kernel = native.attention(width=self.items.width, units=units[:-1]) if on else None

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        candidate = functional.embedding(item, table)  # (B, N, W)
        if self.kernel is not None and item.shape[1] == 1:
            interest = self._fused(self.kernel, candidate.squeeze(1), history_item, history_feedback, table).unsqueeze(
                1
            )
        else:
            interest = self._interest(candidate, history_item, history_feedback, table)
        parts = [candidate, interest, *side.of_candidates(item.shape[1])]  # (B, N, ·) each
        logits: Tensor = self.head(torch.cat(parts, dim=-1))
        return logits.squeeze(-1)

    def _interest(self, candidate: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor) -> Tensor:
        """The weighed sum of the history for candidates (B, N, W): (B, N, W)."""
        if self.training:  # more history slots than items: map the table once, then gather
            past = functional.embedding(history_item, self.past(table))  # (B, L, W)
        else:
            past = self.past(functional.embedding(history_item, table))  # (B, L, W)
        past = past + self.feedback(history_feedback)
        product = candidate.unsqueeze(2) * past.unsqueeze(1)  # (B, N, L, W)
        mixed = self.of_product(product) + self.of_candidate(candidate).unsqueeze(2) + self.of_past(past).unsqueeze(1)
        weight = self.attention(functional.relu(mixed)).squeeze(-1)  # (B, N, L)
        weight = weight.masked_fill((history_item == PADDING_ITEM).unsqueeze(1), 0.0)
        return cast(Tensor, weight @ past)

    def _fused(
        self,
        kernel: ctypes.CDLL,
        candidate: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        table: Tensor,
    ) -> Tensor:
        """The same for one candidate each, (B, W): everything linear in the past is done once per item and feedback."""
        parts = [self.past(table), self.feedback.weight]
        items, feedbacks = (torch.cat([part, self.of_past(part)], dim=1) for part in parts)  # (·, W + F)
        second, last = (layer for layer in self.attention if isinstance(layer, nn.Linear))
        return native.target_attention(
            kernel,
            history_item,
            history_feedback,
            candidate,
            self.of_candidate(candidate),
            items,
            feedbacks,
            self.of_product.weight,
            (second.weight, second.bias),
            (last.weight, last.bias),
        )

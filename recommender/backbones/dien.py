"""DIEN: interests are read out of the history in its order, and their evolution is read again for each candidate.

Zhou et al., Deep Interest Evolution Network for Click-Through Rate Prediction, AAAI 2019. The first recurrence knows
no candidate and runs once for each context. The second runs for each candidate, in one of the paper's ways:

- AIGRU (`dien`, what R4ec uses): the inputs are multiplied by the attention, R4ec's activation unit.
- AUGRU (`dien_augru`, the paper's best): the update gate is multiplied by the attention, the paper's softmax.

The paper's auxiliary loss, which lets a state predict the next item against a sampled one, is left out: R4ec's code
has none either, and a backbone here answers with logits alone.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.attention import ActivationUnit
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE, Perceptron
from recommender.backbones.recurrence import Recurrence
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig


class Evolution(Backbone):
    """What both kinds share; `evolve` differs."""

    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        width = self.items.width
        self.feedback = nn.Embedding(sizes.feedback, width)
        nn.init.normal_(self.feedback.weight, std=START_SCALE)
        self.extraction = Recurrence(width, width)
        self.evolution = Recurrence(width, width)
        self.attend(config)
        self.head = Perceptron(2 * width + side.total, config.head, dropout=config.dropout)

    @abstractmethod
    def attend(self, config: TrainConfig) -> None:
        """Make the attention's layers."""

    @abstractmethod
    def evolve(self, candidate: Tensor, interests: Tensor, there: Tensor) -> Tensor:
        """The last state (B, N, W) for candidates (B, N, W) over interests (B, L, W); there (B, L): 0 is padding."""

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        candidate = functional.embedding(item, table)  # (B, N, W)
        there = (history_item != PADDING_ITEM).to(table)  # (B, L)
        said = self.extraction.read(history_item, table, history_feedback, self.feedback.weight)
        interests = self.extraction.states(said, there)  # (B, L, W)
        parts = [candidate, self.evolve(candidate, interests, there), *side.of_candidates(item.shape[1])]
        logits: Tensor = self.head(torch.cat(parts, dim=-1))
        return logits.squeeze(-1)


class Dien(Evolution):
    def attend(self, config: TrainConfig) -> None:
        self.attention = ActivationUnit(self.items.width, config.attention)

    def evolve(self, candidate: Tensor, interests: Tensor, there: Tensor) -> Tensor:
        interests = interests.unsqueeze(1)  # (B, 1, L, W)
        weight = self.attention(candidate, interests)  # (B, N, L)
        said = self.evolution.say(interests)  # (B, 1, L, 3W): the attention is multiplied in later, it is linear
        return self.evolution.last(said, there.unsqueeze(1).expand_as(weight), scale=weight)


class DienAugru(Evolution):
    def attend(self, config: TrainConfig) -> None:
        self.resemblance = nn.Linear(self.items.width, self.items.width, bias=False)

    def evolve(self, candidate: Tensor, interests: Tensor, there: Tensor) -> Tensor:
        alike = candidate @ self.resemblance(interests).transpose(1, 2)  # (B, N, L)
        # A finite lowest value: a row of padding alone stays finite, and is then multiplied by zeros.
        weight = alike.masked_fill(there.unsqueeze(1) == 0, -1e9).softmax(dim=-1) * there.unsqueeze(1)
        return self.evolution.last(self.evolution.say(interests.unsqueeze(1)), weight)

"""GRU4Rec: the history read in its order by one gated recurrent unit, whatever the candidate.

Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR 2016. As in R4ec's form for click
models, every past item keeps its own vector beside the state after it, both are averaged, and knowledge joins before
the last perceptron; as in the paper, the last state also meets the candidate in a product. R4ec's code averages over
padding too, and its attention over the item's vector runs across the batch, so that a score depends on who else is
scored; over one item it would be a linear map, which the perceptron has anyway. It is left out.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE, Perceptron
from recommender.backbones.recurrence import Recurrence
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig


class Gru4Rec(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        width = self.items.width
        self.feedback = nn.Embedding(sizes.feedback, width)
        nn.init.normal_(self.feedback.weight, std=START_SCALE)
        self.reader = Recurrence(width, width)
        self.head = Perceptron(4 * width + side.total, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        candidate = functional.embedding(item, table)  # (B, N, W)
        there = (history_item != PADDING_ITEM).to(table)  # (B, L)
        said = self.reader.read(history_item, table, history_feedback, self.feedback.weight)
        states = self.reader.states(said, there)  # (B, L, W)
        past = functional.embedding(history_item, table) + self.feedback(history_feedback)  # (B, L, W)
        seen = there.unsqueeze(1) / there.sum(dim=1).clamp(min=1).view(-1, 1, 1)  # (B, 1, L): sums to 1, or is zeros
        means = torch.cat([seen @ past, seen @ states], dim=-1)  # (B, 1, 2W)
        met = candidate * states[:, -1:]  # (B, N, W)
        parts = [candidate, met, means.expand(-1, item.shape[1], -1), *side.of_candidates(item.shape[1])]
        logits: Tensor = self.head(torch.cat(parts, dim=-1))
        return logits.squeeze(-1)

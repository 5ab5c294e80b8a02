"""FiBiNET: a weight for each field, bilinear products of all pairs with and without the weights, and a perceptron.

Huang et al., FiBiNET: Combining Feature Importance and Bilinear feature Interaction for Click-Through Rate Prediction,
RecSys 2019, with one matrix for all fields ("field all"), as in R4ec.
"""

from itertools import combinations

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig

REDUCTION = 3


class Senet(nn.Module):
    """A weight for each field, from the means of all of them: (…, F, E) → (…, F)."""

    def __init__(self, fields: int, *, reduction: int) -> None:
        super().__init__()
        narrow = max(1, fields // reduction)
        self.squeeze, self.excite = nn.Linear(fields, narrow, bias=False), nn.Linear(narrow, fields, bias=False)

    def forward(self, fields: Tensor) -> Tensor:
        return torch.relu(self.excite(torch.relu(self.squeeze(fields.mean(dim=-1)))))


class BilinearPairs(nn.Module):
    """(v_i W) ⊙ v_j for all pairs i < j of fields: (…, F, E) → (…, P, E)."""

    left: Tensor
    right: Tensor

    def __init__(self, fields: int, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(width, width, bias=False)
        left, right = zip(*combinations(range(fields), 2), strict=True)
        self.register_buffer("left", torch.tensor(left), persistent=False)
        self.register_buffer("right", torch.tensor(right), persistent=False)

    def forward(self, fields: Tensor) -> Tensor:
        mapped: Tensor = self.map(fields)
        return mapped.index_select(-2, self.left) * fields.index_select(-2, self.right)


class FiBiNet(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=True)
        self.senet = Senet(self.fields.count, reduction=REDUCTION)
        self.pairs = BilinearPairs(self.fields.count, self.fields.width)
        self.linear = nn.Linear(self.fields.flat, 1, bias=False)
        products = 2 * len(self.pairs.left) * self.fields.width
        self.deep = Perceptron(products + side.numbers, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        weights, products = self.senet(fields), self.pairs(fields)  # (B, N, F), (B, N, P, E)
        # Weighing both fields of a pair weighs their product: nothing is multiplied twice.
        both = weights.index_select(-1, self.pairs.left) * weights.index_select(-1, self.pairs.right)  # (B, N, P)
        weighed = products * both.unsqueeze(-1)
        parts = [products.flatten(-2), weighed.flatten(-2), *side.numbers(item.shape[1])]
        logits: Tensor = self.linear(flat) + self.deep(torch.cat(parts, dim=-1))
        return logits.squeeze(-1)

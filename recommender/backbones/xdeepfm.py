"""xDeepFM: products of growing order between fields, number by number, beside a linear term and a perceptron.

Lian et al., xDeepFM: Combining Explicit and Implicit Feature Interactions for Recommender Systems, KDD 2018.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig

MAPS = (50, 50)  # feature maps of each layer


class Cin(nn.Module):
    """The compressed interaction network, to its one number: (…, F, E) → (…, 1).

    Layer k is X^k_h = Σ_ij W^k_hij X^(k-1)_i ⊙ X^0_j, and its maps, each summed over E, go through one linear layer.
    Nothing but that sum leaves the last layer, so its H maps are folded into one: Σ_h v_h W_hij weighs the inner
    products of X^(k-1)_i and X^0_j. The same function, at a fiftieth of its cost for the last layer.
    """

    def __init__(self, fields: int, maps: tuple[int, ...]) -> None:
        super().__init__()
        *layers, self.last = (
            nn.Linear(fields * before, width, bias=False) for before, width in pairwise((fields, *maps))
        )
        self.layers = nn.ModuleList(layers)
        self.of_maps = nn.Linear(sum(maps), 1)
        self.widths = list(maps)

    def forward(self, fields: Tensor) -> Tensor:
        first = fields.transpose(-1, -2)  # (…, E, F)
        *weights, last_weights = torch.split(self.of_maps.weight[0], self.widths)
        maps, total = first, self.of_maps.bias
        for layer, weight in zip(self.layers, weights, strict=True):
            products = first.unsqueeze(-1) * maps.unsqueeze(-2)  # (…, E, F, H)
            maps = layer(products.flatten(-2))  # (…, E, H)
            total = total + maps.sum(dim=-2) @ weight.unsqueeze(-1)  # (…, 1)
        products = fields @ maps  # (…, F, H)
        folded = last_weights @ self.last.weight  # (F·H)
        result: Tensor = total + products.flatten(-2) @ folded.unsqueeze(-1)
        return result


class XDeepFm(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=True)
        self.linear = nn.Linear(self.fields.flat, 1, bias=False)
        self.cin = Cin(self.fields.count, MAPS)
        self.deep = Perceptron(self.fields.flat, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        logits: Tensor = self.linear(flat) + self.cin(fields) + self.deep(flat)
        return logits.squeeze(-1)

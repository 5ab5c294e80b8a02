"""DCN: every layer multiplies the inputs by one learned number of the layer before; a perceptron runs beside.

Wang et al., Deep & Cross Network for Ad Click Predictions, ADKDD 2017. Its batch normalisation is left out: a score
must not depend on the rest of the batch. Knowledge joins the inputs of both parts.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig

LAYERS = 3


class CrossNet(nn.Module):
    """x ← x₀ (w · x) + b + x in each layer, (…, D) → (…, D)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.weights = nn.ModuleList(nn.Linear(width, 1, bias=False) for _ in range(layers))
        self.biases = nn.ParameterList(torch.zeros(width) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        crossed = inputs
        for weight, bias in zip(self.weights, self.biases, strict=True):
            crossed = inputs * weight(crossed) + bias + crossed
        return crossed


class Dcn(Backbone):
    net: ClassVar[type[nn.Module]] = CrossNet

    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=False)
        self.cross = self.net(self.fields.flat, LAYERS)
        self.of_cross = nn.Linear(self.fields.flat, 1, bias=False)
        self.deep = Perceptron(self.fields.flat, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        _, flat = self.fields(item, history_item, history_feedback, table, side)
        logits: Tensor = self.of_cross(self.cross(flat)) + self.deep(flat)
        return logits.squeeze(-1)

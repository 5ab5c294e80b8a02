"""DCN-V2: every layer multiplies the inputs by a linear map of the layer before; a perceptron runs beside.

Wang et al., DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems,
WWW 2021, in its parallel form with full matrices. Knowledge joins the inputs of both parts.
"""

from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.training.config import TrainConfig

LAYERS = 3


class CrossNetV2(nn.Module):
    """x ← x₀ ⊙ (W x + b) + x in each layer, (…, D) → (…, D)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        crossed = inputs
        for one in self.maps:
            crossed = inputs * one(crossed) + crossed
        return crossed


class DcnV2(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=False)
        self.cross = CrossNetV2(self.fields.flat, LAYERS)
        self.of_cross = nn.Linear(self.fields.flat, 1, bias=False)
        self.deep = Perceptron(self.fields.flat, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        _, flat = self.fields(item, history_item, history_feedback, table, side)
        logits: Tensor = self.of_cross(self.cross(flat)) + self.deep(flat)
        return logits.squeeze(-1)

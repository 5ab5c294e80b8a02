"""AutoInt+: fields that attend to one another, layer upon layer, beside a perceptron.

Song et al., AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural Networks, CIKM 2019; R4ec has its
attention alone.
"""

from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig

LAYERS, HEADS, SIZE = 3, 1, 64


class SelfAttention(nn.Module):
    """ReLU(softmax(QKᵀ) V + R) over the fields, with linear Q, K, V, R: (…, F, E) → (…, F, size).

    Each head attends on its share of `size`. As in the paper the inner products are not scaled.
    """

    def __init__(self, inputs: int, *, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.residual = (nn.Linear(inputs, size, bias=False) for _ in range(4))

    def forward(self, fields: Tensor) -> Tensor:
        query, key, value = (self._heads(of(fields)) for of in (self.query, self.key, self.value))
        weights = (query @ key.transpose(-1, -2)).softmax(dim=-1)  # (…, heads, F, F)
        mixed = (weights @ value).transpose(-2, -3).flatten(-2)  # (…, F, size)
        return functional.relu(mixed + self.residual(fields))

    def _heads(self, fields: Tensor) -> Tensor:
        return fields.view(*fields.shape[:-1], self.heads, -1).transpose(-2, -3)  # (…, F, size) → (…, heads, F, ·)


class AutoInt(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=True)
        widths = (self.fields.width, *[SIZE] * LAYERS)
        self.attention = nn.Sequential(*(SelfAttention(inputs, size=SIZE, heads=HEADS) for inputs in widths[:-1]))
        self.of_attention = nn.Linear(self.fields.count * SIZE, 1, bias=False)
        self.deep = Perceptron(self.fields.flat, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        logits: Tensor = self.of_attention(self.attention(fields).flatten(-2)) + self.deep(flat)
        return logits.squeeze(-1)

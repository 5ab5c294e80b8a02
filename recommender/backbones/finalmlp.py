"""FinalMLP: two perceptrons that look at differently gated inputs, joined by a bilinear product.

Mao et al., FinalMLP: An Enhanced Two-Stream MLP Model for CTR Prediction, AAAI 2023. One stream is gated by the
history, the other by the candidate; the fusion has one head. Batch normalisation is left out: a score must not depend
on the rest of the batch.
"""

from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import OF_CANDIDATE, OF_HISTORY, FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig

GATE = (64,)  # widths of a gate's hidden layers


class Gate(nn.Module):
    """Weighs inputs, (…, D), by 2σ(perceptron(what the gate looks at, (…, G))): between nothing and twice."""

    def __init__(self, looks_at: int, width: int) -> None:
        super().__init__()
        self.weigh = Perceptron(looks_at, GATE, dropout=0.0, outputs=width)

    def forward(self, inputs: Tensor, looks_at: Tensor) -> Tensor:
        weights: Tensor = self.weigh(looks_at)
        return 2 * weights.sigmoid() * inputs


class Fusion(nn.Module):
    """b + w₁ · x + w₂ · y + xᵀ W y: (…, D) twice → (…, 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_one = nn.Linear(width, 1)
        self.of_other = nn.Linear(width, 1, bias=False)
        self.of_both = nn.Linear(width, width, bias=False)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        bilinear = (self.of_both(one) * other).sum(dim=-1, keepdim=True)
        result: Tensor = self.of_one(one) + self.of_other(other) + bilinear
        return result


class FinalMlp(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=False)
        width, flat, (*hidden, last) = self.fields.width, self.fields.flat, config.head
        self.by_history = Gate(OF_HISTORY * width, flat)
        self.by_candidate = Gate(OF_CANDIDATE * width, flat)
        self.one, self.other = (
            nn.Sequential(Perceptron(flat, tuple(hidden), dropout=config.dropout, outputs=last), nn.ReLU())
            for _ in range(2)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.fusion = Fusion(last)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        candidate, history = fields[..., :OF_CANDIDATE, :], fields[..., OF_CANDIDATE : OF_CANDIDATE + OF_HISTORY, :]
        one = self.one(self.by_history(flat, history.flatten(-2)))
        other = self.other(self.by_candidate(flat, candidate.flatten(-2)))
        logits: Tensor = self.fusion(self.dropout(one), self.dropout(other))
        return logits.squeeze(-1)

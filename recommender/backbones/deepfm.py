"""DeepFM: a linear term, the products of all pairs of fields, and a perceptron, added up.

Guo et al., DeepFM: A Factorization-Machine based Neural Network for CTR Prediction, IJCAI 2017. The linear term reads
the embeddings instead of the paper's one weight for each feature, so that it folds into the item table. Knowledge joins
the linear term and the perceptron and stays out of the products, as in R4ec.
"""

from torch import Tensor, nn

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.backbones.inputs import Perceptron
from recommender.recipe import TrainConfig


def pairwise_products(fields: Tensor) -> Tensor:
    """Σ of the inner products of all pairs of fields, (…, F, E) → (…): half of (Σv)² - Σv²."""
    return (fields.sum(dim=-2).square() - fields.square().sum(dim=-2)).sum(dim=-1) / 2


class DeepFm(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=False)
        self.linear = nn.Linear(self.fields.flat, 1, bias=False)
        self.deep = Perceptron(self.fields.flat, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        rest: Tensor = self.linear(flat) + self.deep(flat)
        return pairwise_products(fields) + rest.squeeze(-1)

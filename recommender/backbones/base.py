"""What all backbones share. A backbone is `forward(batch) → logits`: loop, optimiser and device stand outside."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from recommender.backbones.adapter import KnowledgeAdapter
from recommender.backbones.batch import Batch, InputSizes, KnowledgeFields
from recommender.backbones.inputs import ItemTable
from recommender.training.config import TrainConfig


class Backbone(nn.Module, ABC):
    """A CTR architecture: item table, architecture, and the knowledge adapter unless `sizes.knowledge` is 0.

    Subclasses build themselves in `assemble` and answer in `score`. The adapter is made last, so that the rest starts
    from the same weights with and without knowledge.
    """

    def __init__(self, sizes: InputSizes, config: TrainConfig) -> None:
        super().__init__()
        self.sizes = sizes
        self.items = ItemTable(sizes, embedding=config.embedding)
        knowledge_width = config.adapter_width + 1 if sizes.knowledge else 0
        self.assemble(sizes, config, knowledge_width=knowledge_width)
        self.knowledge = KnowledgeAdapter(sizes.knowledge, config) if sizes.knowledge else None

    @abstractmethod
    def assemble(self, sizes: InputSizes, config: TrainConfig, *, knowledge_width: int) -> None:
        """Make the layers. `knowledge_width`: of each knowledge field, 0 where there is none."""

    @abstractmethod
    def score(
        self,
        item: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        table: Tensor,
        fields: KnowledgeFields | None,
    ) -> Tensor:
        """Logits (B, N) of items (B, N) after histories (B, L), with the item table (V, W) and the knowledge fields.

        Padding must change nothing, nor may the rest of the batch.
        """

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, N)."""
        fields = self.knowledge(batch) if self.knowledge is not None else None
        return self.score(batch.item, batch.history_item, batch.history_feedback, self.items(), fields)

"""What all backbones share. A backbone is `forward(batch) → logits`: loop, optimiser and device stand outside."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from recommender.backbones.adapter import KnowledgeAdapter
from recommender.backbones.batch import Batch, InputSizes, KnowledgeFields, SideFields, SideWidths
from recommender.backbones.inputs import BagOfTokens, ItemTable
from recommender.backbones.match import HistoryMatch
from recommender.recipe import TrainConfig


class Folded(nn.Module):
    """What scores as artifacts.graph.ServingForm does, with all that depends on an item alone multiplied out."""

    def arrays(self) -> dict[str, Tensor]:
        """What a compiled kernel reads of it (artifacts.folded); empty where there is no kernel for it."""
        return {}


class Backbone(nn.Module, ABC):
    """A CTR architecture with its item table, the history match, and the adapter unless `sizes.knowledge` is 0.

    Subclasses build themselves in `assemble` and answer in `score`. The adapter is made last, so that the rest starts
    from the same weights with and without knowledge.
    """

    slope: Tensor
    intercept: Tensor

    def __init__(self, sizes: InputSizes, config: TrainConfig) -> None:
        super().__init__()
        self.register_buffer("slope", torch.ones(()))  # of the calibration: buffers, so that they travel with the
        self.register_buffer("intercept", torch.zeros(()))  # weights and into the graph, and are never learned
        self.sizes = sizes
        self.items = ItemTable(sizes, embedding=config.embedding)
        self.match = HistoryMatch(sizes.feedback) if config.match else None
        of_match = self.match.width if self.match else 0
        self.demographics = (
            BagOfTokens(sizes.end_user_tokens, embedding=config.embedding) if sizes.end_user_tokens else None
        )
        of_demographics = config.embedding if self.demographics else 0
        of_knowledge = config.adapter_width + 1 if sizes.knowledge else 0
        self.assemble(sizes, config, SideWidths(of_knowledge, of_match + sizes.signals + of_demographics))
        self.knowledge = KnowledgeAdapter(sizes.knowledge, config) if sizes.knowledge else None

    @abstractmethod
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        """Make the layers."""

    @abstractmethod
    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        """Logits (B, N) of items (B, N) after histories (B, L), with the item table (V, W).

        Padding must change nothing, nor may the rest of the batch.
        """

    def folded(self, table: Tensor, item_knowledge: Tensor | None) -> Folded | None:
        """The folded form of what is trained.

        `table` (V, W): of the items; `item_knowledge` (V, K). None: nothing is to be gained over looking both up.
        """
        return None

    def accelerate(self, on: bool) -> None:
        """Compute with native kernels (backbones.native) where there are some, or no longer: none can be exported."""
        if self.match is not None:
            self.match.accelerate(on, width=self.items.width - self.items.attributes)

    def calibrate(self, slope: float, intercept: float) -> None:
        """From now on answer with slope · logit + intercept (training.calibration); slope > 0 keeps every ranking."""
        self.slope.fill_(slope)
        self.intercept.fill_(intercept)

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, N)."""
        knowledge = self.knowledge(batch) if self.knowledge is not None else None
        table = self.items()
        return self.rank(
            batch.item,
            batch.history_item,
            batch.history_feedback,
            table,
            knowledge,
            batch.signals,
            batch.end_user_tokens,
        )

    def rank(
        self,
        item: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        table: Tensor,
        knowledge: KnowledgeFields | None,
        signals: Tensor,
        end_user_tokens: Tensor,
    ) -> Tensor:
        """As forward, from a table and knowledge that were computed before: what the serving form does."""
        match = None
        if self.match is not None:
            attributes = table[:, self.items.attributes :]  # (V, E)
            match = self.match(attributes, item, history_item, history_feedback)
        of_end_user, of_item = knowledge or (None, None)
        demographics = self.demographics(end_user_tokens) if self.demographics is not None else None
        side = SideFields(of_end_user, of_item, match, signals if self.sizes.signals else None, demographics)
        return self.score(item, history_item, history_feedback, table, side) * self.slope + self.intercept

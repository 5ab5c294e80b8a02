"""How field models read their inputs: as fields of one width, which they let interact.

The fields are the candidate's id and attributes, and the means of the history's ids, attributes and feedback, as in
R4ec; but the means leave padding out, which R4ec's and KAR's released code does not.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig

OF_CANDIDATE, OF_HISTORY = 2, 3  # fields, in this order


class FieldReader(nn.Module):
    """Turns a backbone's inputs into `count` fields of `width` numbers and one row of `flat` numbers.

    With `side_fields` the two knowledge fields and all numbers beside them become fields too, each by one linear map;
    the row then holds the fields and the bare numbers. Otherwise it holds the fields, bare knowledge and bare numbers.
    """

    def __init__(self, sizes: InputSizes, config: TrainConfig, side: SideWidths, *, side_fields: bool) -> None:
        super().__init__()
        self.width = config.embedding
        self.feedback = nn.Embedding(sizes.feedback, self.width)
        nn.init.normal_(self.feedback.weight, std=START_SCALE)
        self.of_end_user = nn.Linear(side.knowledge, self.width) if side_fields and side.knowledge else None
        self.of_item = nn.Linear(side.knowledge, self.width) if side_fields and side.knowledge else None
        self.of_numbers = nn.Linear(side.numbers, self.width) if side_fields and side.numbers else None
        maps = (self.of_end_user, self.of_item, self.of_numbers)
        self.count = OF_CANDIDATE + OF_HISTORY + sum(one is not None for one in maps)
        self.flat = self.count * self.width + (side.numbers if side_fields else side.total)

    def forward(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> tuple[Tensor, Tensor]:
        """The fields (B, N, F, E) and the row (B, N, F·E + ·) of each candidate."""
        candidates = item.shape[1]
        candidate = functional.embedding(item, table)  # (B, N, 2E)
        there = (history_item != PADDING_ITEM).unsqueeze(1).to(table)  # (B, 1, L)
        history = [self._mean(history_item, table, there), self._mean(history_feedback, self.feedback.weight, there)]
        parts = [candidate, *(_of_each(part, candidates) for part in history)]
        bare = side.of_candidates(candidates)
        if self.of_end_user is not None and self.of_item is not None:
            assert side.end_user is not None
            assert side.item is not None
            parts += [_of_each(self.of_end_user(side.end_user), candidates), self.of_item(side.item)]
            bare = side.numbers(candidates)
        if self.of_numbers is not None:
            parts.append(self.of_numbers(torch.cat(side.numbers(candidates), dim=-1)))
        fields = torch.cat(parts, dim=-1)  # (B, N, F·E)
        return fields.view(*item.shape, self.count, self.width), torch.cat([fields, *bare], dim=-1)

    def _mean(self, history: Tensor, table: Tensor, there: Tensor) -> Tensor:
        """The mean row of each history: (B, L) → (B, ·), zeros where it is empty."""
        if self.training:  # sums while it gathers, but the exporter cannot write it down
            return functional.embedding_bag(history, table, mode="mean", padding_idx=0)
        total: Tensor = there @ functional.embedding(history, table)  # (B, 1, ·)
        return total.squeeze(1) / there.sum(dim=-1).clamp(min=1)


def _of_each(context: Tensor, candidates: int) -> Tensor:
    """What is the same for all candidates: (B, ·) → (B, N, ·)."""
    return context.unsqueeze(1).expand(-1, candidates, -1)

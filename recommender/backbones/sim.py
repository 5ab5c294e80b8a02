"""SIM: a long history is searched for what resembles the candidate, and only that is attended to.

Pi et al., Search-based User Interest Modeling with Lifelong Sequential Behavior Data, CIKM 2020. The general search
takes the items nearest to the candidate by the cosine of their vectors, ids and attributes (the attributes alone would
be the paper's hard search). Those vectors learn through the exact search, so the general one needs no loss of its own.
The exact search is DIN's activation unit over what was found; how many interactions ago that was stands for its time.

It pays with a long window: `train_backbone NAME --backbone sim --history 200`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.attention import ActivationUnit
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE, Perceptron
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig

FOUND = 20  # past items that are attended to
AGES = 11  # of an interaction: the last one, the one before, the two before, the four before, …
LONGEST = 1024  # history
LEVELS = 2**20  # steps of the cosine; what is on one step is equal, and the later one goes first
CONTEXTS_AT_A_TIME = 256  # whose histories are searched at once, to bound memory


class Sim(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        width = self.items.width
        self.feedback = nn.Embedding(sizes.feedback, width)
        self.age = nn.Embedding(AGES, width)
        for table in (self.feedback, self.age):
            nn.init.normal_(table.weight, std=START_SCALE)
        self.past = nn.Linear(width, width, bias=False)
        self.attention = ActivationUnit(width, config.attention)
        self.head = Perceptron(2 * width + side.total, config.head, dropout=config.dropout)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        candidate = functional.embedding(item, table)  # (B, N, W)
        place = search(item, history_item, table.detach())  # (B, N, K)
        found, feedback = (_take(column, place) for column in (history_item, history_feedback))
        age = functional.embedding(place, self.age(_ages(history_item.shape[1], table.device)))
        past = functional.embedding(found, self.past(table)) + self.feedback(feedback) + age  # (B, N, K, W)
        weight = self.attention(candidate, past)  # (B, N, K)
        weight = weight.masked_fill(found == PADDING_ITEM, 0.0)
        interest = (weight.unsqueeze(2) @ past).squeeze(2)  # (B, N, W)
        logits: Tensor = self.head(torch.cat([candidate, interest, *side.of_candidates(item.shape[1])], dim=-1))
        return logits.squeeze(-1)


def search(item: Tensor, history_item: Tensor, table: Tensor) -> Tensor:
    """Places (B, N, K) in histories (B, L) of what resembles items (B, N) most, padding last; K = min(FOUND, L).

    A choice cannot be nearly right: in double precision a batch of one, of many and the served graph choose the same.
    """
    unit = functional.normalize(table.double(), dim=-1)
    if torch.onnx.is_in_onnx_export():  # serving has one context, or one for each entry of a history
        return _order(item, history_item, unit).sort(dim=-1, descending=True).indices[..., :FOUND]
    parts = zip(*(torch.split(rows, CONTEXTS_AT_A_TIME) for rows in (item, history_item)), strict=True)
    most = min(FOUND, history_item.shape[1])
    return torch.cat([_order(some, past, unit).topk(most, dim=-1).indices for some, past in parts])


def _order(item: Tensor, history_item: Tensor, unit: Tensor) -> Tensor:
    candidate, past = (functional.embedding(which, unit) for which in (item, history_item))
    alike = candidate @ past.transpose(1, 2)  # (B, N, L)
    place = torch.arange(history_item.shape[1], device=alike.device)
    order = torch.round((alike + 1) * LEVELS) * LONGEST + place  # whole numbers below 2⁵³: exact
    return order.masked_fill((history_item == PADDING_ITEM).unsqueeze(1), -1.0)


def _take(column: Tensor, place: Tensor) -> Tensor:
    """Values (B, N, K) of a history's column (B, L) at places (B, N, K)."""
    return column.unsqueeze(1).expand(-1, place.shape[1], -1).gather(2, place)


def _ages(length: int, device: torch.device) -> Tensor:
    """The age of each place of a history, (L), from 0: 1, 2, 3 or 4, 5 to 8, … interactions ago."""
    ago = torch.arange(length, 0, -1, device=device)
    return (ago.unsqueeze(1) > 2 ** torch.arange(AGES - 1, device=device)).sum(dim=1)

"""DIN: a history weighed by how much each past item has to do with the candidate.

Zhou et al., Deep Interest Network for Click-Through Rate Prediction, KDD 2018. As in R4ec the history holds item,
attributes and rating, the weights are not normalised, and knowledge joins before the last perceptron.
"""

import ctypes
import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones import native
from recommender.backbones.base import Backbone, Folded
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.inputs import START_SCALE, Perceptron
from recommender.dataset.numbering import PADDING_ITEM
from recommender.recipe import TrainConfig

MULTIPLIED_ITEMS = 20_000  # of more, only some are ranked, and a row of the head's width for each would be memory
TILE = 4  # units of every layer that folded_din.cpp computes are multiples of it


class Din(Backbone):
    kernel: ctypes.CDLL | None = None  # native.target_attention, while accelerated

    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        width, (first, *rest) = self.items.width, config.attention
        self.feedback = nn.Embedding(sizes.feedback, width, padding_idx=0)
        nn.init.normal_(self.feedback.weight, std=START_SCALE)
        with torch.no_grad():
            self.feedback.weight[0] = 0.0
        self.past = nn.Linear(width, width, bias=False)
        # The attention's first layer on [candidate, past, candidate - past, candidate * past], split by its inputs:
        # the difference folds into the first two, and nothing is concatenated for every history slot.
        self.of_candidate = nn.Linear(width, first)
        self.of_past = nn.Linear(width, first, bias=False)
        self.of_product = nn.Linear(width, first, bias=False)
        self.attention = Perceptron(first, tuple(rest), dropout=0.0)
        self.head = Perceptron(2 * width + side.total, config.head, dropout=config.dropout)

    def accelerate(self, on: bool) -> None:
        super().accelerate(on)
        units = tuple(
            layer.out_features for layer in (self.of_product, *self.attention) if isinstance(layer, nn.Linear)
        )
        self.kernel = native.attention(width=self.items.width, units=units[:-1]) if on else None

    def folded(self, table: Tensor, item_knowledge: Tensor | None) -> Folded:
        return FoldedDin(self, table, item_knowledge)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        candidate = functional.embedding(item, table)  # (B, N, W)
        if self.kernel is not None and item.shape[1] == 1:
            interest = self._fused(self.kernel, candidate.squeeze(1), history_item, history_feedback, table).unsqueeze(
                1
            )
        else:
            interest = self._interest(candidate, history_item, history_feedback, table)
        parts = [candidate, interest, *side.of_candidates(item.shape[1])]  # (B, N, ·) each
        logits: Tensor = self.head(torch.cat(parts, dim=-1))
        return logits.squeeze(-1)

    def _interest(self, candidate: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor) -> Tensor:
        """The weighed sum of the history for candidates (B, N, W): (B, N, W)."""
        if self.training:  # more history slots than items: map the table once, then gather
            past = functional.embedding(history_item, self.past(table))  # (B, L, W)
        else:
            past = self.past(functional.embedding(history_item, table))  # (B, L, W)
        past = past + self.feedback(history_feedback)
        product = candidate.unsqueeze(2) * past.unsqueeze(1)  # (B, N, L, W)
        mixed = self.of_product(product) + self.of_candidate(candidate).unsqueeze(2) + self.of_past(past).unsqueeze(1)
        weight = self.attention(functional.relu(mixed)).squeeze(-1)  # (B, N, L)
        weight = weight.masked_fill((history_item == PADDING_ITEM).unsqueeze(1), 0.0)
        return cast(Tensor, weight @ past)

    def _fused(
        self,
        kernel: ctypes.CDLL,
        candidate: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        table: Tensor,
    ) -> Tensor:
        """The same for one candidate each, (B, W): everything linear in the past is done once per item and feedback."""
        parts = [self.past(table), self.feedback.weight]
        items, feedbacks = (torch.cat([part, self.of_past(part)], dim=1) for part in parts)  # (·, W + F)
        second, last = (layer for layer in self.attention if isinstance(layer, nn.Linear))
        return native.target_attention(
            kernel,
            history_item,
            history_feedback,
            candidate,
            self.of_candidate(candidate),
            items,
            feedbacks,
            self.of_product.weight,
            (second.weight, second.bias),
            (last.weight, last.bias),
        )


class FoldedDin(Folded):
    """The same scores with every product taken once: per item when the artifact is written, per history when asked.

    A history entry, an item with its feedback, that several rows of a batch share is multiplied out once: rows that
    leave one entry out each have the others in common. The attention's first layer is linear in the candidate, so that
    all its products with the entries are one matrix, (W + 1, U · F), a column of ones carrying what they say alone. The
    head's first layer is split by its inputs: the candidate's part is a row of a table (of a big catalog it is looked
    up and multiplied), the weighed history's part is multiplied out per history slot.
    """

    table: Tensor
    rows: Tensor
    unit: Tensor

    def __init__(self, din: Din, table: Tensor, item_knowledge: Tensor | None) -> None:
        super().__init__()
        self.din, self.match, self.demographics = din, din.match, din.demographics
        first, *rest = din.head
        assert isinstance(first, nn.Linear)
        self.rest = nn.Sequential(*rest)
        adapted = 0 if item_knowledge is None else item_knowledge.shape[1]
        match, signals = din.match.width if din.match else 0, din.sizes.signals
        named = {"item": table.shape[1], "interest": table.shape[1], "end_user_knowledge": adapted}
        named |= {"item_knowledge": adapted, "match": match, "signals": signals}
        named["demographics"] = first.in_features - sum(named.values())
        self.parts = dict(zip(named, torch.split(first.weight.detach().t(), list(named.values())), strict=True))
        described = table if item_knowledge is None else torch.cat([table, item_knowledge], dim=1)  # (V, W + K)
        weights = torch.cat([self.parts["item"], self.parts["item_knowledge"]]).t()
        of_items = nn.Linear(*weights.shape[::-1])
        of_items.weight, of_items.bias = nn.Parameter(weights), first.bias
        self.of_items = None if len(table) <= MULTIPLIED_ITEMS else of_items
        with torch.no_grad():
            self.register_buffer("rows", described if self.of_items else of_items(described))  # (V, H or W + K)
            self.register_buffer("table", torch.cat([table, torch.ones_like(table[:, :1])], dim=1))  # (V, W + 1)
            self.register_buffer("unit", functional.normalize(table[:, din.items.attributes :], dim=-1))  # (V, E)

    def forward(
        self,
        item: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        end_user_knowledge: Tensor,
        signals: Tensor,
        end_user_tokens: Tensor,
    ) -> Tensor:
        """As artifacts.graph.ServingForm."""
        kinds = self.din.feedback.num_embeddings
        entries, slot = _different(history_item * kinds + history_feedback)  # (U), (B, L)
        met = torch.div(entries, kinds, rounding_mode="floor")
        past = self.din.past(functional.embedding(met, self.table)[..., :-1]) + self.din.feedback(entries - met * kinds)
        past = past.masked_fill((met == PADDING_ITEM).unsqueeze(-1), 0.0)  # (U, W)
        weights = self._weights(item, past).gather(2, slot.unsqueeze(1).expand(-1, item.shape[1], -1))  # (B, N, L)
        beside = [weights]  # (B, N, ·) each, then what the head's first layer makes of a unit of each
        to_head = [functional.embedding(slot, past @ self.parts["interest"])]  # (B, ·, H) each
        if self.match is not None:
            candidate, met = (functional.embedding(which, self.unit) for which in (item, history_item))
            beside.append(self.match.of_units(candidate, met, history_item, history_feedback))
            to_head.append(self.parts["match"].expand(item.shape[0], -1, -1))
        if self.din.sizes.signals:
            beside.append(signals)
            to_head.append(self.parts["signals"].expand(item.shape[0], -1, -1))
        of_items = functional.embedding(item, self.rows)  # what the head's first layer makes of an item, with its bias
        if self.of_items is not None:
            of_items = self.of_items(of_items)
        hidden = of_items + torch.cat(beside, dim=-1) @ torch.cat(to_head, dim=1)
        of_end_user = []  # (B, H) each
        if self.din.knowledge is not None:
            of_end_user.append(end_user_knowledge @ self.parts["end_user_knowledge"])
        if self.demographics is not None:
            of_end_user.append(self.demographics(end_user_tokens) @ self.parts["demographics"])
        for said in of_end_user:
            hidden = hidden + said.unsqueeze(1)
        logits = self.rest(hidden.flatten(0, 1)).view(item.shape)  # rows of two dimensions: one fused product
        return cast(Tensor, logits * self.din.slope + self.din.intercept)

    def arrays(self) -> dict[str, Tensor]:
        """Two hidden layers of attention and of the head each, of sizes that fill tiles: else there is no kernel."""
        din = self.din
        attention, head = ([layer for layer in of if isinstance(layer, nn.Linear)] for of in (din.attention, self.rest))
        units = [
            din.of_product.out_features,
            self.rows.shape[1] if self.of_items is None else self.of_items.out_features,
        ]
        units += [layer.in_features for layer in (attention[-1], head[-1])]
        if len(attention) != 2 or len(head) != 2 or any(size % TILE for size in units):
            return {}
        nothing = torch.zeros(0)
        first, bias = self.of_items, torch.zeros(head[0].in_features)
        match, tokens = self.match, self.demographics
        found = {
            "table": self.table[:, :-1],
            "rows": self.rows,
            "of_rows": nothing if first is None else first.weight,
            "bias": bias if first is None else first.bias,
            "of_product": din.of_product.weight,
            "of_candidate": din.of_candidate.weight,
            "candidate_bias": din.of_candidate.bias,
            "of_past": din.of_past.weight,
            "of_entry": din.past.weight,
            "feedback": din.feedback.weight,
            "second": attention[0].weight,
            "second_bias": attention[0].bias,
            "third": attention[1].weight[0],
            "third_bias": attention[1].bias,
            "head": head[0].weight,
            "head_bias": head[0].bias,
            "out": head[1].weight[0],
            "out_bias": head[1].bias,
            "rates": (-match.temperature).exp() / math.log(2) if match else nothing,
            "worth": match.worth if match else nothing,
            "tokens": tokens.tokens.weight if tokens else nothing,
            "slope": torch.stack([din.slope, din.intercept]),
            "attributes": torch.tensor([float(din.items.attributes)]),
            **{name: self.parts[name] for name in ("interest", "match", "signals", "demographics")},
            "knowledge": self.parts["end_user_knowledge"],
        }
        return {name: each.detach().contiguous() for name, each in found.items()}

    def _weights(self, item: Tensor, past: Tensor) -> Tensor:
        """How much each past vector (U, W) has to do with each item (B, N): (B, N, U)."""
        din, count = self.din, past.shape[0]
        units = din.of_product.out_features
        of_product = past.t().unsqueeze(-1) * din.of_product.weight.t().unsqueeze(1)  # (W, U, F)
        of_each = (of_product + din.of_candidate.weight.t().unsqueeze(1)).flatten(1)  # (W, U · F)
        alone = (din.of_past(past) + din.of_candidate.bias).flatten()  # (U · F)
        candidate = functional.embedding(item, self.table)  # (B, N, W + 1)
        mixed = functional.relu(candidate @ torch.cat([of_each, alone.unsqueeze(0)]))  # (B, N, U · F)
        weight: Tensor = din.attention(mixed.view(-1, units))  # (B · N · U, 1): rows of two dimensions, a fused product
        return weight.view(*item.shape, count)


def _different(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """The different ones, and where each of `numbers` stands among them. Their shapes are told to the exporter."""
    found, place = torch.unique(numbers, return_inverse=True)
    return found.view(-1), place.view(numbers.shape)

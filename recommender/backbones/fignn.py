"""FiGNN: the fields as nodes of a graph that tell their neighbours what they hold, and remember by a GRU.

Li et al., Fi-GNN: Modeling Feature Interactions via Graph Neural Networks for CTR Prediction, CIKM 2019. The
self-attention that the paper puts before the graph is left out, as in R4ec. All numbers beside the fields also
join the logit by a linear term: one node among eight is narrow for them.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, SideFields, SideWidths
from recommender.backbones.fields import FieldReader
from recommender.recipe import TrainConfig

LAYERS = 2


class FieldGraph(nn.Module):
    """`layers` rounds of messages between fields: (…, F, E) → (…, F, E).

    An edge j → i weighs softmax_j LeakyReLU(w · [e_i, e_j]), without edges to oneself. Field i hears
    a_i = W_in,i Σ_j A_ij W_out,j h_j + b, becomes GRU(a_i, h_i), and is reminded of where it began: + e_i.
    """

    oneself: Tensor

    def __init__(self, fields: int, width: int, layers: int) -> None:
        super().__init__()
        self.of_listener = nn.Linear(width, 1, bias=False)
        self.of_speaker = nn.Linear(width, 1, bias=False)
        self.speak = nn.ParameterList(_square(fields, width) for _ in range(layers))
        self.listen = nn.ParameterList(_square(fields, width) for _ in range(layers))
        self.biases = nn.ParameterList(torch.zeros(width) for _ in range(layers))
        self.remember = nn.GRUCell(width, width)
        self.register_buffer("oneself", torch.eye(fields, dtype=torch.bool), persistent=False)

    def edges(self, fields: Tensor) -> Tensor:
        """Weights (…, F, F): row i holds what field i hears from each."""
        scores = functional.leaky_relu(self.of_listener(fields) + self.of_speaker(fields).transpose(-1, -2))
        return scores.masked_fill(self.oneself, -torch.inf).softmax(dim=-1)

    def forward(self, fields: Tensor) -> Tensor:
        edges, states = self.edges(fields), fields
        for speak, listen, bias in zip(self.speak, self.listen, self.biases, strict=True):
            said = torch.einsum("...fe,feo->...fo", states, speak)
            heard = torch.einsum("...fe,feo->...fo", edges @ said, listen) + bias
            remembered = self.remember(heard.flatten(0, -2), states.flatten(0, -2)).view_as(states)
            states = remembered + fields
        return states


class FiGnn(Backbone):
    def assemble(self, sizes: InputSizes, config: TrainConfig, side: SideWidths) -> None:
        self.fields = FieldReader(sizes, config, side, side_fields=True)
        self.graph = FieldGraph(self.fields.count, self.fields.width, LAYERS)
        self.opinion = nn.Linear(self.fields.width, 1, bias=False)
        self.say = nn.Linear(self.fields.count * self.fields.width, self.fields.count, bias=False)
        self.linear = nn.Linear(self.fields.flat, 1)

    def score(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, table: Tensor, side: SideFields
    ) -> Tensor:
        fields, flat = self.fields(item, history_item, history_feedback, table, side)
        states = self.graph(fields)  # (B, N, F, E)
        opinions = self.opinion(states).squeeze(-1)  # (B, N, F)
        says = self.say(states.flatten(-2)).sigmoid()  # (B, N, F)
        logits: Tensor = (opinions * says).sum(dim=-1) + self.linear(flat).squeeze(-1)
        return logits


def _square(fields: int, width: int) -> Tensor:
    return nn.init.xavier_normal_(torch.empty(fields, width, width))

"""Knowledge adapters: encoder vectors into recommendation space, for end users and items.

HEA, the hybrid-expert adapter of KAR and R4ec (METHODS.md 1.6), mixes experts shared by both kinds of subject and
experts of one kind by a softmax gate; MoE has experts of one kind only, MLP one perceptron a kind. A missing text is a
learned vector and a zero flag, never silent zeros, and a second gate decides how far any knowledge is let in.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.batch import Batch, KnowledgeFields
from recommender.recipe import TrainConfig

END_USER, ITEM = 0, 1
KINDS = 2
GATE_START = -2.0  # a gate of .12: knowledge begins as a whisper, and training turns it up or off
GATE_SPEED = 10.0  # one scalar would follow AdamW's small steps too slowly


class Experts(nn.Module):
    """`count` perceptrons D → hidden → W, a ReLU after each layer; the first layers are one product."""

    def __init__(self, count: int, *, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Parameter(_uniform(count, inputs, hidden))
        self.first_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.second = nn.Parameter(_uniform(count, hidden, outputs))
        self.second_bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def forward(self, vectors: Tensor) -> Tensor:
        count, inputs, width = self.first.shape
        weights = self.first.transpose(0, 1).reshape(inputs, count * width)
        hidden = functional.relu(torch.addmm(self.first_bias.reshape(-1), vectors, weights))  # (R, D) → (R, X · H)
        hidden = hidden.view(-1, count, width).transpose(0, 1)  # (X, R, H)
        return functional.relu(torch.baddbmm(self.second_bias, hidden, self.second))  # (X, R, W)


class Mixture(nn.Module):
    """Experts of one kind of subject, and `shared` ones of both, weighed by a softmax over a linear gate."""

    def __init__(self, inputs: int, config: TrainConfig, *, shared: int) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "hidden": config.adapter_hidden, "outputs": config.adapter_width}
        self.shared = Experts(shared, **sizes) if shared else None
        self.specific = nn.ModuleList(Experts(config.specific_experts, **sizes) for _ in range(KINDS))
        self.gates = nn.ModuleList(nn.Linear(inputs, shared + config.specific_experts) for _ in range(KINDS))

    def forward(self, vectors: Tensor, kind: int) -> Tensor:
        outputs = cast(Tensor, self.specific[kind](vectors))  # (X, R, W)
        if self.shared is not None:
            outputs = torch.cat([self.shared(vectors), outputs])
        weights = self.gates[kind](vectors).softmax(dim=-1)  # (R, X)
        return torch.einsum("xrw,rx->rw", outputs, weights)


class Perceptrons(nn.Module):
    """One perceptron for each kind of subject."""

    def __init__(self, inputs: int, config: TrainConfig) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "hidden": config.adapter_hidden, "outputs": config.adapter_width}
        self.kinds = nn.ModuleList(Experts(1, **sizes) for _ in range(KINDS))

    def forward(self, vectors: Tensor, kind: int) -> Tensor:
        return cast(Tensor, self.kinds[kind](vectors))[0]  # (R, W)


class Whitening(nn.Module):
    """A fixed turn of each kind's vectors into their `outputs` widest directions, unit variance each.

    Buffers, not weights: fitted once (backbones.whitening), saved and restored with the weights, and never learned.
    """

    centre: Tensor
    turn: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(KINDS, 1, inputs))
        self.register_buffer("turn", torch.zeros(KINDS, inputs, outputs))

    def forward(self, vectors: Tensor) -> Tensor:
        """(T, D) → (KINDS, T, W)"""
        return (functional.normalize(vectors, dim=-1) - self.centre) @ self.turn

    def set(self, kind: int, centre: Tensor, turn: Tensor) -> None:
        """Of vectors of length one: their mean (D), and the turn (D, W)."""
        self.centre[kind, 0], self.turn[kind] = centre, turn


class KnowledgeAdapter(nn.Module):
    """Adapts the texts a batch names, each once. The vectors belong to the snapshot, not to the weights."""

    prepared: Tensor

    def __init__(self, inputs: int, config: TrainConfig) -> None:
        super().__init__()
        self.hide = config.knowledge_dropout
        self.whitening = Whitening(inputs, config.whiten) if config.whiten else None
        inputs = config.whiten or inputs
        if config.adapter == "mlp":
            self.adapter: Perceptrons | Mixture = Perceptrons(inputs, config)
        else:
            self.adapter = Mixture(inputs, config, shared=config.shared_experts if config.adapter == "hea" else 0)
        self.nothing = nn.Parameter(0.01 * torch.randn(KINDS, config.adapter_width))
        self.opening = nn.Parameter(torch.full((KINDS,), GATE_START / GATE_SPEED)) if config.knowledge_gate else None
        self.register_buffer("prepared", torch.zeros(KINDS, 1, inputs), persistent=False)  # (KINDS, 1 + texts, I)

    def read(self, vectors: Tensor) -> None:
        """Set the vectors of the snapshot's texts: float32 (1 + texts, D). A whitening must have been fitted before."""
        if self.whitening is not None:
            self.prepared = self.whitening(vectors)
        else:  # zero mean and unit variance each: encoders differ in scale, and nothing is fitted
            self.prepared = functional.layer_norm(vectors, vectors.shape[-1:]).expand(KINDS, *vectors.shape)

    def forward(self, batch: Batch) -> KnowledgeFields:
        return KnowledgeFields(self.fields(batch.end_user_text, END_USER), self.fields(batch.item_text, ITEM))

    def fields(self, text: Tensor, kind: int) -> Tensor:
        """(…) rows of the vectors → (…, W + 1). In training some texts are hidden, so that none is relied on alone."""
        if self.training and self.hide:
            text = text.masked_fill(torch.rand(text.shape, device=text.device) < self.hide, 0)
        unique, place = torch.unique(text, return_inverse=True)  # (R), (…)
        present = (unique != 0).unsqueeze(-1).to(self.nothing)  # (R, 1)
        # A gated residual: at 0 every subject is one without knowledge, flag included.
        let_in = present if self.opening is None else present * self.gates()[kind]
        nothing = self.nothing[kind]
        adapted = nothing + let_in * (self.adapter(self.prepared[kind][unique], kind) - nothing)  # (R, W)
        return torch.cat([adapted, let_in], dim=-1)[place]

    def gates(self) -> Tensor:
        """How far knowledge of end users and of items is let in, 0 to 1: (KINDS)."""
        if self.opening is None:
            return torch.ones(KINDS)
        return (GATE_SPEED * self.opening).sigmoid()


def _uniform(count: int, inputs: int, outputs: int) -> Tensor:
    bound = 1 / math.sqrt(inputs)
    return torch.empty(count, inputs, outputs).uniform_(-bound, bound)

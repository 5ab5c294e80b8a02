"""Knowledge adapters: encoder vectors into recommendation space, for end users and items.

HEA, the hybrid-expert adapter of KAR and R4ec (METHODS.md 1.6): experts shared by both kinds of subject and experts
of one kind, mixed by a softmax gate. A missing text is a learned vector and a zero flag, never silent zeros.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.batch import Batch, KnowledgeFields
from recommender.training.config import TrainConfig

END_USER, ITEM = 0, 1
KINDS = 2


class Experts(nn.Module):
    """`count` perceptrons D → hidden → W, a ReLU after each layer, computed by two batched products."""

    def __init__(self, count: int, *, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Parameter(_uniform(count, inputs, hidden))
        self.first_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.second = nn.Parameter(_uniform(count, hidden, outputs))
        self.second_bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def forward(self, vectors: Tensor) -> Tensor:
        hidden = functional.relu(vectors @ self.first + self.first_bias)  # (R, D) → (X, R, H)
        return functional.relu(hidden @ self.second + self.second_bias)  # (X, R, W)


class HybridExperts(nn.Module):
    def __init__(self, inputs: int, config: TrainConfig) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "hidden": config.adapter_hidden, "outputs": config.adapter_width}
        self.shared = Experts(config.shared_experts, **sizes)
        self.specific = nn.ModuleList(Experts(config.specific_experts, **sizes) for _ in range(KINDS))
        experts = config.shared_experts + config.specific_experts
        self.gates = nn.ModuleList(nn.Linear(inputs, experts) for _ in range(KINDS))

    def forward(self, vectors: Tensor, kind: int) -> Tensor:
        outputs = torch.cat([self.shared(vectors), self.specific[kind](vectors)])  # (X, R, W)
        weights = self.gates[kind](vectors).softmax(dim=-1)  # (R, X)
        return torch.einsum("xrw,rx->rw", outputs, weights)


class Perceptrons(nn.Module):
    """The plain alternative: one perceptron for each kind of subject."""

    def __init__(self, inputs: int, config: TrainConfig) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "hidden": config.adapter_hidden, "outputs": config.adapter_width}
        self.kinds = nn.ModuleList(Experts(1, **sizes) for _ in range(KINDS))

    def forward(self, vectors: Tensor, kind: int) -> Tensor:
        return cast(Tensor, self.kinds[kind](vectors))[0]  # (R, W)


ADAPTERS: dict[str, type[HybridExperts] | type[Perceptrons]] = {"hea": HybridExperts, "mlp": Perceptrons}


class KnowledgeAdapter(nn.Module):
    """Adapts the texts a batch names, each once. `vectors` (1 + texts, D) belongs to the snapshot, not the weights."""

    vectors: Tensor

    def __init__(self, inputs: int, config: TrainConfig) -> None:
        super().__init__()
        self.width = config.adapter_width + 1
        self.hide = config.knowledge_dropout
        self.adapter = ADAPTERS[config.adapter](inputs, config)
        self.nothing = nn.Parameter(0.01 * torch.randn(KINDS, config.adapter_width))
        self.register_buffer("vectors", torch.zeros(1, inputs), persistent=False)

    def read(self, vectors: Tensor) -> None:
        """Set the vectors of the snapshot's texts: float32 (1 + texts, D)."""
        self.vectors = vectors.to(self.vectors)

    def forward(self, batch: Batch) -> KnowledgeFields:
        return KnowledgeFields(self.fields(batch.end_user_text, END_USER), self.fields(batch.item_text, ITEM))

    def fields(self, text: Tensor, kind: int) -> Tensor:
        """(…) rows of `vectors` → (…, W + 1). In training some texts are hidden, so that none is relied on alone."""
        if self.training and self.hide:
            text = text.masked_fill(torch.rand(text.shape, device=text.device) < self.hide, 0)
        unique, place = torch.unique(text, return_inverse=True)  # (R), (…)
        # Each vector is brought to zero mean and unit variance: encoders differ in scale, and nothing is fitted.
        vectors = functional.layer_norm(self.vectors[unique], self.vectors.shape[-1:])  # (R, D)
        present = (unique != 0).unsqueeze(-1)  # (R, 1)
        adapted = torch.where(present, self.adapter(vectors, kind), self.nothing[kind])  # (R, W)
        return torch.cat([adapted, present.to(adapted)], dim=-1)[place]


def _uniform(count: int, inputs: int, outputs: int) -> Tensor:
    bound = 1 / math.sqrt(inputs)
    return torch.empty(count, inputs, outputs).uniform_(-bound, bound)

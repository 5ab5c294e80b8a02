"""What every backbone knows of an item: its id embedding and the mean of its attributes' embeddings."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.batch import InputSizes

START_SCALE = 0.05  # standard deviation of new embeddings


class ItemTable(nn.Module):
    """Every item's vector at once, so that a batch gathers rows instead of computing them per history slot.

    `id_of` maps an item to its id embedding: rare and unknown items share row 1. `tokens_of` lists its attributes.
    Both are buffers: they travel with the weights.
    """

    id_of: Tensor
    tokens_of: Tensor

    def __init__(self, sizes: InputSizes, *, embedding: int) -> None:
        super().__init__()
        self.width = 2 * embedding
        self.attributes = embedding  # the column where the attributes' part begins
        self.ids = nn.Embedding(sizes.item_ids, embedding, padding_idx=0)
        self.tokens = nn.Embedding(sizes.tokens, embedding, padding_idx=0)
        self.register_buffer("id_of", torch.zeros(sizes.items, dtype=torch.int64))  # (V)
        self.register_buffer("tokens_of", torch.zeros(sizes.items, sizes.tokens_per_item, dtype=torch.int64))  # (V, T)
        for table in (self.ids, self.tokens):
            nn.init.normal_(table.weight, std=START_SCALE)
            with torch.no_grad():
                table.weight[0] = 0.0

    def describe(self, *, id_of: Tensor, tokens_of: Tensor) -> None:
        """Set which id embedding and which attribute tokens each item has: int64 (V), (V, T)."""
        self.id_of.copy_(id_of)
        self.tokens_of.copy_(tokens_of)

    def forward(self) -> Tensor:
        ids = functional.embedding(self.id_of, self.ids.weight, padding_idx=0)  # (V, E)
        attributes = functional.embedding_bag(self.tokens_of, self.tokens.weight, mode="mean", padding_idx=0)  # (V, E)
        return torch.cat([ids, attributes], dim=-1)  # (V, 2E)


class BagOfTokens(nn.Module):
    """The mean embedding of the tokens of one bag: (B, T), 0 = padding → (B, E). Zeros where there is none."""

    def __init__(self, tokens: int, *, embedding: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens, embedding, padding_idx=0)
        nn.init.normal_(self.tokens.weight, std=START_SCALE)
        with torch.no_grad():
            self.tokens.weight[0] = 0.0

    def forward(self, bags: Tensor) -> Tensor:
        total: Tensor = self.tokens(bags).sum(dim=1)  # (B, E)
        return total / (bags != 0).sum(dim=1, keepdim=True).clamp(min=1)


class Perceptron(nn.Sequential):
    """Linear, ReLU, dropout for each width, then one output without activation."""

    def __init__(self, inputs: int, widths: tuple[int, ...], *, dropout: float, outputs: int = 1) -> None:
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(inputs, width), nn.ReLU(), Dropout(dropout)]
            inputs = width
        super().__init__(*layers, nn.Linear(inputs, outputs))


class Dropout(nn.Module):
    """torch's dropout from fewer random numbers: one of 64 bits decides over four values, each to 1 in 65,536.

    torch draws one for each value, which took a fifth of a training step (docs/experiments.md).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        hidden = round(self.share * 2**16)
        if not self.training or not hidden:
            return values
        bits = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        bits.random_(-(2**63), None)  # all 64
        keep = bits.view(torch.int16)[: values.numel()].view(values.shape) >= hidden - 2**15
        return values * keep.to(values.dtype).mul_(2**16 / (2**16 - hidden))

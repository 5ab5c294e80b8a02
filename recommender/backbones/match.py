"""What somebody thought of the items that resemble this one: a history as evidence, weighed by attributes in common.

Target attention has to learn from many examples that a shared genre matters. Here that is built in, as KNOWLEDGE_GAIN's
similarity features are: past feedback averaged with weights exp((cosine - 1) / τ). Attribute embeddings, temperatures
and what each feedback is worth are learned, so that a director may come to count more than a country.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.training.feedback import FIRST_RATING, LIKED, NOT_LIKED
from recommender.training.numbering import PADDING_ITEM

TEMPERATURES = (0.25, 0.1)
SCALE = 4.0  # brings features that live within ±0.25 to the scale of the other inputs


class HistoryMatch(nn.Module):
    """Per temperature the weighed mean feedback and the log of the weights; and the plain mean feedback."""

    width = 2 * len(TEMPERATURES) + 1

    def __init__(self, feedback: int) -> None:
        super().__init__()
        worth = torch.zeros(feedback)
        worth[NOT_LIKED], worth[LIKED] = -0.5, 0.5
        worth[FIRST_RATING:] = torch.linspace(-0.5, 0.5, feedback - FIRST_RATING)
        self.worth = nn.Parameter(worth)
        self.temperature = nn.Parameter(torch.tensor(TEMPERATURES).log())

    def forward(self, candidate: Tensor, past: Tensor, history_item: Tensor, history_feedback: Tensor) -> Tensor:
        """Attribute vectors of candidates (B, N, E) and of the history (B, L, E) → (B, N, width)."""
        there = (history_item != PADDING_ITEM).to(candidate).unsqueeze(1)  # (B, 1, L)
        worth = functional.embedding(history_feedback, self.worth.unsqueeze(1)).squeeze(-1).unsqueeze(1) * there
        alike = functional.normalize(candidate, dim=-1) @ functional.normalize(past, dim=-1).transpose(
            1, 2
        )  # (B, N, L)
        mean = worth.sum(dim=-1) / (there.sum(dim=-1) + 1)  # (B, 1); + 1: little evidence says little
        features = [mean.expand(alike.shape[:2])]
        for temperature in self.temperature.exp():
            weight = torch.exp((alike - 1) / temperature) * there  # (B, N, L)
            total = weight.sum(dim=-1)  # (B, N)
            features += [(weight * worth).sum(dim=-1) / (total + 1), torch.log1p(total)]
        return SCALE * torch.stack(features, dim=-1)

"""What somebody thought of the items that resemble this one: a history as evidence, weighed by attributes in common.

Target attention has to learn from many examples that a shared genre matters. Here that is built in, as KNOWLEDGE_GAIN's
similarity features are: past feedback averaged with weights exp((cosine - 1) / τ). Attribute embeddings, temperatures
and what each feedback is worth are learned, so that a director may come to count more than a country.
"""

import ctypes

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones import native
from recommender.catalogs.feedback import FIRST_RATING, LIKED, NOT_LIKED
from recommender.dataset.numbering import PADDING_ITEM

TEMPERATURES = (0.25, 0.1)
SCALE = 4.0  # brings features that live within ±0.25 to the scale of the other inputs


class HistoryMatch(nn.Module):
    """Per temperature the weighed mean feedback and the log of the weights; and the plain mean feedback."""

    width = 2 * len(TEMPERATURES) + 1

    kernel: ctypes.CDLL | None = None  # native.history_match, while accelerated

    def __init__(self, feedback: int) -> None:
        super().__init__()
        worth = torch.zeros(feedback)
        worth[NOT_LIKED], worth[LIKED] = -0.5, 0.5
        worth[FIRST_RATING:] = torch.linspace(-0.5, 0.5, feedback - FIRST_RATING)
        self.worth = nn.Parameter(worth)
        self.temperature = nn.Parameter(torch.tensor(TEMPERATURES).log())

    def accelerate(self, on: bool, *, width: int) -> None:
        """Compute with the native kernel for attribute vectors of this width, or no longer."""
        self.kernel = native.match(width=width, temperatures=len(TEMPERATURES)) if on else None

    def forward(self, attributes: Tensor, item: Tensor, history_item: Tensor, history_feedback: Tensor) -> Tensor:
        """Attribute vectors of all items (V, E), items (B, N), histories (B, L) → (B, N, width)."""
        if self.kernel is not None and item.shape[1] == 1:
            rate = (-self.temperature).exp()  # 1 / τ
            unit = functional.normalize(attributes, dim=-1)
            history = (item.squeeze(1), history_item, history_feedback)
            sums = native.history_match(self.kernel, *history, unit, self.worth, rate).unsqueeze(1)
            return self._features(list(sums.unbind(dim=-1)))
        if self.training:  # more history slots than items: bring the table to length 1 once, then gather
            unit = functional.normalize(attributes, dim=-1)
            candidate, past = (functional.embedding(which, unit) for which in (item, history_item))
        else:
            candidate, past = (
                functional.normalize(functional.embedding(which, attributes), dim=-1) for which in (item, history_item)
            )
        return self.of_units(candidate, past, history_item, history_feedback)

    def of_units(self, candidate: Tensor, past: Tensor, history_item: Tensor, history_feedback: Tensor) -> Tensor:
        """The same from vectors of length 1, of the items (B, N, E) and of the histories' (B, L, E)."""
        there = (history_item != PADDING_ITEM).to(candidate).unsqueeze(1)  # (B, 1, L)
        worth = functional.embedding(history_feedback, self.worth.unsqueeze(1)).squeeze(-1).unsqueeze(1) * there
        alike = candidate @ past.transpose(1, 2)  # (B, N, L)
        sums = [one.sum(dim=-1).expand(alike.shape[:2]) for one in (worth, there)]
        for one in (-self.temperature).exp().unbind():  # 1 / τ
            weight = torch.exp((alike - 1) * one) * there  # (B, N, L)
            sums += [weight.sum(dim=-1), (weight * worth).sum(dim=-1)]
        return self._features(sums)

    def _features(self, sums: list[Tensor]) -> Tensor:
        """`sums`, (B, N) each: of worth, the entries, and per temperature of weights and of weighed worth."""
        worth, entries, *weighed = sums
        features = [worth / (entries + 1)]  # + 1: little evidence says little
        for total, worth in zip(weighed[::2], weighed[1::2], strict=True):
            features += [worth / (total + 1), torch.log1p(total)]
        return SCALE * torch.stack(features, dim=-1)

"""DIN's activation unit, for architectures that attend over something else than the plain history.

Zhou et al., Deep Interest Network for Click-Through Rate Prediction, KDD 2018.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.inputs import Perceptron


class ActivationUnit(nn.Module):
    """How much each past vector has to do with the candidate: a perceptron, its answers not normalised.

    Its first layer on [candidate, past, candidate - past, candidate * past] is split by its inputs: the difference
    folds into the first two, and nothing is concatenated for every slot.
    """

    def __init__(self, width: int, units: tuple[int, ...]) -> None:
        super().__init__()
        first, *rest = units
        self.of_candidate = nn.Linear(width, first)
        self.of_past = nn.Linear(width, first, bias=False)
        self.of_product = nn.Linear(width, first, bias=False)
        self.rest = Perceptron(first, tuple(rest), dropout=0.0)

    def forward(self, candidate: Tensor, past: Tensor) -> Tensor:
        """Weights (B, N, L) of past vectors (B, N, L, W), or (B, 1, L, W) for all candidates (B, N, W)."""
        product = self.of_product(candidate.unsqueeze(2) * past)  # (B, N, L, H)
        mixed = product + self.of_past(past) + self.of_candidate(candidate).unsqueeze(2)
        return cast(Tensor, self.rest(functional.relu(mixed))).squeeze(-1)

"""DCN-V2: every layer multiplies the inputs by a linear map of the layer before; a perceptron runs beside.

Wang et al., DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems,
WWW 2021, in its parallel form with full matrices. Knowledge joins the inputs of both parts.
"""

from torch import Tensor, nn

from recommender.backbones.dcn import Dcn


class CrossNetV2(nn.Module):
    """x ← x₀ ⊙ (W x + b) + x in each layer, (…, D) → (…, D)."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, inputs: Tensor) -> Tensor:
        crossed = inputs
        for one in self.maps:
            crossed = inputs * one(crossed) + crossed
        return crossed


class DcnV2(Dcn):
    net = CrossNetV2

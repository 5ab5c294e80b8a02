"""MF: an end user's and an item's vector, multiplied; cross entropy on likes and dislikes.

Koren, Bell and Volinsky, Matrix Factorization Techniques for Recommender Systems, IEEE Computer 42(8), 2009, without
biases, so that the vectors say all there is.
"""

from pydantic import Field
from torch import Tensor

from recommender.dataset.interactions import Interactions
from recommender.dataset.split import Codes
from recommender.thinkrec.collaborative.base import FitSettings, Network, Vectors, as_array, embedding


class MfSettings(FitSettings):
    width: int = Field(default=256, ge=1, le=4096, title="Width", description="Of the vectors.")


class Mf(Network):
    def __init__(self, interactions: Interactions, codes: Codes, settings: MfSettings) -> None:
        super().__init__(interactions, codes)
        self.end_user = embedding(self.end_user_known, settings.width)
        self.item = embedding(self.item_known, settings.width)

    def forward(self, rows: Tensor) -> Tensor:
        product: Tensor = self.end_user(self.end_user_of[rows]) * self.item(self.item_of[rows])
        return product.sum(dim=1)

    def vectors(self) -> Vectors:
        tables = as_array(self.end_user.weight), as_array(self.item.weight)
        return Vectors(*tables, self.end_user_known, self.item_known)

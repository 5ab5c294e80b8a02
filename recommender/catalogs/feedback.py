"""The feedback bucket that a backbone sees of a rating or an explicit label in a history.

Training and the web processes' ranker must agree to the last bucket.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.models.liked import liked

PADDING, UNKNOWN, NOT_LIKED, LIKED, FIRST_RATING = range(5)
NO_LABEL = -1
MOST_RATING_BUCKETS = 21


@dataclass(frozen=True, slots=True)
class FeedbackScale:
    """A catalog's rating scale. Buckets: padding, unknown, a bare 0 label, a bare 1 label, then half rating steps."""

    rating_min: float
    rating_max: float
    like_threshold: float

    @property
    def rating_buckets(self) -> int:
        return max(2, min(MOST_RATING_BUCKETS, round((self.rating_max - self.rating_min) * 2) + 1))

    @property
    def buckets(self) -> int:
        return FIRST_RATING + self.rating_buckets

    def liked(self, rating: NDArray[np.float64], label: NDArray[np.int8]) -> NDArray[np.int8]:
        """1, 0, or -1 where unknown, by models.liked. NaN rating: none; label -1: none."""
        return liked(rating, label, threshold=self.like_threshold)

    def bucket(self, rating: NDArray[np.float64], label: NDArray[np.int8]) -> NDArray[np.uint8]:
        """The feedback bucket of each interaction; a rating that contradicts its label gives way to the label."""
        low, high = self.rating_min, max(self.rating_max, self.rating_min + 1e-9)
        share = np.clip((np.where(np.isnan(rating), low, rating) - low) / (high - low), 0.0, 1.0)
        by_rating = FIRST_RATING + np.rint(share * (self.rating_buckets - 1))
        by_label = np.select([label == 1, label == 0], [LIKED, NOT_LIKED], default=UNKNOWN)
        usable = ~np.isnan(rating) & ((label < 0) | (self.liked(rating, np.full_like(label, NO_LABEL)) == label))
        return np.where(usable, by_rating, by_label).astype(np.uint8)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

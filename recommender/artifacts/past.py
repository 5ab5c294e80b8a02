"""A history as one version reads it: made once for all that a list asks of that version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.catalogs.feedback import NO_LABEL, FeedbackScale
from recommender.dataset.numbering import PADDING_ITEM


class HistoryEntry(Protocol):
    """One interaction of a history. `label` outranks `rating`; both None: liked or not is unknown."""

    @property
    def item_id(self) -> str: ...
    @property
    def rating(self) -> float | None: ...
    @property
    def label(self) -> int | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Oldest first: `met` (h), the version's numbers of the items, and `liked` (h), 1, 0, or -1 where it is not known.

    What its backbone sees of the last entries, padded at the left: `items` (L), `feedback` (L).
    """

    met: NDArray[np.int64]
    liked: NDArray[np.int8]
    items: NDArray[np.int64]
    feedback: NDArray[np.int64]


def read(history: Sequence[HistoryEntry], met: NDArray[np.int64], scale: FeedbackScale, *, window: int) -> Past:
    """`met`: the numbers of its items. `window`: how many entries the backbone sees (L)."""
    rating = np.array([np.nan if one.rating is None else one.rating for one in history], dtype=np.float64)
    label = np.array([NO_LABEL if one.label is None else one.label for one in history], dtype=np.int8)
    items = np.full(window, PADDING_ITEM, dtype=np.int64)
    feedback = np.zeros(window, dtype=np.int64)
    if seen := min(window, len(history)):
        items[-seen:] = met[-seen:]
        feedback[-seen:] = scale.bucket(rating[-seen:], label[-seen:])
    return Past(met, scale.liked(rating, label), items, feedback)

"""What several events about one end user, item and moment say together. Pure, and whatever order they came in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from recommender.models import EventType

_LABELS = {EventType.LIKE: 1, EventType.DISLIKE: 0}


@dataclass(frozen=True, slots=True)
class Opinion:
    """An event that becomes an interaction. `value`: the rating of a rating."""

    type: str
    value: float | None
    at: datetime
    event_id: str


def together(
    opinions: Iterable[Opinion], *, rating: float | None = None, label: int | None = None
) -> tuple[float | None, int | None]:
    """An interaction's rating and label. `rating`, `label`: what is known of it besides.

    What was said last decides: a rating takes an earlier label away, which would outrank it. A purchase says that they
    like it only where nothing else is said.
    """
    said = False
    for one in sorted(opinions, key=lambda one: (one.at, one.event_id)):
        if one.type == EventType.RATING:
            rating, label, said = one.value, None, True
        elif one.type in _LABELS:
            label, said = _LABELS[EventType(one.type)], True
    if not said and rating is None and label is None:
        label = _LABELS[EventType.LIKE]  # only bought
    return rating, label

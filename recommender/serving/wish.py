"""What a caller wants of a list, beside whom it is for."""

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.serving.conditions import Condition

MOST_EXCLUDED = 1_000
MOST_AMONG = 1_000
MOST_CONDITIONS = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """`scenario`: whose business rules hold. `exclude`: ids of items not to list. `conditions`: all must be met.

    `diversity`: from 0, the best items whatever they resemble, to 1, each as unlike those before it as can be. `among`:
    ids of the only items to list; none: any.
    """

    scenario: str
    exclude: Sequence[str] = ()
    conditions: Sequence[Condition] = ()
    diversity: float = 0.0
    among: Sequence[str] = ()

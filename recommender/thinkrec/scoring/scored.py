"""What scoring one person's candidates comes to, wherever the model runs. Pure."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.llm.types import Prompt

Column = NDArray[np.float64]
Scales = Sequence[float]


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens that the model read; `row_by_row`: had it read every prompt whole; `written`: those it generated.

    `calls`: how often the model computed; through an endpoint how often it was asked.
    """

    read: int = 0
    row_by_row: int = 0
    written: int = 0
    calls: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        both = zip(astuple(self), astuple(other), strict=True)
        return Cost(*(one + more for one, more in both))


@dataclass(frozen=True, slots=True)
class Scored:
    """Of each candidate (n), NaN where time ran out or the model said neither word.

    `yes`: the logit of Yes at the first place of the answer, as ThinkRec scores; through an endpoint its logarithm of
    probability, since endpoints tell no logits. `log_odds`: Yes against No. `notes`: for candidates by their place,
    what is to be known of their score, in words. `texts`: the reasoning before the answer, where it was asked for;
    `cut`: the places of those that end where the tokens for them ran out.
    `mixed`: whether the answers of several adapters were mixed.
    """

    yes: Column
    log_odds: Column
    cost: Cost = Cost()
    notes: dict[int, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    cut: frozenset[int] = frozenset()
    mixed: bool = False


class Scorer(Protocol):
    """Scores all candidates of one person. `name`: the model's, as lists show it.

    `parameters`: how many the model has, and how many more its adapter had; None where an endpoint does not tell.
    """

    name: str
    parameters: tuple[int, int] | None

    def score(self, prompts: list[Prompt], *, seconds: float = 0.0, reasoning: int = 0, scales: Scales = ()) -> Scored:
        """Score prompts that begin alike. `seconds`: how long it may take, 0 for ever; what is not scored by then is
        NaN. `reasoning`: with so many tokens at most the model reasons before each answer; 0: it answers at once.
        `scales` (1 + N): how much of each of a tuned model's adapters acts; empty for a model that has none."""

    def write(self, prompt: Prompt, most: int, *, scales: Scales = ()) -> tuple[str, Cost]:
        """What the model says of itself to a prompt, in `most` tokens at most, and what it cost."""

"""ThinkRec's gate: which of its experts acts for an end user. Pure; the formulas are those of METHODS.md 2.7.

With N experts: w = softmax(cos(e_u, e_c) / 0.1); an entropy of at least 0.95 log N means the global adapter, a largest
weight above 0.5 + 0.6 / N that expert alone, anything else all of them by their weights. The two conditions exclude
each other for N = 2 … 10, so their order does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

TEMPERATURE = 0.1
EVEN = 0.95  # the share of the largest possible entropy, log N, from which on weights say nothing
Kind = Literal["global", "single", "fused"]
Vectors = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the gate chose for one end user."""

    kind: Kind
    weights: tuple[float, ...]  # of the N experts; they sum to 1

    @property
    def scales(self) -> tuple[float, ...]:
        """How much of each adapter acts, 1 + N numbers that sum to 1: of the global one, then of each expert."""
        if self.kind == "global":
            return (1.0, *(0.0 for _ in self.weights))
        if self.kind == "single":
            best = self.weights.index(max(self.weights))
            return (0.0, *(float(place == best) for place in range(len(self.weights))))
        return (0.0, *self.weights)

    def words(self, names: Sequence[str]) -> str:
        """The choice as a sentence for people; `names` are those of the experts' groups (N)."""
        if self.kind == "global":
            return "No group stands out for this user: the model that all users share answers."
        shares = sorted(zip(self.weights, names, strict=True), key=lambda pair: -pair[0])
        if self.kind == "single":
            return f"“{shares[0][1]}” answers alone, with {100 * shares[0][0]:.0f} % of the weight."
        told = ", ".join(f"“{name}” {100 * weight:.0f} %" for weight, name in shares if weight >= 0.005)
        return f"Several groups answer together: {told}."


def alone_above(experts: int) -> float:
    """The weight above which one of N experts acts alone."""
    return 0.5 + 0.6 / experts


def weigh(vector: Vectors, experts: Vectors) -> tuple[float, ...]:
    """The weights of N experts for an end user's collaborative vector (d), given the experts' vectors (N, d).

    A vector of zeros is like every other one, so it weighs all experts alike. Raises ValueError for numbers that are
    NaN or infinite and for widths that differ.
    """
    if vector.ndim != 1 or experts.ndim != 2 or experts.shape[1] != len(vector):
        raise ValueError(f"A user's vector {vector.shape} does not go with experts' vectors {experts.shape}.")
    if not (np.isfinite(vector).all() and np.isfinite(experts).all()):
        raise ValueError("A collaborative vector holds numbers that are NaN or infinite.")
    if not len(experts):
        return ()
    exponents = cosines(vector[None], experts)[0] / TEMPERATURE
    powers = np.exp(exponents - exponents.max())
    return tuple((powers / powers.sum()).tolist())


def cosines(vectors: Vectors, others: Vectors) -> NDArray[np.float64]:
    """The cosine of each of U vectors (U, d) with each of N (N, d), as (U, N); 0 where one is all zeros."""
    return _of_length_one(vectors) @ _of_length_one(others).T


def by_weights(weights: Sequence[float]) -> Choice:
    """The choice for weights (N) that sum to 1. One expert or none leaves no choice: the global adapter acts."""
    given = np.asarray(weights, dtype=np.float64)
    if len(given) < 2:
        return Choice("global", tuple(weights))
    entropy = -float(np.sum(given * np.log(np.where(given > 0, given, 1.0))))
    if entropy >= EVEN * np.log(len(given)):
        return Choice("global", tuple(weights))
    return Choice("single" if given.max() > alone_above(len(given)) else "fused", tuple(weights))


def choose(vector: Vectors, experts: Vectors) -> Choice:
    """The gate's choice for an end user's vector (d) and the experts' (N, d). Raises ValueError, as `weigh` does."""
    return by_weights(weigh(vector, experts))


def _of_length_one(vectors: Vectors) -> NDArray[np.float64]:
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = np.divide(exact, length, out=np.zeros_like(exact), where=length > 0)
    return scaled

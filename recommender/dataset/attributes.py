"""Attributes of items and end users as bags of tokens: every genre, country, occupation, and numbers in buckets.

Pure and without torch: serving tokenizes an end user's attributes as of now with the vocabulary of the training run.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.grounding.prose import is_prose

LEAST_ITEMS = 2  # a value of one item says nothing its id does not
LEAST_END_USERS = 10  # a value that fewer people share (a zip code) says little and may name somebody
MOST_TOKENS = 4000
MOST_IN_A_BAG = 16
NUMBER_BUCKETS = 10
Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which tokens there are. Token n is `tokens[n - 1]`; 0 is padding."""

    tokens: tuple[str, ...]
    edges: Mapping[str, tuple[float, ...]]  # of a number: where its next bucket begins
    width: int  # the most tokens of one bag that was fitted on, at least 1
    numbers: Mapping[str, int] = field(init=False, repr=False, compare=False)  # of the tokens

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", {token: number for number, token in enumerate(self.tokens, start=1)})

    @property
    def size(self) -> int:
        """Tokens with the padding."""
        return len(self.tokens) + 1

    def encode(self, bags: Sequence[Attributes]) -> NDArray[np.int32]:
        """The tokens of each bag: (bags, width), padded at the right. What is not in the vocabulary has no token."""
        encoded = np.zeros((len(bags), self.width), dtype=np.int32)
        for row, bag in enumerate(bags):
            known = [self.numbers[token] for token in _bag(bag, self.edges) if token in self.numbers][: self.width]
            encoded[row, : len(known)] = known
        return encoded

    def to_json(self) -> dict[str, Any]:
        return {
            "tokens": list(self.tokens),
            "edges": {name: list(edges) for name, edges in self.edges.items()},
            "width": self.width,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        edges = {name: tuple(edges) for name, edges in data["edges"].items()}
        return cls(tuple(data["tokens"]), edges, data["width"])


def fit(bags: Sequence[Attributes], *, least: int) -> Vocabulary:
    """The vocabulary of these bags: the commonest tokens that at least `least` bags have.

    A number's buckets are its quantiles, or its values where they are few. Texts that few have (links, zip codes) fall
    away by `least`; descriptions are no tokens, however many share one.
    """
    edges = _edges(bags, least)
    tokens = [_bag(bag, edges) for bag in bags]
    counts = Counter(token for bag in tokens for token in bag)
    common = sorted((-count, token) for token, count in counts.items() if count >= least)[:MOST_TOKENS]
    kept = frozenset(token for _, token in common)
    longest = max((sum(token in kept for token in bag) for bag in tokens), default=0)
    return Vocabulary(tuple(sorted(kept)), edges, min(MOST_IN_A_BAG, max(1, longest)))


def bucket(token: str) -> tuple[str, int] | None:
    """The number's name and which of its buckets, from 0, a token stands for; None for what is no number's."""
    name, mark, place = token.rpartition("#")
    return (name, int(place)) if mark and "=" not in token and place.isdecimal() else None


def _edges(bags: Iterable[Attributes], least: int) -> dict[str, tuple[float, ...]]:
    values: dict[str, list[float]] = {}
    for bag in bags:
        for name, value in bag.items():
            if _is_number(value):
                values.setdefault(name, []).append(float(value))
    edges = {}
    for name, numbers in values.items():
        distinct = np.unique(numbers)
        if len(distinct) <= NUMBER_BUCKETS:
            begins = distinct[:-1] + np.diff(distinct) / 2
        else:
            buckets = min(NUMBER_BUCKETS, max(1, len(numbers) // least))
            begins = np.unique(np.quantile(numbers, np.linspace(0, 1, buckets + 1)[1:-1]))
        edges[name] = tuple(begins.tolist())
    return edges


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _bag(attributes: Attributes, edges: Mapping[str, tuple[float, ...]]) -> list[str]:
    """Its tokens, each once, in the order of their names."""
    return sorted({token for name, value in attributes.items() for token in _tokens(name, value, edges)})


def _tokens(name: str, value: Any, edges: Mapping[str, tuple[float, ...]]) -> list[str]:
    if _is_number(value):
        return [f"{name}#{np.searchsorted(edges[name], float(value), side='right')}"] if name in edges else []
    if isinstance(value, (list, tuple)):
        return [f"{name}={part}" for part in value if isinstance(part, str) and part and not is_prose(part)]
    is_value = value not in ("", None) and isinstance(value, (str, bool)) and not is_prose(value)
    return [f"{name}={value}"] if is_value else []

"""Item attributes as bags of tokens: every genre, country, director, and numbers by quantile."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_ITEMS = 2  # a value of one item says nothing its id does not
MOST_TOKENS = 4000
MOST_PER_ITEM = 16
NUMBER_BINS = 10


def tokenize(attributes: Sequence[Mapping[str, Any]]) -> tuple[list[str], NDArray[np.int32]]:
    """Return the vocabulary and, per item, its tokens' numbers: int32 (items, most tokens of one item), 0 = padding.

    Token n is `vocabulary[n - 1]`. Texts that one item alone has (plots, links) fall away by LEAST_ITEMS.
    """
    numbers = _bins(attributes)
    bags = [
        sorted({token for name, value in item.items() for token in _tokens(name, value, numbers)})
        for item in attributes
    ]
    counts = Counter(token for bag in bags for token in bag)
    common = [(count, token) for token, count in counts.items() if count >= LEAST_ITEMS]
    vocabulary = sorted(token for _, token in sorted(common, key=lambda pair: (-pair[0], pair[1]))[:MOST_TOKENS])
    number_of = {token: number for number, token in enumerate(vocabulary, start=1)}
    rows = [[number_of[token] for token in bag if token in number_of][:MOST_PER_ITEM] for bag in bags]
    tokens = np.zeros((len(rows), max((len(row) for row in rows), default=0) or 1), dtype=np.int32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
    return vocabulary, tokens


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bins(attributes: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.float64]]:
    values: dict[str, list[float]] = {}
    for item in attributes:
        for name, value in item.items():
            if _is_number(value):
                values.setdefault(name, []).append(float(value))
    quantiles = np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]
    return {name: np.unique(np.quantile(numbers, quantiles)) for name, numbers in values.items()}


def _tokens(name: str, value: Any, bins: Mapping[str, NDArray[np.float64]]) -> list[str]:
    if _is_number(value):
        return [f"{name}#{int(np.searchsorted(bins[name], float(value), side='right'))}"]
    if isinstance(value, (list, tuple)):
        return [f"{name}={part}" for part in value if isinstance(part, str) and part]
    return [f"{name}={value}"] if value not in ("", None) and isinstance(value, (str, bool)) else []

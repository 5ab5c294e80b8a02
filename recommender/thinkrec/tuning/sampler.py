"""Which rows each optimizer step sees: first of which kind, then the next of a shuffle (METHODS.md 2.5)."""

import random
from typing import Any


class Sampler:
    """`sizes`: how many rows there are on labels and on traces. `share`: how probable a step on traces is.

    Where one kind has no rows, every step is of the other. Every row of a kind comes once before any comes again.
    """

    def __init__(self, sizes: tuple[int, int], *, share: float, seed: int) -> None:
        if not sum(sizes):
            raise ValueError("There must be a row.")
        self._sizes, self._share = sizes, share
        self._random = random.Random(seed)  # noqa: S311 - a shuffle
        self._left: list[list[int]] = [[], []]

    def next(self, count: int) -> tuple[int, list[int]]:
        """The kind of the next step, 0 for labels and 1 for traces, and the places of `count` rows of it."""
        drawn = int(self._random.random() < self._share)
        kind = drawn if self._sizes[drawn] else 1 - drawn
        return kind, [self._one(kind) for _ in range(count)]

    def _one(self, kind: int) -> int:
        if not self._left[kind]:
            self._left[kind] = list(range(self._sizes[kind]))
            self._random.shuffle(self._left[kind])
        return self._left[kind].pop()

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on with the same rows."""
        return {"random": self._random.getstate(), "left": [list(left) for left in self._left]}

    def restore(self, state: dict[str, Any]) -> None:
        version, numbers, gauss = state["random"]
        self._random.setstate((version, tuple(numbers), gauss))
        self._left = [list(left) for left in state["left"]]

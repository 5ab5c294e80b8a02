"""What is felt about an aspect by the words around it: a logistic regression over short sequences of words.

A second witness beside the tagger. It knows nothing of how sentences are built, but it remembers which expressions the
marked corpus used of what was liked and of what was disliked, in three languages, and errs elsewhere than the tagger.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from recommender.grounding.words import Token, tokens

WEIGHTS = Path(__file__).with_name("leanings.safetensors")
SLOTS = 2**18  # of hashed sequences
LONGEST = 3  # words and marks of a sequence
AROUND = 8  # words and marks on either side of the aspect
THIS, OTHER = "\x01", "\x02"  # in place of the aspect's own words, and of others' words
_ENDS = frozenset(".!?;…\n")
Span = tuple[int, int]  # of characters, from and to


@dataclass(frozen=True, slots=True, eq=False)
class Leanings:
    """`weights` (SLOTS) and `bias`, in logits of a like beside a dislike."""

    weights: NDArray[np.float32]
    bias: float

    def around(self, text: "Masked", start: int, end: int) -> float:
        """Logits of a like beside a dislike of what stands at these characters."""
        return float(self.weights[text.sequences(start, end)].sum()) + self.bias


class Masked:
    """The words of a text, without those of its aspects: what they are must not tell what is thought of them."""

    def __init__(self, text: str, aspects: Iterable[Span]) -> None:
        """`aspects`: characters, from and to."""
        found: Sequence[Token] = tokens(text)
        self._starts = [token.start for token in found]
        self._words = [token.word for token in found]
        for start, end in aspects:
            first, last = self._places(start, end)
            if last > first:
                self._words[first:last] = [OTHER, *[""] * (last - first - 1)]

    def sequences(self, start: int, end: int) -> list[int]:
        """The slots of what stands around an aspect, each once."""
        first, last = self._places(start, end)
        left = _side(self._words[at] for at in range(first - 1, -1, -1))[::-1]
        right = _side(self._words[at] for at in range(last, len(self._words)))
        return sorted(set(_slots([*left, THIS, *right], len(left))))

    def _places(self, start: int, end: int) -> Span:
        return bisect_left(self._starts, start), bisect_left(self._starts, end)


def _side(words: Iterable[str]) -> list[str]:
    """From the aspect on: to the end of the sentence beside its own, and no further than AROUND."""
    found: list[str] = []
    ended = False
    for word in words:
        if word in _ENDS:
            if ended:
                break
            ended = True
        if word:
            found.append(word)
        if len(found) == AROUND:
            break
    return found


def _slots(words: Sequence[str], place: int) -> Iterator[int]:
    """Sequences with the aspect; and others, with the side of it where they stand."""
    for begin in range(len(words)):
        for end in range(begin + 1, min(begin + LONGEST, len(words)) + 1):
            if (begin, end) != (place, place + 1):
                side = "" if begin <= place < end else "<" if begin < place else ">"
                yield crc32(f"{side}{' '.join(words[begin:end])}".encode("utf-8", "replace")) % SLOTS


@cache
def leanings() -> Leanings:
    """One a process."""
    stored = load_file(WEIGHTS)
    scale, bias = stored["scale"].tolist()
    return Leanings(stored["weights"].astype(np.float32) * np.float32(scale), bias)

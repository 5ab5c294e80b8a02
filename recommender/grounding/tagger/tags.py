"""What the tagger says of a text: how sure it is of each word piece, summed over the words that somebody asks for."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

NETWORK = Path(__file__).with_name("network.onnx")  # fitted and written by benchmarks/fit_tagger.py
TOKENIZER = Path(__file__).with_name("tokenizer.json")
OUTSIDE, BEGIN, INSIDE = range(3)
_SPLITS = (0, 3, 7, 10)  # of the labels: span, polarity, holder
_ABOUT = {"end_user": "person", "item": "item"}
LONGEST = 10_000  # characters: some two seconds; of what is behind them nothing is said
KEPT = 64  # texts
WINDOW = 254  # word pieces read together
ANYBODY = "baker"  # every name is read as this one: of ten it agrees best with the gold corpus's part for development
Span = tuple[int, int]  # of characters, from and to
Logs = NDArray[np.float32]
Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Said:
    """Of some words: the probability that they are no aspect, those of their polarities (likes, dislikes, mixed,
    neutral), and those of their holders (the subject, its likers, its dislikers)."""

    outside: float
    polarities: Shares
    holders: Shares


@dataclass(frozen=True)
class Tags:
    """Log probabilities of the word pieces of a text, in the order of their places."""

    starts: list[int]
    ends: list[int]
    spans: Logs  # (T, 3)
    polarities: Logs  # (T, 4)
    holders: Logs  # (T, 3)

    def of(self, start: int, end: int) -> Said | None:
        """What is said of characters `start` to `end`; none where no word piece is."""
        first, last = bisect_right(self.ends, start), bisect_left(self.starts, end)
        if first >= last:
            return None
        return Said(self._outside(first, last), _shares(self.polarities[first:last]), _shares(self.holders[first:last]))

    def word(self, start: int, end: int) -> tuple[float, float] | None:
        """Of characters `start` to `end`: the probabilities that they are no aspect, and that one begins there."""
        first, last = bisect_right(self.ends, start), bisect_left(self.starts, end)
        return (self._outside(first, last), float(self._spans[first, BEGIN])) if first < last else None

    def _outside(self, first: int, last: int) -> float:
        return float(self._spans[first:last, OUTSIDE].sum()) / (last - first)

    @cached_property
    def _spans(self) -> Shares:
        return np.exp(self.spans)


def spans_of(kinds: Iterable[int]) -> list[tuple[int, int]]:
    """The stretches that begin with BEGIN and go on with INSIDE; one that only goes on begins all the same."""
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for place, kind in enumerate([*kinds, OUTSIDE]):
        if begin is not None and kind != INSIDE:
            found.append((begin, place))
            begin = None
        if kind == BEGIN or (kind == INSIDE and begin is None):
            begin = place
    return found


class Tagger:
    def __init__(self, network: Path = NETWORK) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - 6 MB, which whoever reads no text does without

        self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        (self._name,) = self._tokenizer.encode(ANYBODY, add_special_tokens=False).ids
        self._stops = {self._tokenizer.token_to_id(mark) for mark in ".!?;"}
        self._kept: dict[bytes, Tags] = {}
        self._network = _session(network)

    def is_word(self, word: str) -> bool:
        """Whether a folded word is so common that it has a piece of its own; of mistyped words none is."""
        return self._tokenizer.token_to_id(word) is not None

    def tags(self, text: str, about: Literal["end_user", "item"], names: Sequence[Span] = ()) -> Tags:
        """A text that was read a moment ago, as when it is edited or approved, is not read again.

        `names`: characters, from and to, of persons' names. All are read as one and the same, for what somebody thinks
        of a person is not told by who that is.
        """
        text = text[:LONGEST]
        # What is erased must not stay in memory.
        key = blake2b(f"{about}\n{list(names)}\n{text}".encode("utf-8", "replace")).digest()
        found = self._kept.pop(key, None) or self._read(text, about, names)
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept), key), None)
        return found

    def _read(self, text: str, about: Literal["end_user", "item"], names: Sequence[Span]) -> Tags:
        lead = self._tokenizer.encode(_ABOUT[about]).ids  # <s> word </s>
        said = self._tokenizer.encode(text, add_special_tokens=False)
        ids, places = self._nameless(said.ids, said.offsets, names)
        cuts = pairwise([0, *self._ends(ids)])
        logits = [self.logits([*lead, *ids[first:last], lead[-1]])[len(lead) : -1] for first, last in cuts]
        joined = np.concatenate(logits)[places] if logits else np.empty((0, _SPLITS[-1]), dtype=np.float32)
        parts = [_log_softmax(joined[:, first:last]) for first, last in pairwise(_SPLITS)]
        return Tags([start for start, _ in said.offsets], [end for _, end in said.offsets], *parts)

    def logits(self, ids: Sequence[int]) -> Logs:
        """Of word pieces (T), at most 260: (T, labels)."""
        found: Logs = self._network.run(None, {"ids": np.asarray(ids, dtype=np.int64)})[0]
        return found

    def _nameless(
        self, ids: Sequence[int], offsets: Sequence[Span], names: Sequence[Span]
    ) -> tuple[list[int], list[int]]:
        """The pieces with one in place of each name, and where among them each of `ids` is."""
        kept: list[int] = []
        places = []
        named = iter(sorted(names))
        name, inside = next(named, None), False
        for piece, (start, end) in zip(ids, offsets, strict=True):
            while name and name[1] <= start:
                name, inside = next(named, None), False
            is_name = name is not None and name[0] < end
            if not (is_name and inside):
                kept.append(self._name if is_name else piece)
            inside = is_name
            places.append(len(kept) - 1)
        return kept, places

    def _ends(self, ids: Sequence[int]) -> Iterator[int]:
        """Where windows end: behind the last sentence that they hold, if there is an end in their second half."""
        first = 0
        while len(ids) - first > WINDOW:
            half = range(first + WINDOW - 1, first + WINDOW // 2, -1)
            first = next((place + 1 for place in half if ids[place] in self._stops), first + WINDOW)
            yield first
        if len(ids) > first:
            yield len(ids)


@cache
def tagger() -> Tagger | None:
    """One a process; none where the tokenizer's package is not installed."""
    try:
        return Tagger()
    except ImportError:
        return None


def _session(network: Path) -> Any:
    """On one thread: others answer other requests."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])


def _shares(logs: Logs) -> Shares:
    """One distribution of several word pieces': their geometric mean."""
    means = np.exp(logs.mean(axis=0))
    shares: Shares = means / means.sum()
    return shares


def _log_softmax(logits: Logs) -> Logs:
    shifted = logits - logits.max(axis=-1, keepdims=True) if logits.size else logits
    found: Logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found

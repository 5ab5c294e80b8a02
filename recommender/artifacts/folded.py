"""The binding of `backbones/kernels/folded_din.cpp`: logits of many items after one history, compiled.

It reads what the backbone's folded form has, which a training writes beside the graph: two tables that are mapped into
memory, and an archive of what is small. The same numbers as the graph's, to rounding. Torch-free.
"""

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender import backbones
from recommender.dataset.numbering import PADDING_ITEM

SOURCE = Path(backbones.__file__).parent / "kernels" / "folded_din.cpp"
TABLES = ("table", "rows")
FILES = ("folded.npz", *(f"folded_{name}.npy" for name in TABLES))
# The pointers of the kernel's `Given`, in its order; the last ones are made of one history.
KEPT = (
    *("table", "rows", "of_rows", "of_product", "of_candidate", "second", "second_bias", "third", "third_bias"),
    *("head", "head_bias", "out", "out_bias", "rates", "slope"),
)
MADE = ("past", "alone", "met", "worth", "to_head", "of_end_user", "signals")
WITHOUT = "folded_din_without"
Floats = NDArray[np.float32]
NOTHING: Floats = np.zeros(0, dtype=np.float32)


class Asked(NamedTuple):
    """What is asked of one history: Folded.without says what each is."""

    item: NDArray[np.int64]
    past: NDArray[np.int64]
    feedback: NDArray[np.int64]
    knowledge: Floats
    signals: Floats
    tokens: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Folded:
    """A loaded library with one version's arrays; calls of several threads run side by side."""

    library: ctypes.CDLL
    arrays: Mapping[str, Floats]
    kept: Sequence[int | None]  # where KEPT lie
    beside: Floats  # (head, ·) what the head's first layer makes of the history match and of signals

    def logits(
        self,
        item: NDArray[np.int64],
        past: NDArray[np.int64],
        feedback: NDArray[np.int64],
        *,
        knowledge: Floats,
        signals: Floats,
        tokens: NDArray[np.int64],
    ) -> NDArray[np.float64] | None:
        """Of items (n) after a history (L), padded, with signals (n, S) and, of the end user, knowledge (K) and tokens
        (T). None without memory for it. Raises IndexError where there is no such item or feedback.
        """
        asked = Asked(item, past, feedback, knowledge[None], signals[None], tokens)
        found = self._run(self.library.folded_din, asked, contexts=1)
        return None if found is None else found[0]

    @property
    def leaves_out(self) -> bool:
        """Whether the library has `without`: one of an earlier release has not."""
        return hasattr(self.library, WITHOUT)

    def without(
        self,
        item: NDArray[np.int64],
        past: NDArray[np.int64],
        feedback: NDArray[np.int64],
        *,
        knowledge: Floats,
        signals: Floats,
        tokens: NDArray[np.int64],
    ) -> NDArray[np.float64] | None:
        """The same after the history, then without each of its e entries in turn, oldest first; and with a second row
        of knowledge (1 or 2, K) once more after all of it: (1 + e, n) or (2 + e, n), signals (1 or 2 + e, n, S).
        """
        contexts = int(np.count_nonzero(past != PADDING_ITEM)) + len(knowledge)
        asked = Asked(item, past, feedback, knowledge, signals, tokens)
        return self._run(getattr(self.library, WITHOUT), asked, contexts=contexts)

    def _run(self, function: Any, asked: "Asked", *, contexts: int) -> NDArray[np.float64] | None:
        """(contexts, n) of a function of the library."""
        have, item = self.arrays, asked.item
        there = asked.past != PADDING_ITEM
        past, feedback, tokens = asked.past[there], asked.feedback[there], asked.tokens
        count = len(past)
        for rows, table in ((item, "table"), (past, "table"), (feedback, "feedback"), (tokens, "tokens")):
            if len(rows) and len(have[table]) and rows.view(np.uint64).max() >= len(have[table]):  # or below 0
                raise IndexError(f"Rows from {rows.min()} to {rows.max()} of {len(have[table])}.")
        signals = asked.signals
        if len(have["signals"]) and signals.shape != (contexts, len(item), len(have["signals"])):
            raise ValueError(f"Signals of shape {signals.shape} for {len(item)} items in {contexts} contexts.")
        entries = have["table"][past]
        vectors = entries @ have["of_entry"].T + have["feedback"][feedback]
        own = entries[:, int(have["attributes"][0]) :]
        met = np.zeros((count + -count % 4, own.shape[1]), dtype=np.float32)
        np.divide(own, np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12), out=met[:count])
        to_head = np.empty((len(have["bias"]), count + len(have["match"]) + len(have["signals"])), dtype=np.float32)
        to_head[:, :count] = have["interest"].T @ vectors.T
        to_head[:, count:] = self.beside
        of_end_user = np.repeat(have["bias"][None], len(asked.knowledge), axis=0)
        if len(have["knowledge"]):
            of_end_user += asked.knowledge @ have["knowledge"]
        if len(have["tokens"]):
            bag = have["tokens"][tokens].sum(axis=0) / max(1, np.count_nonzero(tokens))
            of_end_user += bag @ have["demographics"]
        made = {
            "past": vectors,
            "alone": vectors @ have["of_past"].T + have["candidate_bias"],
            "met": met,
            "worth": have["worth"][feedback] if len(have["worth"]) else NOTHING,
            "to_head": to_head,
            "of_end_user": of_end_user,
            "signals": signals if len(have["signals"]) else NOTHING,
        }
        laid_out = [np.ascontiguousarray(made[name], np.float32) for name in MADE]  # referenced until it has answered
        measures = self._sizes(len(item), count, contexts)
        sizes = (ctypes.c_int64 * len(measures))(*measures)
        given = (ctypes.c_void_p * (len(KEPT) + len(MADE)))(*self.kept, *map(_address, laid_out))
        found = np.empty((contexts, len(item)))
        item = np.ascontiguousarray(item, np.int64)
        failed = function(sizes, given, ctypes.c_void_p(item.ctypes.data), ctypes.c_void_p(found.ctypes.data))
        return None if failed else found

    def _sizes(self, asked: int, entries: int, contexts: int) -> list[int]:
        """In the order of the kernel's `Sizes`."""
        have = self.arrays
        (first, width), (last, head) = have["of_product"].shape, have["head"].shape
        second, rows, signals = len(have["second"]), have["rows"].shape[1], len(have["signals"])
        attributes, temperatures = int(have["attributes"][0]), len(have["rates"])
        return [asked, entries, width, attributes, first, second, head, rows, last, signals, temperatures, contexts]


def save(folder: Path, arrays: Mapping[str, Floats]) -> None:
    """Nothing where the folded form has no kernel."""
    if arrays:
        for name in TABLES:
            np.save(folder / f"folded_{name}.npy", arrays[name])
        small = {name: each for name, each in arrays.items() if name not in TABLES}
        np.savez(folder / FILES[0], allow_pickle=False, **small)


def load(folder: Path, library: ctypes.CDLL) -> Folded | None:
    """None where the version has none of it. Raises OSError, ValueError, and AttributeError without the kernel."""
    if not (folder / FILES[0]).is_file():
        return None
    with (folder / FILES[0]).open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays: dict[str, Any] = {name: np.ascontiguousarray(stored[name]) for name in stored.files}
    arrays |= {name: np.load(folder / f"folded_{name}.npy", mmap_mode="r") for name in TABLES}
    _check(arrays)
    library.folded_din  # noqa: B018 - that it is there
    beside = np.hstack([arrays["match"].T, arrays["signals"].T])
    return Folded(library, arrays, [_address(arrays[name]) for name in KEPT], beside)


def _address(array: NDArray[Any]) -> int | None:
    return array.ctypes.data if array.size else None


def _check(have: Mapping[str, Floats]) -> None:
    """The kernel reads without looking: all must have the shapes that it takes them to have. Raises ValueError."""
    try:
        (first, width), (last, head), second = have["of_product"].shape, have["head"].shape, len(have["second"])
        features, items = 1 + 2 * len(have["rates"]) if len(have["rates"]) else 0, len(have["table"])
        rows = have["rows"].shape[1]
        expected = {
            "table": (items, width),
            "rows": (items, rows),
            "of_rows": (head, rows) if have["of_rows"].size else have["of_rows"].shape,
            "of_candidate": (first, width),
            "of_past": (first, width),
            "candidate_bias": (first,),
            "of_entry": (width, width),
            "feedback": (len(have["feedback"]), width),
            "second": (second, first),
            "second_bias": (second,),
            "third": (second,),
            "third_bias": (1,),
            "interest": (width, head),
            "match": (features, head),
            "worth": (len(have["feedback"]),) if features else (0,),
            "signals": (len(have["signals"]), head),
            "bias": (head,),
            "head_bias": (last,),
            "out": (last,),
            "out_bias": (1,),
            "slope": (2,),
            "rates": (len(have["rates"]),),
            "attributes": (1,),
        }
        wrong = [name for name, shape in expected.items() if have[name].shape != shape]
        wrong += [name for name in KEPT if have[name].dtype != np.float32 or not have[name].flags.c_contiguous]
        if any(size % 4 for size in (first, second, head, last)) or not 0 <= have["attributes"].max() <= width:
            wrong.append("sizes")
        if rows != head and not have["of_rows"].size:
            wrong.append("rows")
    except KeyError as error:
        raise ValueError(f"{error} is missing of what the kernel reads") from error
    if wrong:
        raise ValueError(f"what the kernel reads has another shape: {', '.join(wrong)}")

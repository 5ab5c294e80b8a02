"""Scores from the artifact of a backbone version: onnxruntime and numpy, no torch, whatever the architecture."""

import ctypes
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.artifacts import past as of_history
from recommender.artifacts.folded import Folded
from recommender.artifacts.past import HistoryEntry, Past
from recommender.catalogs.feedback import FeedbackScale
from recommender.dataset.attributes import Vocabulary
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT, UNKNOWN_ITEM
from recommender.signals.factors import likeness
from recommender.signals.gaussian_process import GaussianProcess
from recommender.signals.llm_scores import Blend
from recommender.signals.newer import Newer
from recommender.signals.protocol import Candidates, Counted
from recommender.signals.registry import Signals
from recommender.signals.stated import Weights
from recommender.signals.statistics import Statistics

FORMATS = (3, 4, 5, 6)  # until 5: signals.earlier_formats
GRAPH = "model.onnx"
ITEMS_AT_A_TIME = 1024  # what the graph makes of so many fits the caches, and little memory is held for the next


class ArtifactError(Exception):
    """The version's artifact is missing, damaged or of another format; the message says which."""


class Scoring(Protocol):
    """What scores rows of histories and items: the version's graph, or the backbone that it was made of."""

    @property
    def inputs(self) -> frozenset[str]: ...
    def run(self, given: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]: ...


class Graph:
    """A version's graph, opened when it is first asked: onnxruntime takes some 30 MB, which kernels do without.

    `often`: whether lists are ranked by it; else it holds no memory from one question to the next. Threads share it.
    """

    def __init__(self, path: Path, *, often: bool = True) -> None:
        self.path, self._often = path, often
        self._opening = threading.Lock()
        self._session: Any = None

    @property
    def inputs(self) -> frozenset[str]:
        return frozenset(one.name for one in self.open().get_inputs())

    def run(self, given: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """(rows, items). Raises ArtifactError where the graph cannot be read."""
        logits: NDArray[np.float32] = self.open().run(None, dict(given))[0]
        return logits

    def open(self) -> Any:
        """Its onnxruntime.InferenceSession. Raises ArtifactError."""
        with self._opening:
            if self._session is None:
                try:
                    self._session = session_of(self.path, often=self._often)
                except Exception as error:  # onnxruntime's own errors share no base class
                    why = "cannot be read" if self.path.is_file() else "is missing"
                    raise ArtifactError(f"{self.path.name} {why} ({type(error).__name__}).") from error
            return self._session


@dataclass(frozen=True, slots=True)
class Ranker:
    """One backbone version, ready to score. Unknown items and end users are scored as such, never refused."""

    session: "Scoring"
    items: dict[str, int]  # external id → number in the graph
    end_users: dict[str, int]  # external id → row of end_user_knowledge; those missing have no knowledge
    end_user_knowledge: NDArray[np.float32]  # (1 + end users with knowledge, K)
    scale: FeedbackScale
    history: int
    signals: Signals  # those that the backbone reads
    demographics: Vocabulary | None  # of end users' attributes, where the backbone reads them
    statements: Weights  # how far statements move its scores; `score` is without them
    llm_scores: Blend  # how far what an LLM answered does; `score` is without that too
    folded: Folded | None = None  # a kernel that scores in place of the graph

    def score(
        self,
        end_user_external_id: str,
        history: Sequence[HistoryEntry] | Past,
        items: Sequence[str] | NDArray[np.int64] | None = None,
        *,
        attributes: Mapping[str, Any] | None = None,
        tokens: Sequence[int] | None = None,
        counted: Counted | None = None,
    ) -> NDArray[np.float64]:
        """The probability that the end user likes each item: (items). `items`: external ids or their `numbers`; all of
        `self.items`, in order, unless given.

        `history`: oldest first; the architecture reads the last `self.history` entries, the signals all of them.
        `attributes`: the end user's, as of now; values the training run did not meet count as not given. `tokens`: what
        `tokens_of` made of them, in their place. `counted`: how often each item was judged and liked until now, by
        which items' means go on where the recipe has it; without it they are those of the training.
        """
        given = self.tokens_of(attributes) if tokens is None else tokens
        asked = self.numbers(self.items if items is None else items)
        told = self.past(history)
        past, feedback = told.items, told.feedback
        signals = self._signals(end_user_external_id, told, asked, counted=counted)
        if self.folded:
            of_end_user = self.end_users.get(end_user_external_id, NO_TEXT)
            found = self.folded.logits(
                asked,
                past,
                feedback,
                knowledge=self.end_user_knowledge[of_end_user],
                signals=signals[0],
                tokens=np.array(given, dtype=np.int64),
            )
            if found is not None:
                return _sigmoid(found)
        text = [self.end_users.get(end_user_external_id, NO_TEXT)]
        logits = []
        for first in range(0, len(asked), ITEMS_AT_A_TIME):
            some = slice(first, first + ITEMS_AT_A_TIME)
            part = (asked[some], past[None], feedback[None], signals[:, some])
            logits.append(self._logits(text, given, *part)[0])
        return _sigmoid(np.concatenate(logits)) if logits else np.empty(0)

    def effects(
        self,
        end_user_external_id: str,
        history: Sequence[HistoryEntry] | Past,
        items: Sequence[str] | NDArray[np.int64],
        *,
        attributes: Mapping[str, Any] | None = None,
        counted: Counted | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What did how much to each item's score, in logits: each history entry (items, len(history)), and the text
        about the end user that the training run knew (items).

        Leave one out: the item's logit minus its logit had the entry, or the text, not been there. Positive: it raised
        the score. Exact for any architecture, where attention weights would be a story of one. Entries older than the
        backbone's window are 0. `counted`: as in `score`.
        """
        asked = self.numbers(items)
        past = self.past(history)
        seen = np.arange(max(0, len(past.met) - self.history), len(past.met))  # what the backbone's window holds
        signals = self._signals(end_user_external_id, past, asked, counted=counted, without=seen)
        # (1 + seen, items), and one more row where there is a text
        text, tokens = self.end_users.get(end_user_external_id, NO_TEXT), self.tokens_of(attributes)
        if text != NO_TEXT:
            untold = signals[:1]
            if self.signals.read_texts:
                untold = self._signals(end_user_external_id, past, asked, counted=counted, text=NO_TEXT)
            signals = np.concatenate([signals, untold])
        logits = self._without(asked, past, text, signals, tokens)
        effects = np.zeros((len(asked), len(past.met)))
        effects[:, seen] = (logits[0] - logits[1 : 1 + len(seen)]).T
        return effects, logits[0] - logits[-1] if text != NO_TEXT else np.zeros(len(asked))

    def past(self, history: Sequence[HistoryEntry] | Past) -> Past:
        """The history, oldest first, as this version reads it; what was read before stays as it is."""
        if isinstance(history, Past):
            return history
        met = self.numbers([each.item_id for each in history])
        return of_history.read(history, met, self.scale, window=self.history)

    def nearest(
        self,
        end_user_external_id: str,
        history: Sequence[HistoryEntry] | Past,
        mask: NDArray[np.bool_],
        count: int,
        *,
        then: int,
    ) -> list[NDArray[np.int64]]:
        """Of the items of `mask` (items), in the order of `self.items`, the first `count` by what the history says of
        them as inner products of the signals' vectors, the greatest first: one list for each kind of vector, and of the
        later ones `then` once there are `count`. They choose candidates; the backbone ranks them. Empty where no signal
        has vectors.
        """
        past = self.past(history)
        met = past.met - FIRST_ITEM
        return [
            places
            for signal in self.signals.fitted.values()
            if isinstance(signal, GaussianProcess)
            for places in signal.nearest(end_user_external_id, met, past.liked, mask=mask, count=count, then=then)
        ]

    @property
    def follows_likes(self) -> bool:
        """Whether items' means go on with what was liked since the training: else nobody needs to count it."""
        return any(isinstance(each, Statistics) and each.known is not None for each in self.signals.fitted.values())

    def surplus(self, items: NDArray[np.int64], counted: NDArray[np.int64]) -> float:
        """By how much more than expected these items (n), by number, were liked since the training; 0 where means stay.

        `counted` (n, 2): how often each was judged and liked until now.
        """
        told = (each for each in self.signals.fitted.values() if isinstance(each, Statistics))
        return sum(each.surplus(items - FIRST_ITEM, counted) for each in told)

    def counted_then(self, items: NDArray[np.int64], newer: Newer, *, moment: int, end_user: int) -> Counted | None:
        """By what the means of all items of `newer`, by this version's numbers, go on in a list that its end user had
        been given at a moment; None where they stay."""
        if not self.follows_likes:
            return None
        others, everybody = newer.until_then.of(moment, end_user)
        return Counted(others, self.surplus(items, everybody))

    @property
    def library(self) -> ctypes.CDLL | None:
        """Its compiled kernels, where it has any."""
        return self.folded.library if self.folded else self.signals.library

    def item_vectors(self) -> NDArray[np.float32] | None:
        """Vectors (items, K), in the order of `self.items`, whose inner product is the greater the more the same people
        like both (factors.likeness); None where no signal has any. It takes a pass over all items."""
        for signal in self.signals.fitted.values():
            if isinstance(signal, GaussianProcess):
                return likeness(signal.factors[0, : len(self.items)])
        return None

    def tokens_of(self, attributes: Mapping[str, Any] | None) -> list[int]:
        """All that the backbone reads of an end user's attributes: numbers in the vocabulary of its training run."""
        found: list[int] = self.demographics.encode([attributes or {}])[0].tolist() if self.demographics else [0]
        return found

    def _without(
        self,
        items: NDArray[np.int64],
        past: Past,
        text: int,
        signals: NDArray[np.float32],
        tokens: Sequence[int],
    ) -> NDArray[np.float64]:
        """Logits after the whole history, then without each of the entries of the window, then without the text where
        there is one: (rows, items), as many rows as `signals` (rows, items, S)."""
        seen, feedback = past.items, past.feedback
        texts = [text] if text == NO_TEXT else [text, NO_TEXT]
        if self.folded and self.folded.leaves_out:
            found = self.folded.without(
                items,
                seen,
                feedback,
                knowledge=self.end_user_knowledge[texts],
                signals=signals,
                tokens=np.array(tokens, dtype=np.int64),
            )
            if found is not None:
                return found
        shorter = min(len(past.met), self.history)
        pasts, feedbacks = (_without_each(column, shorter) for column in (seen, feedback))
        of_rows = [text] * len(pasts) + texts[1:]
        pasts, feedbacks = (np.vstack([column, column[: len(texts) - 1]]) for column in (pasts, feedbacks))
        return self._logits(of_rows, tokens, items, pasts, feedbacks, signals)

    def _logits(
        self,
        texts: Sequence[int],
        tokens: Sequence[int],
        items: NDArray[np.int64],
        past: NDArray[np.int64],
        feedback: NDArray[np.int64],
        signals: NDArray[np.float32],
    ) -> NDArray[np.float64]:
        """(rows, items). `texts`: each row's row of `end_user_knowledge`."""
        given: dict[str, NDArray[Any]] = {
            "item": np.repeat(items[None], len(past), axis=0),
            "history_item": past,
            "history_feedback": feedback,
            "end_user_knowledge": self.end_user_knowledge[texts],
            "signals": signals,
            "end_user_tokens": np.repeat(np.array([tokens], dtype=np.int64), len(past), axis=0),
        }
        return self.session.run({name: given[name] for name in self.session.inputs}).astype(np.float64)

    def _signals(
        self,
        end_user: str,
        past: Past,
        items: NDArray[np.int64],
        *,
        counted: Counted | None = None,
        without: NDArray[np.int64] | None = None,
        text: int | None = None,
    ) -> NDArray[np.float32]:
        """What signals say of each item, then what they would say without the history's entry at each of `without`.

        (1 + places, items, S); a column of zeros where the backbone reads none. `text`: a row of `end_user_knowledge`;
        the end user's unless given.
        """
        if not self.signals.fitted:
            return np.zeros((1 if without is None else 1 + len(without), len(items), 1), dtype=np.float32)
        numbers = items - FIRST_ITEM  # -1: an item never met
        candidates = Candidates(
            end_user,
            met=past.met - FIRST_ITEM,
            liked=past.liked,
            item=numbers,
            end_user_text=self.end_users.get(end_user, NO_TEXT) if text is None else text,
            item_text=numbers,
            counted=counted,
        )
        if without is not None:
            return self.signals.read_without(candidates, without)
        return self.signals.read(candidates)[None]

    def numbers(self, items: Sequence[str] | Mapping[str, int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Of items by their external ids (n), UNKNOWN_ITEM where one was never met; numbers stay what they are."""
        if isinstance(items, np.ndarray):
            return items
        return np.array([self.items.get(one, UNKNOWN_ITEM) for one in items], dtype=np.int64)


def read(folder: Path, *, graph_later: bool = False) -> Ranker:
    """Read an artifact that artifacts.writing wrote, unverified: what serves is loaded by artifacts.verified.

    `graph_later`: the graph is not looked at before it is asked. Raises ArtifactError.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest["format"] not in FORMATS:
            raise ArtifactError(
                f"Its format is {manifest['format']}; this release reads {FORMATS[-1]}. Train it again."
            )
        ids = json.loads((folder / "ids.json").read_text())
        graph = Graph(folder / GRAPH)
        if not graph_later:
            graph.open()
        return Ranker(
            session=graph,
            items={name: number for number, name in enumerate(ids["items"], start=FIRST_ITEM)},
            end_users={name: row for row, name in enumerate(ids["end_users"], start=NO_TEXT + 1)},
            end_user_knowledge=np.load(folder / "end_users.npy", mmap_mode="r"),
            scale=FeedbackScale.from_json(manifest["scale"]),
            history=manifest["config"]["history"],
            signals=Signals.load(folder, manifest["files"]),
            demographics=_demographics(folder) if manifest["sizes"]["end_user_tokens"] else None,
            statements=Weights.from_json(manifest["statements"]) if manifest.get("statements") else Weights(),
            llm_scores=Blend.from_json(manifest["llm_scores"]) if manifest.get("llm_scores") else Blend(),
        )
    except FileNotFoundError as error:
        raise ArtifactError(f"A file of it is missing: {Path(str(error.filename)).name}.") from error
    except ArtifactError:
        raise
    except Exception as error:  # onnxruntime's own errors share no base class
        raise ArtifactError(f"Its files cannot be read ({type(error).__name__}).") from error


def session_of(graph: Path, *, often: bool = True) -> Any:
    """The graph, ready to answer in any thread, on the thread that asks. `often`: as Graph has it."""
    import onnxruntime  # heavy: loaded by processes that rank, when they first do

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # requests run side by side
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = often
    options.enable_mem_pattern = False  # it keeps a plan for every number of items that was ever asked for
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _demographics(folder: Path) -> Vocabulary:
    return Vocabulary.from_json(json.loads((folder / "demographics.json").read_text()))


def _without_each(column: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """A padded column (L) as it is, then without each of its `last` entries in turn: (1 + last, L).

    What was before an entry moves up, so that nothing but the entry is missing; padding is 0 in every column.
    """
    later = np.roll(column, 1)
    later[:1] = 0
    places = np.arange(len(column))
    shorter: NDArray[np.int64] = np.where(places > places[len(column) - last :, None], column, later)
    return np.vstack([column, shorter])


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))

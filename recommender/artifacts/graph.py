"""The serving graph: a backbone as ONNX with item table and knowledge folded in, and the proof that it scores alike.

What is traced may be folded further (Backbone.folded); the proof holds the graph against the form that is not.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, KnowledgeFields

TOLERANCE = 1e-5
INPUTS = ["item", "history_item", "history_feedback", "end_user_knowledge", "signals", "end_user_tokens"]
OF_CANDIDATES = {"item", "signals"}  # (B, N, …); the others are (B, …)
CHECKED_CONTEXTS, CHECKED_CANDIDATES = 8, 64
Arrays = Mapping[str, NDArray[Any]]


class ParityError(RuntimeError):
    """The exported form scores differently: a bug, not something to serve."""


class ServingForm(nn.Module):
    """The backbone with items' vectors and knowledge looked up instead of computed."""

    table: Tensor
    item_knowledge: Tensor

    def __init__(self, backbone: Backbone, item_knowledge: Tensor | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("table", backbone.items().detach())  # (V, W)
        self.register_buffer("item_knowledge", item_knowledge)  # (V, K), or None without knowledge

    def forward(
        self,
        item: Tensor,
        history_item: Tensor,
        history_feedback: Tensor,
        end_user_knowledge: Tensor,
        signals: Tensor,
        end_user_tokens: Tensor,
    ) -> Tensor:
        """Logits (B, N) of items (B, N) after histories (B, L), with signals (B, N, S) and, of the end users,
        knowledge (B, K) and attribute tokens (B, T).
        """
        fields = None
        if self.item_knowledge is not None:
            fields = KnowledgeFields(end_user_knowledge, functional.embedding(item, self.item_knowledge))
        return self.backbone.rank(item, history_item, history_feedback, self.table, fields, signals, end_user_tokens)

    def folded(self) -> nn.Module:
        """What the graph is traced from: the backbone's own folded form where it has one."""
        return self.backbone.folded(self.table, self.item_knowledge) or self


def save(form: ServingForm, path: Path, *, history: int, end_users: Tensor, tokens: int) -> None:
    """Write the graph. `history`: its length L; `end_users` (rows, K): their knowledge; `tokens`: the width T."""
    example = _example(
        form.backbone.sizes, contexts=2, candidates=3, history=history, end_users=end_users, width=tokens
    )
    free = {name: {0: "B", 1: "N"} if name in OF_CANDIDATES else {0: "B"} for name in INPUTS}
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            form.folded().eval(),
            tuple(torch.from_numpy(example[name]) for name in INPUTS),
            path,
            dynamo=False,
            dynamic_axes=free,
            input_names=INPUTS,
            output_names=["logit"],
        )


def check(form: ServingForm, path: Path, *, history: int, end_users: Tensor, tokens: int) -> dict[str, float]:
    """The largest differences in logits: `form` vs the graph at `path`, and one by one vs all at once.

    Raises ParityError where they are above TOLERANCE.
    """
    given = _example(
        form.backbone.sizes,
        contexts=CHECKED_CONTEXTS,
        candidates=CHECKED_CANDIDATES,
        history=history,
        end_users=end_users,
        width=tokens,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}

    def served(arrays: Arrays) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, {name: arrays[name] for name in names})[0]
        return logits

    with torch.inference_mode():
        eager = form(*(torch.from_numpy(given[name]) for name in INPUTS)).numpy()
    whole = served(given)
    single = np.array([[served(_one(given, c, n)).item() for n in range(8)] for c in range(CHECKED_CONTEXTS)])
    found = {
        "eager_and_served": float(np.abs(eager - whole).max()),
        "one_and_many": float(np.abs(single - whole[:, :8]).max()),
    }
    if not max(found.values()) <= TOLERANCE:
        raise ParityError(f"The exported backbone scores differently from the trained one: {found}.")
    return found


def _example(
    sizes: InputSizes, *, contexts: int, candidates: int, history: int, end_users: Tensor, width: int
) -> dict[str, NDArray[Any]]:
    """Random inputs by name: histories of every length from none to all of it."""
    random = np.random.default_rng(0)
    item = random.integers(1, sizes.items, (contexts, candidates))
    past = random.integers(1, sizes.items, (contexts, history))
    past[np.arange(history) < np.arange(contexts)[:, None] * history // contexts] = 0
    tokens = random.integers(0, max(1, sizes.end_user_tokens), (contexts, width))
    return {
        "item": item,
        "history_item": past,
        "history_feedback": np.where(past > 0, random.integers(1, sizes.feedback, past.shape), 0),
        "end_user_knowledge": end_users.numpy()[random.integers(0, len(end_users), contexts)],
        "signals": random.normal(size=(*item.shape, max(1, sizes.signals))).astype(np.float32),
        "end_user_tokens": tokens,
    }


def _one(arrays: Arrays, context: int, candidate: int) -> Arrays:
    """One context and one candidate of many."""
    one, at = slice(context, context + 1), slice(candidate, candidate + 1)
    return {name: array[one, at] if name in OF_CANDIDATES else array[one] for name, array in arrays.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """torch calls its tracing exporter deprecated: ADR 16 says why it is used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield

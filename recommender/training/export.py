"""The artifact of a trained backbone: a folder that is written whole or not at all.

weights.safetensors   the backbone's state
model.onnx            the serving form: item table and item knowledge folded in, scored without torch
end_users.npy         adapted knowledge of each end user that has some (row 0: none), mapped into memory to serve
ids.json              external ids of the items, and of the end users in end_users.npy
signals.npz           what signals are computed from, where the backbone has any (signals.tables)
manifest.json         config, sizes, scale, hashes of the files above, how well the forms agree
"""

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recommender.backbones.adapter import END_USER, ITEM
from recommender.backbones.base import Backbone
from recommender.backbones.batch import InputSizes, KnowledgeFields
from recommender.backbones.registry import make
from recommender.models import SubjectKind
from recommender.signals.tables import Tables
from recommender.training.config import TrainConfig
from recommender.training.data import Interactions
from recommender.training.knowledge import KnowledgeRows
from recommender.training.numbering import FIRST_ITEM, NO_TEXT

FORMAT = 2
TOLERANCE = 1e-5
INPUTS = ["item", "history_item", "history_feedback", "end_user_knowledge", "signals"]
CHECKED_CONTEXTS, CHECKED_CANDIDATES = 8, 64


class ParityError(RuntimeError):
    """The exported form scores differently: a bug, not something to serve."""


class ServingForm(nn.Module):
    """The backbone with everything that only depends on an item looked up instead of computed."""

    table: Tensor
    item_knowledge: Tensor

    def __init__(self, backbone: Backbone, item_knowledge: Tensor | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("table", backbone.items().detach())  # (V, W)
        self.register_buffer("item_knowledge", item_knowledge)  # (V, K), or None without knowledge

    def forward(
        self, item: Tensor, history_item: Tensor, history_feedback: Tensor, end_user_knowledge: Tensor, signals: Tensor
    ) -> Tensor:
        """Logits (B, N) of items (B, N) after histories (B, L), knowledge of end users (B, K), signals (B, N, S)."""
        fields = None
        if self.item_knowledge is not None:
            fields = KnowledgeFields(end_user_knowledge, functional.embedding(item, self.item_knowledge))
        return self.backbone.rank(item, history_item, history_feedback, self.table, fields, signals)


def write(
    folder: Path,
    backbone: Backbone,
    config: TrainConfig,
    interactions: Interactions,
    knowledge: KnowledgeRows,
    *,
    tables: Tables | None,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the artifact into a new folder and return its manifest; `facts` join it. Raises ParityError.

    A failure leaves nothing behind. The caller writes beside the final place and renames what is complete.
    """
    folder.mkdir(parents=True)
    try:
        if tables is not None:
            tables.save(folder / "signals.npz")
        manifest = _write(folder, backbone.eval(), config, interactions, knowledge) | dict(facts)
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
    except BaseException:
        shutil.rmtree(folder)
        raise
    return manifest


def restore(folder: Path, vectors: NDArray[np.float32] | None = None) -> Backbone:
    """The trained backbone of an artifact, in eval mode. `vectors`: (1 + texts, D) of its snapshot, to score texts."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return _restore(folder, manifest, vectors)


def _restore(folder: Path, manifest: Mapping[str, Any], vectors: NDArray[np.float32] | None) -> Backbone:
    backbone = make(InputSizes.from_json(manifest["sizes"]), TrainConfig.from_json(manifest["config"]))
    backbone.load_state_dict(safetensors.torch.load_file(folder / "weights.safetensors"))
    if backbone.knowledge is not None and vectors is not None:
        backbone.knowledge.read(torch.from_numpy(vectors))
    return backbone.eval()


def _write(
    folder: Path, backbone: Backbone, config: TrainConfig, interactions: Interactions, knowledge: KnowledgeRows
) -> dict[str, Any]:
    safetensors.torch.save_file(backbone.state_dict(), folder / "weights.safetensors")
    known = sorted(knowledge.latest(SubjectKind.END_USER).items())
    end_user_fields, item_fields = _fold(backbone, [row for _, row in known], knowledge, len(interactions.items))
    np.save(folder / "end_users.npy", end_user_fields.numpy())
    ids = {"items": interactions.items, "end_users": [interactions.end_users[number] for number, _ in known]}
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False))
    manifest = {
        "format": FORMAT,
        "config": config.to_json(),
        "sizes": backbone.sizes.to_json(),
        "scale": interactions.scale.to_json(),
    }
    widths = end_user_fields.shape[1], backbone.sizes.signals
    _export(ServingForm(backbone, item_fields).eval(), folder / "model.onnx", config.history, *widths)
    manifest["parity"] = _check(folder, manifest, backbone, end_user_fields, item_fields)
    manifest["files"] = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    return manifest


def _fold(
    backbone: Backbone, end_user_rows: list[int], knowledge: KnowledgeRows, items: int
) -> tuple[Tensor, Tensor | None]:
    """Adapted knowledge of the end users that have some, (1 + rows, K), and of every item, (V, K)."""
    if backbone.knowledge is None:
        return torch.zeros(1, 1), None
    item_rows = torch.full((FIRST_ITEM + items,), NO_TEXT, dtype=torch.int64)
    for number, row in knowledge.latest(SubjectKind.ITEM).items():
        item_rows[FIRST_ITEM + number] = row
    with torch.inference_mode():
        of_end_users = backbone.knowledge.fields(torch.tensor([NO_TEXT, *end_user_rows]), END_USER)
        return of_end_users.clone(), backbone.knowledge.fields(item_rows, ITEM).clone()


def _export(form: ServingForm, path: Path, history: int, knowledge_width: int, signals_width: int) -> None:
    contexts, candidates = 2, 3  # any example sizes: both are dynamic in the graph
    example = (
        torch.ones(contexts, candidates, dtype=torch.int64),
        torch.ones(contexts, history, dtype=torch.int64),
        torch.ones(contexts, history, dtype=torch.int64),
        torch.zeros(contexts, knowledge_width),
        torch.zeros(contexts, candidates, max(1, signals_width)),
    )
    free = torch.export.Dim.DYNAMIC
    shapes = ({0: free, 1: free}, {0: free}, {0: free}, {0: free}, {0: free, 1: free})
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            form, example, dynamo=True, dynamic_shapes=shapes, input_names=INPUTS, output_names=["logit"], verbose=False
        )
        assert program is not None, "only the old exporter returns nothing"
        program.save(path, external_data=False)


def _check(
    folder: Path, manifest: Mapping[str, Any], backbone: Backbone, end_users: Tensor, items: Tensor | None
) -> dict[str, float]:
    """The largest differences in logits: restored weights vs the served graph, and one by one vs all at once."""
    restored = ServingForm(_restore(folder, manifest, None), items).eval()
    random = np.random.default_rng(0)
    sizes, history = backbone.sizes, TrainConfig.from_json(manifest["config"]).history
    item = random.integers(1, sizes.items, (CHECKED_CONTEXTS, CHECKED_CANDIDATES))
    past = random.integers(1, sizes.items, (CHECKED_CONTEXTS, history))
    past[np.arange(history) < np.arange(CHECKED_CONTEXTS)[:, None] * history // CHECKED_CONTEXTS] = 0
    feedback = np.where(past > 0, random.integers(1, sizes.feedback, past.shape), 0)
    whose = random.integers(0, len(end_users), CHECKED_CONTEXTS)
    signals = random.normal(size=(*item.shape, max(1, sizes.signals))).astype(np.float32)
    inputs = [item, past, feedback, end_users.numpy()[whose], signals]
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}

    def served(arrays: list[NDArray[Any]]) -> NDArray[np.float32]:
        feed = {name: array for name, array in zip(INPUTS, arrays, strict=True) if name in names}
        logits: NDArray[np.float32] = session.run(None, feed)[0]
        return logits

    with torch.inference_mode():
        eager = restored(*(torch.from_numpy(array) for array in inputs)).numpy()
    whole = served(inputs)
    single = np.array(
        [
            [
                served([item[one, n : n + 1], *(array[one] for array in inputs[1:4]), signals[one, n : n + 1]]).item()
                for n in range(8)
            ]
            for one in (slice(c, c + 1) for c in range(CHECKED_CONTEXTS))
        ]
    )
    found = {
        "eager_and_served": float(np.abs(eager - whole).max()),
        "one_and_many": float(np.abs(single - whole[:, :8]).max()),
    }
    if not max(found.values()) <= TOLERANCE:
        raise ParityError(f"The exported backbone scores differently from the trained one: {found}.")
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter logs its every pass, and torch 2.13 uses its own deprecated LeafSpec while it exports."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx._internal.exporter")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="`isinstance.treespec, LeafSpec", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

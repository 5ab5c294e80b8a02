"""The artifact of a trained backbone: a folder that is written whole or not at all.

weights.safetensors   the backbone's state
model.onnx            the serving form: item table and item knowledge folded in, scored without torch
end_users.npy         adapted knowledge of each end user that has some (row 0: none), mapped into memory to serve
ids.json              external ids of the items, and of the end users in end_users.npy
demographics.json     the vocabulary of the end users' attributes, where they are an input
folded*               of DIN, what a compiled kernel reads in place of the graph (artifacts.folded)
signal_*.npz          what each signal that the backbone has is read from (signals.registry)
manifest.json         config, sizes, scale, how far statements and an LLM's scores move scores, hashes of the files
                      above, how well the forms agree
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from recommender.artifacts import folded, graph
from recommender.backbones.adapter import END_USER, ITEM
from recommender.backbones.base import Backbone, Folded
from recommender.backbones.batch import InputSizes
from recommender.backbones.registry import make
from recommender.dataset.attributes import Vocabulary
from recommender.dataset.interactions import Interactions
from recommender.dataset.numbering import FIRST_ITEM, NO_TEXT
from recommender.dataset.texts import KnowledgeRows
from recommender.models import SubjectKind
from recommender.recipe import TrainConfig
from recommender.signals.llm_scores import Learned as Blended
from recommender.signals.registry import Signals
from recommender.signals.stated import Learned

FORMAT = 6


def write(
    folder: Path,
    backbone: Backbone,
    config: TrainConfig,
    interactions: Interactions,
    knowledge: KnowledgeRows,
    *,
    signals: Signals,
    demographics: Vocabulary | None,
    statements: Learned | None = None,
    llm_scores: Blended | None = None,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the artifact into a new folder and return its manifest; `facts` join it. Raises graph.ParityError.

    A failure leaves nothing behind. The caller writes beside the final place and renames what is complete.
    """
    folder.mkdir(parents=True)
    try:
        if demographics is not None:
            (folder / "demographics.json").write_text(json.dumps(demographics.to_json(), ensure_ascii=False))
        tokens = demographics.width if demographics else 1
        manifest = _write(folder, backbone.eval(), config, interactions, knowledge, signals, tokens=tokens)
        manifest |= dict(facts) | {"statements": statements.to_json() if statements else None}
        manifest["llm_scores"] = llm_scores.to_json() if llm_scores else None
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
    folder: Path,
    backbone: Backbone,
    config: TrainConfig,
    interactions: Interactions,
    knowledge: KnowledgeRows,
    signals: Signals,
    *,
    tokens: int,
) -> dict[str, Any]:
    safetensors.torch.save_file(backbone.state_dict(), folder / "weights.safetensors")
    known = sorted(knowledge.latest(SubjectKind.END_USER).items()) if backbone.knowledge is not None else []
    of_items = knowledge.newest_of_items(len(interactions.items))
    end_users, items = _fold(backbone, [row for _, row in known], of_items)
    signals.save(folder)
    np.save(folder / "end_users.npy", end_users.numpy())
    ids = {"items": interactions.items, "end_users": [interactions.end_users[number] for number, _ in known]}
    (folder / "ids.json").write_text(json.dumps(ids, ensure_ascii=False))
    manifest = {
        "format": FORMAT,
        "config": config.to_json(),
        "sizes": backbone.sizes.to_json(),
        "scale": interactions.scale.to_json(),
    }
    shape: dict[str, Any] = {"history": config.history, "end_users": end_users, "tokens": tokens}
    form = graph.ServingForm(backbone, items).eval()
    graph.save(form, folder / "model.onnx", **shape)
    if isinstance(multiplied := form.folded(), Folded):
        folded.save(folder, {name: each.numpy() for name, each in multiplied.arrays().items()})
    restored = graph.ServingForm(_restore(folder, manifest, None), items).eval()
    manifest["parity"] = graph.check(restored, folder / "model.onnx", **shape)
    manifest["files"] = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    return manifest


def _fold(backbone: Backbone, of_end_users: Sequence[int], of_items: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
    """Adapted knowledge of the end users that have some, (1 + rows, K), and of every item in the graph, (V, K)."""
    if backbone.knowledge is None:
        return torch.zeros(1 + len(of_end_users), 1), None
    in_graph = torch.from_numpy(np.r_[np.full(FIRST_ITEM, NO_TEXT), of_items])
    with torch.inference_mode():
        known = backbone.knowledge.fields(torch.tensor([NO_TEXT, *of_end_users]), END_USER)
        return known.clone(), backbone.knowledge.fields(in_graph, ITEM).clone()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

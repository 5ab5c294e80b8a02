"""Looking for somebody everywhere: all tables, all files, what this process has in memory."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from django.apps import apps

from recommender.artifacts import verified
from recommender.serving import catalog_index


def hits(needles: set[str], folder: Path) -> list[str]:
    """Where any of these is."""
    written = needles | {json.dumps(needle)[1:-1] for needle in needles}
    return sorted({f"{place}: {needle}" for place, text in everything(folder) for needle in written if needle in text})


def everything(folder: Path) -> Iterator[tuple[str, str]]:
    yield from rows()
    yield from files(folder)
    yield from memory()


def rows() -> Iterator[tuple[str, str]]:
    for model in apps.get_models(include_auto_created=True):
        for row in model._base_manager.values():
            yield model._meta.label, said(row)


def said(value: Any) -> str:
    return json.dumps(value, default=repr, ensure_ascii=False).replace("\\/", "/")


def files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in (one for one in folder.rglob("*") if one.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix in (".npz", ".npy"):
            loaded = np.load(path, allow_pickle=False)
            arrays = [loaded] if path.suffix == ".npy" else [loaded[one] for one in loaded.files]
            yield name, said([array.tolist() for array in arrays if array.dtype.kind in "US"])
        else:
            yield name, path.read_bytes().decode("utf-8", "replace")


def memory() -> Iterator[tuple[str, str]]:
    for key, entry in verified.LOADED._entries.items():
        assert entry.kept is not None
        ranker = entry.kept[0]
        assert not isinstance(ranker, str), ranker
        yield f"memory {key}", said([*ranker.end_users, *ranker.items])
    for entry in catalog_index.KEPT._entries.values():
        assert entry.kept is not None
        yield "memory: index", said(entry.kept[0].external_ids)

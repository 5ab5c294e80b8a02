"""The peers: fuxictr's layers and torch-rechub's layers and models. `make test-oracles` installs them; else skipped."""

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def fuxictr() -> ModuleType:
    """`fuxictr.pytorch.layers`."""
    _need("fuxictr")
    # A layer that reads pretrained embeddings from files imports the data pipeline, and that imports ray and polars.
    # Nothing here reads such files, so the pipeline stays out: two empty modules stand at its place while importing.
    tokenizer = ModuleType("fuxictr.preprocess.tokenizer")
    tokenizer.load_pretrain_emb = None  # type: ignore[attr-defined]
    absent = {"fuxictr.preprocess": ModuleType("fuxictr.preprocess"), tokenizer.__name__: tokenizer}
    sys.modules.update(absent)
    try:
        return importlib.import_module("fuxictr.pytorch.layers")
    finally:
        for name in absent:
            del sys.modules[name]


@pytest.fixture(scope="session")
def rechub() -> ModuleType:
    """`torch_rechub`, with `basic.layers`, `basic.features` and `models.ranking` in it."""
    _need("torch_rechub")
    for name in ("basic.layers", "basic.features", "models.ranking"):
        importlib.import_module(f"torch_rechub.{name}")
    return sys.modules["torch_rechub"]


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}, which `make test-oracles` installs")

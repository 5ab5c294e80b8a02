"""FuxiCTR's and torch-rechub's own training steps and loaders, with the same model and with their own, lighter DIN."""

import contextlib
import importlib
import importlib.util
import io
import logging
import subprocess
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peers.naive import ATTENTION, HEAD, WIDTH, NaiveDin
from benchmarks.peers.rows import Rows
from recommender.dataset.numbering import FIRST_ITEM

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "oracles.lock"
PAIRS = (("item", "history_item"), ("genre", "history_genre"))


def install(folder: Path) -> None:
    """Install the pinned peers, without their own dependencies, into a folder of their own, unless they are there."""
    if importlib.util.find_spec("fuxictr") is None or importlib.util.find_spec("torch_rechub") is None:
        if not (folder / "fuxictr").exists():
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "--target"]
            subprocess.run([*command, str(folder), "-r", str(LOCK)], check=True)
        sys.path.append(str(folder))
    for name in ("fuxictr.preprocess", "fuxictr.preprocess.tokenizer", "ray", "polars", "h5py"):
        # What reads files of other formats wants these; no loop here does, so empty modules take their place.
        if name.startswith("fuxictr") or importlib.util.find_spec(name) is None:
            sys.modules.setdefault(name, ModuleType(name))
    sys.modules["fuxictr.preprocess.tokenizer"].load_pretrain_emb = None  # type: ignore[attr-defined]
    logging.disable(logging.INFO)


def sizes(rows: Rows) -> dict[str, int]:
    of = rows.examples.interactions
    return {"item": FIRST_ITEM + len(of.items), "genre": 1 + len(of.tokens), "feedback": of.scale.buckets}


class Fuxi:
    """NpzDataLoader and BaseModel.train_step of FuxiCTR."""

    def __init__(self, rows: Rows, data: dict[str, np.ndarray], *, size: int, same: bool, folder: Path) -> None:
        features = importlib.import_module("fuxictr.features")
        history = rows.examples.history
        count = sizes(rows)
        mapped = features.FeatureMap("movielens", str(folder))
        mapped.labels = ["label"]
        mapped.features = OrderedDict()
        for name, past in PAIRS:
            one = {"source": "", "type": "categorical", "vocab_size": count[name], "padding_idx": 0}
            mapped.features[name] = one
            mapped.features[past] = one | {"type": "sequence", "max_len": history, "share_embedding": name}
        if same:
            mapped.features["history_feedback"] = {
                "source": "",
                "type": "sequence",
                "vocab_size": count["feedback"],
                "padding_idx": 0,
                "max_len": history,
                "embedding_dim": 2 * WIDTH,
            }
        mapped.num_fields = len(mapped.features)
        mapped.set_column_index()
        path = folder / f"fuxictr-{'same' if same else 'own'}.npz"
        if not path.exists():
            np.savez(path, **{name: data[name] for name in (*mapped.features, "label")})
        loader = _submodule("fuxictr", "fuxictr.pytorch.dataloaders.npz_dataloader").NpzDataLoader
        self.loader = loader(mapped, str(path), batch_size=size, shuffle=True, num_workers=0)
        self.model = _fuxi_model(mapped, same=same)
        self.model._max_gradient_norm = 10.0
        self.batches = _endless(self.loader)

    def __call__(self, samples: int) -> int:
        self.model.train()
        done = 0
        while done < samples:
            batch = next(self.batches)
            self.model.train_step(batch).item()  # train_epoch adds up loss.item() too
            done += len(batch["label"])
        return done


def _fuxi_model(mapped: Any, *, same: bool) -> Any:
    layers = importlib.import_module("fuxictr.pytorch.layers")
    base = _submodule("fuxictr", "fuxictr.pytorch.models.rank_model").BaseModel

    class Din(base):  # type: ignore[misc, valid-type]
        """FuxiCTR's DIN, put together from its layers as its model zoo does; `same`: with feedback and the map."""

        def __init__(self) -> None:
            super().__init__(mapped, gpu=-1, verbose=0, model_root="", metrics=["AUC"])
            self.embedding_layer = layers.FeatureEmbeddingDict(mapped, WIDTH)
            self.past = nn.Linear(2 * WIDTH, 2 * WIDTH, bias=False) if same else None
            self.attention = layers.DIN_Attention(2 * WIDTH, list(ATTENTION), hidden_activations="ReLU")
            self.dnn = layers.MLP_Block(
                input_dim=4 * WIDTH,
                output_dim=1,
                hidden_units=list(HEAD),
                hidden_activations="ReLU",
                output_activation=self.output_activation,
            )
            self.compile("adam", "binary_crossentropy", 1e-3)
            self.reset_parameters()

        def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
            x = self.get_inputs(inputs)
            embedded = self.embedding_layer(x)
            target = torch.cat([embedded[name] for name, _ in PAIRS], dim=-1)
            past = torch.cat([embedded[name] for _, name in PAIRS], dim=-1)
            if self.past is not None:
                past = self.past(past) + embedded["history_feedback"]
            pooled = self.attention(target, past, x["history_item"] != 0)
            return {"y_pred": self.dnn(torch.cat([target, pooled], dim=-1))}

    return Din()


class Rechub:
    """DataGenerator's loader and CTRTrainer.train_one_epoch of torch-rechub."""

    def __init__(self, rows: Rows, data: dict[str, np.ndarray], *, size: int, same: NaiveDin | None) -> None:
        trainer = _submodule("torch_rechub", "torch_rechub.trainers.ctr_trainer")
        loading = importlib.import_module("torch_rechub.utils.data")
        named = {name: column for name, column in data.items() if name != "label"}
        if same is None:
            named.pop("history_feedback")  # its DIN pairs every history field with a field of the target
            named["context"] = np.zeros_like(named["item"])  # and wants at least one other field
        generator = loading.DataGenerator(named, data["label"])
        unused = {name: column[:1] for name, column in named.items()}
        loaders = generator.generate_dataloader(
            x_val=unused, y_val=data["label"][:1], x_test=unused, y_test=data["label"][:1], batch_size=size
        )
        model = _rechub_din(rows) if same is None else Probability(same)
        self.trainer = trainer.CTRTrainer(model, optimizer_params={"lr": 1e-3, "weight_decay": 0}, device="cpu")
        self.size, self.batches = size, _endless(loaders[0])

    def __call__(self, samples: int) -> int:
        steps = -(-samples // self.size)
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            self.trainer.train_one_epoch(_Some(self.batches, steps))
        return steps * self.size


def _rechub_din(rows: Rows) -> nn.Module:
    features = importlib.import_module("torch_rechub.basic.features")
    din = _submodule("torch_rechub", "torch_rechub.models.ranking.din").DIN
    count = sizes(rows)
    targets = [features.SparseFeature(name, vocab_size=count[name], embed_dim=WIDTH) for name, _ in PAIRS]
    pasts = [
        features.SequenceFeature(past, vocab_size=count[name], embed_dim=WIDTH, pooling="concat", shared_with=name)
        for name, past in PAIRS
    ]
    model: nn.Module = din(
        features=[features.SparseFeature("context", vocab_size=1, embed_dim=1)],
        history_features=pasts,
        target_features=targets,
        mlp_params={"dims": list(HEAD)},
        attention_mlp_params={"dims": list(ATTENTION), "activation": "relu"},
    )
    return model


class Probability(nn.Module):
    """What torch-rechub's trainer expects of a model."""

    def __init__(self, model: NaiveDin) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        return torch.sigmoid(self.model(x))


class _Some:
    """The next so many batches, drawn when they are asked for."""

    def __init__(self, batches: Iterator[Any], steps: int) -> None:
        self.batches, self.steps = batches, steps

    def __iter__(self) -> Iterator[Any]:
        return islice(self.batches, self.steps)

    def __len__(self) -> int:
        return self.steps


def _endless(loader: Any) -> Iterator[Any]:
    """Whole batches, epoch after epoch."""
    while True:
        yield from islice(loader, max(1, len(loader) - 1))


def _submodule(package: str, name: str) -> Any:
    """A module without its package's __init__, which would import what reads other formats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except (ImportError, AttributeError):
            spec = importlib.util.find_spec(package)
            assert spec is not None
            assert spec.submodule_search_locations
            path = Path(spec.submodule_search_locations[0]).joinpath(*name.split(".")[1:]).with_suffix(".py")
            found = importlib.util.spec_from_file_location(name, path)
            assert found is not None
            assert found.loader is not None
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
            return module

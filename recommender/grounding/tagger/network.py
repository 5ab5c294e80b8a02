"""MiniLM with the tagger's low-rank changes, in numpy: what web processes can run without torch.

Wang et al. 2020 (MiniLM), Devlin et al. 2019 (BERT's layers, normalisation behind each part), Hu et al. 2022 (LoRA).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

HEADS = 12
EPSILON = 1e-12
Array = NDArray[np.float32]


class Network:
    """Word pieces (T) → logits (T, labels)."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _pair(weights, "embeddings.LayerNorm")
        self._layers: list[_Layer] = []
        while f"encoder.layer.{len(self._layers)}.output.dense.weight" in weights:
            self._layers.append(_Layer(weights, f"encoder.layer.{len(self._layers)}."))
        self._heads = _pair(weights, "heads")

    @classmethod
    def load(cls, encoder: Path, changes: Path) -> Self:
        """`encoder`: MiniLM's model.safetensors; `changes`: what scripts/fit_tagger.py stored."""
        weights: dict[str, Array] = load_file(encoder)
        changed = {name: value.astype(np.float32) for name, value in load_file(changes).items()}
        for name, value in changed.items():
            if name.endswith(":a"):
                key = f"encoder.{name[:-2]}.weight"
                weights[key] = weights[key] + changed[f"{name[:-2]}:b"] @ value
            elif not name.endswith(":b"):
                weights[name] = value
        layers = 1 + max(int(name.split(".")[1]) for name in changed if name.endswith(":a"))
        return cls({name: value for name, value in weights.items() if not _is_behind(name, layers)})

    def __call__(self, ids: Sequence[int]) -> Array:
        states = _normal(self._words[np.asarray(ids)] + self._places[: len(ids)], self._norm)
        for layer in self._layers:
            states = layer(states)
        return states @ self._heads[0] + self._heads[1]


class _Layer:
    def __init__(self, weights: Mapping[str, Array], at: str) -> None:
        parts = [_pair(weights, f"{at}attention.self.{name}") for name in ("query", "key", "value")]
        self._inputs = np.concatenate([part[0] for part in parts], axis=1), np.concatenate([part[1] for part in parts])
        self._mixed = _pair(weights, f"{at}attention.output.dense")
        self._mixed_norm = _pair(weights, f"{at}attention.output.LayerNorm")
        self._wide = _pair(weights, f"{at}intermediate.dense")
        self._narrow = _pair(weights, f"{at}output.dense")
        self._narrow_norm = _pair(weights, f"{at}output.LayerNorm")

    def __call__(self, states: Array) -> Array:
        length, width = states.shape
        inputs = (states @ self._inputs[0] + self._inputs[1]).reshape(length, 3, HEADS, width // HEADS)
        query, key, value = inputs.transpose(1, 2, 0, 3)  # each (heads, T, width of a head)
        near = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(width // HEADS))
        near = np.exp(near - near.max(axis=-1, keepdims=True))
        near /= near.sum(axis=-1, keepdims=True)
        mixed = (near @ value).transpose(1, 0, 2).reshape(length, width)
        states = _normal(states + mixed @ self._mixed[0] + self._mixed[1], self._mixed_norm)
        wide = _gelu(states @ self._wide[0] + self._wide[1])
        return _normal(states + wide @ self._narrow[0] + self._narrow[1], self._narrow_norm)


def _pair(weights: Mapping[str, Array], name: str) -> tuple[Array, Array]:
    weight = weights[f"{name}.weight"]
    return np.ascontiguousarray(weight.T), weights[f"{name}.bias"]


def _normal(states: Array, norm: tuple[Array, Array]) -> Array:
    states = states - states.mean(axis=-1, keepdims=True)
    spread = np.sqrt((states * states).mean(axis=-1, keepdims=True) + EPSILON)
    scaled: Array = states / spread * norm[0] + norm[1]
    return scaled


def _gelu(wide: Array) -> Array:
    """Hendrycks and Gimpel 2016, with their tanh."""
    inner: Array = np.float32(0.7978845608) * wide * (1 + np.float32(0.044715) * wide * wide)
    passed: Array = np.float32(0.5) * wide * (1 + np.tanh(inner))
    return passed


def _is_behind(name: str, layers: int) -> bool:
    parts = name.split(".")
    return parts[:2] == ["encoder", "layer"] and int(parts[2]) >= layers

"""The tagger's network as an ONNX file, and back: the lower layers of MPNet, rounded to eight bits.

Song et al. 2020 (MPNet: BERT's layers, with a bias of attention by how far two word pieces are apart). What is
multiplied is eight bits wide, with a scale for each word piece and each column of weights (Dettmers et al. 2022,
LLM.int8(), without its outliers). Each number of the file has the name of the weight that it was, so that a later fit
goes on from it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

HEADS = 12
EPSILON = 1e-5
LONGEST = 260  # word pieces
FIRST_PLACE = 2  # MPNet counts places from behind its padding's
MOST_WEIGHT = 63  # seven bits: sums of two products by eight overflow where a processor has no VNNI
MOST_WORD = 127  # of word vectors, which are only looked up
WORDS, PLACES = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
NEAR = "encoder.relative_attention_bias.weight"
HEADS_WEIGHT = "heads.weight"
SCALES, WHOLE = ":scales", ":whole"
JOINED = ("q", "k", "v")  # one product
_OPSETS = {"": 20, "com.microsoft": 1}
_IR_VERSION = 9  # of the format that goes with this opset
Array = NDArray[np.float32]


def rounded(weight: Array, most: int = MOST_WEIGHT) -> tuple[NDArray[np.int8], Array]:
    """Rows (out, in) in whole numbers of at most `most`, and what one of them is worth in each row (out)."""
    scales: Array = np.abs(weight).max(axis=1) / np.float32(most)
    return np.rint(weight / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8), scales


def save(weights: Mapping[str, Array], path: Path) -> None:
    """`weights`: MPNet's by name, and "heads.weight" (labels, W) and "heads.bias"."""
    onnx.save(_Graph(weights).model(), str(path))


def load(path: Path) -> dict[str, Array]:
    """What `save` saved, as floating point numbers."""
    stored = {each.name: numpy_helper.to_array(each) for each in onnx.load(str(path)).graph.initializer}
    return dict(_weights(stored))


def _weights(stored: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, Array]]:
    for name, value in stored.items():
        plain = name.removesuffix(WHOLE)
        if plain.endswith(SCALES) or not plain.startswith(("embeddings.", "encoder.", "heads.")):
            continue
        if plain != name:
            rows = value if plain == WORDS else value.T
            value = rows * stored[plain + SCALES].reshape(-1, 1)
        if plain in (NEAR, HEADS_WEIGHT):
            value = value.T
        if plain == PLACES:
            value = np.concatenate([np.zeros((FIRST_PLACE, value.shape[1]), np.float32), value])
        if ".qkv." not in plain:
            yield plain, value.astype(np.float32)
            continue
        parts = np.split(value.astype(np.float32), len(JOINED))
        parts[0] = parts[0] * np.float32(np.sqrt(len(parts[0]) // HEADS))
        yield from ((plain.replace("qkv", letter), part) for letter, part in zip(JOINED, parts, strict=True))


class _Graph:
    """`ids` (T) → `logits` (T, labels)."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._numbers: dict[str, Any] = {}
        self._width = weights[WORDS].shape[1]
        states = self._embedded()
        near = self._near()
        layer = 0
        while f"encoder.layer.{layer}.output.dense.weight" in weights:
            states = self._layer(states, near, f"encoder.layer.{layer}.")
            layer += 1
        product = self._node("MatMul", states, self._number(weights[HEADS_WEIGHT].T, HEADS_WEIGHT))
        self._node("Add", product, self._weight("heads.bias"), named="logits")

    def model(self) -> Any:
        labels = len(self._weights["heads.bias"])
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["T"])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["T", labels])
        graph = helper.make_graph(self._nodes, "tagger", [ids], [logits], list(self._numbers.values()))
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _embedded(self) -> str:
        whole, scales = rounded(self._weights[WORDS], MOST_WORD)
        words = self._node(
            "Cast", self._node("Gather", self._number(whole, WORDS + WHOLE), "ids"), to=TensorProto.FLOAT
        )
        by_word = self._node("Gather", self._number(scales[:, None], WORDS + SCALES), "ids")
        places = self._weights[PLACES][FIRST_PLACE : FIRST_PLACE + LONGEST]
        places = self._node("Gather", self._number(places, PLACES), self._counted())
        states = self._node("Add", self._node("Mul", words, by_word), places)
        return self._normal(states, "embeddings.LayerNorm")

    def _counted(self) -> str:
        """0, 1, … T - 1."""
        count = self._node("Squeeze", self._node("Shape", "ids"))
        return self._node("Range", self._number(np.array(0)), count, self._number(np.array(1)))

    def _near(self) -> str:
        """What is added to attention (heads, T, T)."""
        import torch

        distances = torch.arange(1 - LONGEST, LONGEST)
        buckets = MPNetEncoder.relative_position_bucket(distances, num_buckets=len(self._weights[NEAR])).numpy()
        places = self._counted()
        rows = self._node("Unsqueeze", places, self._number(np.array([1])))
        apart = self._node("Add", self._node("Sub", places, rows), self._number(np.array(LONGEST - 1)))
        return self._node(
            "Gather",
            self._number(self._weights[NEAR].T, NEAR),
            self._node("Gather", self._number(buckets), apart),
            axis=1,
        )

    def _layer(self, states: str, near: str, at: str) -> str:
        head = self._width // HEADS
        mixed = self._node(
            "Reshape", self._joined(states, f"{at}attention.attn."), self._number(np.array([-1, 3 * HEADS, head]))
        )
        parts = [f"part_{len(self._nodes)}_{letter}" for letter in JOINED]  # (heads, T, ·) each
        by_head = self._node("Transpose", mixed, perm=[1, 0, 2])
        self._nodes.append(helper.make_node("Split", [by_head], parts, axis=0, num_outputs=len(parts)))
        query, key, value = parts
        told = self._node("Add", self._node("MatMul", query, self._node("Transpose", key, perm=[0, 2, 1])), near)
        told = self._node("MatMul", self._node("Softmax", told, axis=-1), value)
        told = self._node("Transpose", told, perm=[1, 0, 2])
        told = self._node("Reshape", told, self._number(np.array([-1, self._width])))
        told = self._node("Add", states, self._linear(told, f"{at}attention.attn.o"))
        states = self._normal(told, f"{at}attention.LayerNorm")
        wide = self._node("Gelu", self._linear(states, f"{at}intermediate.dense"), approximate="tanh")
        return self._normal(self._node("Add", states, self._linear(wide, f"{at}output.dense")), f"{at}output.LayerNorm")

    def _joined(self, states: str, at: str) -> str:
        weights, biases = ([self._weights[f"{at}{letter}.{kind}"] for letter in JOINED] for kind in ("weight", "bias"))
        shrunk = np.float32(1 / np.sqrt(self._width // HEADS))  # of the query, once for all
        return self._product(
            states,
            np.concatenate([weights[0] * shrunk, *weights[1:]]),
            np.concatenate([biases[0] * shrunk, *biases[1:]]),
            f"{at}qkv",
        )

    def _linear(self, states: str, name: str) -> str:
        return self._product(states, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], name)

    def _product(self, states: str, weight: Array, bias: Array, name: str) -> str:
        whole, scales = rounded(weight)
        greatest = self._node("ReduceMax", self._node("Abs", states), self._number(np.array([-1])), keepdims=1)
        widths = self._node("Mul", greatest, self._number(np.array([1 / 127], np.float32)))  # (T, 1): of one step
        by_row = self._node("Reshape", widths, self._number(np.array([-1])))
        middles = self._node("Expand", self._number(np.array([128], np.uint8)), self._node("Shape", by_row))
        product = self._node(
            *("MatMulIntegerToFloat", self._node("QuantizeLinear", states, by_row, middles, axis=0)),
            *(self._number(whole.T, f"{name}.weight{WHOLE}"), self._number(np.array(1, np.float32))),
            *(self._number(scales, f"{name}.weight{SCALES}"), self._number(np.array(128, np.uint8))),
            self._number(np.zeros(len(scales), np.int8)),
            domain="com.microsoft",
        )
        return self._node("Add", self._node("Mul", product, widths), self._number(bias, f"{name}.bias"))

    def _normal(self, states: str, name: str) -> str:
        scale, shift = (self._weight(f"{name}.{part}") for part in ("weight", "bias"))
        return self._node("LayerNormalization", states, scale, shift, axis=-1, epsilon=EPSILON)

    def _weight(self, name: str) -> str:
        return self._number(self._weights[name], name)

    def _node(self, kind: str, *inputs: str, named: str = "", **how: Any) -> str:
        name = named or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **how))
        return name

    def _number(self, value: Any, name: str = "") -> str:
        name = name or f"number_{len(self._numbers)}"
        self._numbers[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

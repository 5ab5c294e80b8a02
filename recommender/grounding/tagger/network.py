"""MiniLM as the tagger's fit changed it, in eight bits: what web processes can run without torch.

Wang et al. 2020 (MiniLM), Devlin et al. 2019 (BERT's layers, normalisation behind each part).
What is multiplied is eight bits wide, with a scale for each word piece and each column of weights (Dettmers et al.
2022, LLM.int8(), without its outliers): 12 in 1,000 of the likeliest labels differ; a text takes a quarter of the time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

HEADS = 12
EPSILON = 1e-12
MOST_WEIGHT = 63  # seven bits: sums of two products by eight overflow where a processor has no VNNI
WHOLE, SCALES = ":whole", ":scales"  # behind the names of weights that are stored rounded
_OPSETS = {"": 20, "com.microsoft": 1}
_IR_VERSION = 9  # of the format that goes with this opset
Array = NDArray[np.float32]


class Network:
    """Word pieces (T) → logits (T, labels)."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._session = _session(_Graph(weights).model())

    @classmethod
    def load(cls, encoder: Path, changes: Path) -> Self:
        """`encoder`: MiniLM's model.safetensors; `changes`: what benchmarks/fit_tagger.py stored."""
        weights: dict[str, Array] = load_file(encoder)
        changed = load_file(changes)
        for name, value in changed.items():
            if name.endswith(WHOLE):
                plain = name.removesuffix(WHOLE)
                weights[plain] = value.astype(np.float32) * changed[f"{plain}{SCALES}"][:, None]
            elif not name.endswith(SCALES):
                weights[name] = value.astype(np.float32)
        layers = 1 + max(int(name.split(".")[2]) for name in changed if name.endswith(WHOLE))
        return cls({name: value for name, value in weights.items() if not _is_behind(name, layers)})

    def __call__(self, ids: Sequence[int]) -> Array:
        states = self._words[np.asarray(ids)] + self._places[: len(ids)]
        logits: Array = self._session.run(None, {"states": states})[0]
        return logits


class _Graph:
    """The layers as ONNX: `states` (T, W) → `logits` (T, labels)."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._numbers: list[Any] = []
        states = self._normal("states", "embeddings.LayerNorm")
        layer = 0
        while f"encoder.layer.{layer}.output.dense.weight" in weights:
            states = self._layer(states, f"encoder.layer.{layer}.")
            layer += 1
        product = self._node("MatMul", states, self._number(weights["heads.weight"].T))
        self._node("Add", product, self._number(weights["heads.bias"]), named="logits")

    def model(self) -> bytes:
        from onnx import TensorProto, helper

        width, labels = self._weights["heads.weight"].T.shape
        states = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["T", width])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["T", labels])
        graph = helper.make_graph(self._nodes, "tagger", [states], [logits], self._numbers)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        made: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()
        return made

    def _layer(self, states: str, at: str) -> str:
        attention = f"{at}attention.self."
        query, key, value = (self._linear(states, f"{attention}{name}") for name in ("query", "key", "value"))
        width = len(self._weights[f"{attention}query.bias"])
        by_head = self._number(np.array([-1, HEADS, width // HEADS]))
        queries = self._node("Transpose", self._node("Reshape", query, by_head), perm=[1, 0, 2])  # (heads, T, ·)
        keys = self._node("Transpose", self._node("Reshape", key, by_head), perm=[1, 2, 0])
        values = self._node("Transpose", self._node("Reshape", value, by_head), perm=[1, 0, 2])
        near = self._node("MatMul", queries, keys)
        near = self._node("Mul", near, self._number(np.float32(1 / np.sqrt(width // HEADS))))
        near = self._node("Softmax", near, axis=-1)
        mixed = self._node("Transpose", self._node("MatMul", near, values), perm=[1, 0, 2])
        mixed = self._linear(
            self._node("Reshape", mixed, self._number(np.array([-1, width]))), f"{at}attention.output.dense"
        )
        states = self._normal(self._node("Add", states, mixed), f"{at}attention.output.LayerNorm")
        wide = self._node("Gelu", self._linear(states, f"{at}intermediate.dense"), approximate="tanh")
        narrow = self._linear(wide, f"{at}output.dense")
        return self._normal(self._node("Add", states, narrow), f"{at}output.LayerNorm")

    def _linear(self, states: str, name: str) -> str:
        whole, scales = rounded(self._weights[f"{name}.weight"])
        greatest = self._node("ReduceMax", self._node("Abs", states), self._number(np.array([-1])), keepdims=1)
        widths = self._node("Mul", greatest, self._number(np.array([1 / 127], np.float32)))  # (T, 1): of one step
        by_row = self._node("Reshape", widths, self._number(np.array([-1])))
        middles = self._node("Expand", self._number(np.array([128], np.uint8)), self._node("Shape", by_row))
        product = self._node(
            *("MatMulIntegerToFloat", self._node("QuantizeLinear", states, by_row, middles, axis=0)),
            *(self._number(whole.T), self._number(np.array(1, np.float32)), self._number(scales)),
            *(self._number(np.array(128, np.uint8)), self._number(np.zeros(len(scales), np.int8))),
            domain="com.microsoft",
        )
        product = self._node("Mul", product, widths)
        return self._node("Add", product, self._number(self._weights[f"{name}.bias"]))

    def _normal(self, states: str, name: str) -> str:
        scale, shift = (self._number(self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self._node("LayerNormalization", states, scale, shift, axis=-1, epsilon=EPSILON)

    def _node(self, kind: str, *inputs: str, named: str = "", **how: Any) -> str:
        from onnx import helper

        name = named or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **how))
        return name

    def _number(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"number_{len(self._numbers)}"
        self._numbers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name


def rounded(weight: Array) -> tuple[NDArray[np.int8], Array]:
    """A linear layer's weights (out, in) in whole numbers of at most MOST_WEIGHT, and what one is worth (out)."""
    scales: Array = np.abs(weight).max(axis=1) / np.float32(MOST_WEIGHT)
    return np.rint(weight / np.where(scales > 0, scales, 1)[:, None]).astype(np.int8), scales


def _session(model: bytes) -> Any:
    """On one thread: others answer other requests."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _is_behind(name: str, layers: int) -> bool:
    parts = name.split(".")
    return parts[:2] == ["encoder", "layer"] and int(parts[2]) >= layers

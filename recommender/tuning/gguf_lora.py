"""A LoRA adapter in llama.cpp's own format, GGUF, beside the safetensors that peft wrote.

llama.cpp adds scale · alpha / rank · B·A to a weight, as peft does, and names its tensors blk.N.attn_q.weight.lora_a
and so on (gguf's TensorNameMap). Of Llama's kind it holds the outputs of q and k in another order, with the two halves
that rotate together side by side: so the rows of their B are put into that order too. A is as it was.
"""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

# transformers' model types → llama.cpp's architecture, and whether that one reorders the outputs of q and k
ARCHITECTURES = {
    "llama": (gguf.MODEL_ARCH.LLAMA, True),
    "mistral": (gguf.MODEL_ARCH.LLAMA, True),
    "qwen2": (gguf.MODEL_ARCH.QWEN2, False),
    "qwen3": (gguf.MODEL_ARCH.QWEN3, False),
    "gemma": (gguf.MODEL_ARCH.GEMMA, False),
    "gemma2": (gguf.MODEL_ARCH.GEMMA2, False),
    "gemma3_text": (gguf.MODEL_ARCH.GEMMA3, False),
}
SUFFIX = ".gguf"
_PREFIX = "base_model.model."
_PARTS = {".lora_A.weight": ".weight.lora_a", ".lora_B.weight": ".weight.lora_b"}


class NoGgufError(Exception):
    """llama.cpp cannot be given this adapter; the message says why."""


def write(folder: Path, name: str, *, base: Any, alpha: float) -> Path:
    """Write the adapter in `folder` as `name`.gguf beside it and return that path.

    `base`: the base model's transformers configuration; `alpha`: LoRA's. Raises NoGgufError where llama.cpp has no
    names for the base's architecture or one of its layers, with nothing written.
    """
    if base.model_type not in ARCHITECTURES:
        raise NoGgufError(
            f"llama.cpp is not told here what {base.model_type} calls its layers: the adapter is there as safetensors "
            "only, for servers that take those."
        )
    architecture, reorders = ARCHITECTURES[base.model_type]
    names = gguf.get_tensor_name_map(architecture, base.num_hidden_layers)
    tensors = {}
    for key, values in load_file(folder / "adapter_model.safetensors").items():
        layer, part = _parts(key)
        known = names.get_name(layer)
        if known is None:
            raise NoGgufError(f"llama.cpp has no name for {layer}: the adapter is there as safetensors only.")
        if reorders and part == ".weight.lora_b" and (heads := _heads(layer, base)):
            values = side_by_side(values, heads)
        tensors[known + part] = np.ascontiguousarray(values, dtype=np.float32)
    path = folder / f"{name}{SUFFIX}"
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for of, values in sorted(tensors.items()):
        writer.add_tensor(of, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def side_by_side(rows: Any, heads: int) -> Any:
    """(out, …) outputs of `heads` heads, each its first half and then its second, as llama.cpp has them: in turns."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _parts(key: str) -> tuple[str, str]:
    """The layer that a tensor of peft's belongs to, as transformers names it, and which half of LoRA it is."""
    for ending, part in _PARTS.items():
        if key.startswith(_PREFIX) and key.endswith(ending):
            return key.removeprefix(_PREFIX).removesuffix(ending), part
    raise NoGgufError(f"{key} is no part of LoRA that llama.cpp knows: the adapter is there as safetensors only.")


def _heads(layer: str, base: Any) -> int:
    """How many heads a layer's outputs are of, where it is a q or k; else 0."""
    counts = {"q_proj": base.num_attention_heads, "k_proj": base.num_key_value_heads}
    return int(counts.get(layer.rpartition(".")[2], 0))

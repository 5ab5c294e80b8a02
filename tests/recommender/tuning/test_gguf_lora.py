"""An adapter as llama.cpp reads it: names, order and keys, held against gguf's reader and transformers' own order."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from recommender.tuning.gguf_lora import ARCHITECTURES, NoGgufError, side_by_side, write

LAYER = "base_model.model.model.layers.1."
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def base(model_type: str = "llama") -> Any:
    return SimpleNamespace(model_type=model_type, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)


def adapter(folder: Path, *layers: str) -> dict[str, Any]:
    """Rank 2, 16 outputs a layer: every number another one."""
    numbers = np.arange(10_000, dtype=np.float32)
    tensors = {}
    for place, layer in enumerate(layers):
        tensors[f"{LAYER}{layer}.lora_A.weight"] = numbers[place * 50 :][:24].reshape(2, 12).copy()
        tensors[f"{LAYER}{layer}.lora_B.weight"] = numbers[1000 + place * 50 :][:32].reshape(16, 2).copy()
    save_file(tensors, folder / "adapter_model.safetensors")
    return tensors


def test_every_tensor_has_llama_cpps_name_and_only_q_and_k_of_llama_are_put_in_its_order(tmp_path: Path) -> None:
    tensors = adapter(tmp_path, *NAMES)
    path = write(tmp_path, "films-actor-1", base=base(), alpha=16)
    assert path == tmp_path / "films-actor-1.gguf"
    reader = gguf.GGUFReader(path)
    keys = ("general.type", "general.architecture", "adapter.type", "adapter.lora.alpha", "general.name")
    assert [reader.fields[key].contents() for key in keys] == ["adapter", "llama", "lora", 16.0, "films-actor-1"]
    found = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert set(found) == {f"blk.1.{name}.weight.lora_{half}" for name in NAMES.values() for half in "ab"}
    for ours, theirs in NAMES.items():
        a, b = (tensors[f"{LAYER}{ours}.lora_{half}.weight"] for half in "AB")
        heads = {"attn_q": 4, "attn_k": 2}.get(theirs)
        assert np.array_equal(found[f"blk.1.{theirs}.weight.lora_a"], a)
        assert np.array_equal(found[f"blk.1.{theirs}.weight.lora_b"], side_by_side(b, heads) if heads else b)


def test_qwens_q_and_k_stay_in_their_order(tmp_path: Path) -> None:
    tensors = adapter(tmp_path, "self_attn.q_proj")
    reader = gguf.GGUFReader(write(tmp_path, "x", base=base("qwen2"), alpha=1))
    assert reader.fields["general.architecture"].contents() == "qwen2"
    found = {tensor.name: np.array(tensor.data) for tensor in reader.tensors}
    assert np.array_equal(found["blk.1.attn_q.weight.lora_b"], tensors[f"{LAYER}self_attn.q_proj.lora_B.weight"])


@given(heads=st.integers(1, 9), half=st.integers(1, 8), columns=st.integers(1, 3))
def test_transformers_reads_that_order_back(heads: int, half: int, columns: int) -> None:
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    rows = np.arange(heads * 2 * half * columns).reshape(-1, columns)
    back = LlamaTensorProcessor()._reverse_permute_weights(side_by_side(rows, heads), heads, heads)
    assert np.array_equal(back, rows)


def test_only_those_kinds_are_reordered_that_transformers_puts_back() -> None:
    from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, LlamaTensorProcessor

    for architecture, reorders in ARCHITECTURES.values():
        puts_back = TENSOR_PROCESSORS.get(gguf.MODEL_ARCH_NAMES[architecture]) is LlamaTensorProcessor
        assert reorders == puts_back, architecture


def test_a_head_has_its_halves_in_turns() -> None:
    assert side_by_side(np.arange(8), 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize(
    ("model_type", "layer", "words"),
    [("mamba", "self_attn.q_proj", "what mamba calls its layers"), ("llama", "mixer.in_proj", "no name for")],
)
def test_what_llama_cpp_has_no_names_for_is_said_and_leaves_no_file(
    tmp_path: Path, model_type: str, layer: str, words: str
) -> None:
    adapter(tmp_path, layer)
    with pytest.raises(NoGgufError, match=words):
        write(tmp_path, "x", base=base(model_type), alpha=16)
    assert [path.name for path in tmp_path.iterdir()] == ["adapter_model.safetensors"]


def test_a_part_that_is_not_loras_is_refused(tmp_path: Path) -> None:
    save_file({f"{LAYER}mlp.up_proj.lora_magnitude": np.ones(3, np.float32)}, tmp_path / "adapter_model.safetensors")
    with pytest.raises(NoGgufError, match="lora_magnitude is no part"):
        write(tmp_path, "x", base=base(), alpha=16)

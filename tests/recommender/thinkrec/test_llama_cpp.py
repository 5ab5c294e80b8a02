"""llama.cpp's scales of a request are the weighted sum of the adapters' deltas: the real SmolLM2, with random LoRAs."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recommender.llm.weights import NoWeightsError, gguf_of
from recommender.thinkrec.experts.gate import by_weights
from recommender.thinkrec.experts.remote import acting, lora_scales

pytest.importorskip("xllamacpp")
gguf = pytest.importorskip("gguf")

RANK, LAYERS, WIDTH, WIDER = 4, 30, 576, 1536  # of SmolLM2-135M; its feed-forward layers' way back has the two widths
PROMPT = "This user liked Fargo. Would they like Heat?"
ASK = """
import json, os, sys
import xllamacpp

model, adapters, bodies = json.loads(sys.argv[1])
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.hostnames, params.port = model, 256, 1, ["127.0.0.1"], 0
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in adapters]
server = xllamacpp.Server(params)
print("ANSWERS" + json.dumps([server.handle_completions(body) for body in bodies]), flush=True)
os._exit(0)
"""
Low = dict[int, tuple[np.ndarray, np.ndarray]]


def adapter(seed: int) -> Low:
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    return {layer: (drawn(RANK, WIDER) / math.sqrt(WIDER), 0.6 * drawn(WIDTH, RANK)) for layer in range(LAYERS)}


def write(path: Path, low: Low) -> str:
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * len(low[0][0]))  # twice the rank
    for layer, (down, up) in low.items():
        writer.add_tensor(f"blk.{layer}.ffn_down.weight.lora_a", down)
        writer.add_tensor(f"blk.{layer}.ffn_down.weight.lora_b", up)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


@pytest.mark.once
def test_scales_of_a_request_are_the_exact_sum_of_deltas(tmp_path: Path) -> None:
    try:
        model = str(gguf_of("smollm2"))
    except NoWeightsError as missing:
        pytest.skip(str(missing))
    shared, one, two = adapter(0), adapter(1), adapter(2)
    summed = {  # of rank 8
        layer: (np.concatenate([one[layer][0], two[layer][0]]), np.hstack([0.7 * one[layer][1], 0.3 * two[layer][1]]))
        for layer in one
    }
    files = [write(tmp_path / f"{n}.gguf", low) for n, low in enumerate([shared, one, two, summed])]
    held = {"global": 0, "one": 1, "two": 2}
    fused, alone, general = (
        lora_scales(acting(list(held), by_weights(each).scales), held) for each in ([0.7, 0.3], [0.9, 0.1], [0.5, 0.5])
    )
    by_hand = {"lora": [{"id": 3, "scale": 1.0}], "cache_prompt": False}
    usual = {"prompt": PROMPT, "max_tokens": 1, "logprobs": 100, "temperature": 0.0}
    asked = json.dumps([model, files, [usual | more for more in (fused, by_hand, alone, general)]])
    done = subprocess.run([sys.executable, "-c", ASK, asked], capture_output=True, text=True, timeout=120, check=True)
    answers = json.loads(done.stdout.partition("ANSWERS")[2])
    said = [
        {each["id"]: each["logprob"] for each in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
        for answer in answers
    ]

    def apart(a: dict[int, float], b: dict[int, float]) -> float:
        return float(np.mean([abs(a[token] - b[token]) for token in a.keys() & b.keys()]))

    # The base's weights have four bits, and what meets them is rounded to eight: that is all that differs.
    assert apart(said[0], said[1]) < 0.25 * min(apart(said[0], said[2]), apart(said[0], said[3]))

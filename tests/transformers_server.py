"""A second, real endpoint: `transformers serve` with a tiny model of random weights, made here. Its answers are noise.

    with transformers_server.serve(folder) as server:
        openai.OpenAI(base_url=server.base_url, api_key="none").chat.completions.create(model=server.model, …)

Needs transformers[serving] and torch (requirements/dev.lock). Starting takes several seconds: one for a whole run.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from recommender.rounds.core.prompts.template import FOLDER
from tests.servers import free_port, wait_until

VOCABULARY = 800
CONTEXT = 4096  # tokens
CHAT_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"
SECONDS_TO_START = 120


@dataclass(frozen=True)
class TransformersServer:
    base_url: str
    model: str


def make_model(folder: Path, *, seed: int = 0, architecture: str = "llama") -> Path:
    """Write a Llama or Qwen2 of about a hundred thousand random weights and a BPE tokenizer trained on our prompts."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator((path.read_text() for path in sorted(FOLDER.rglob("*.txt"))), trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = AutoConfig.for_model(
            architecture,
            vocab_size=len(fast),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@contextmanager
def serve(folder: Path, *, model: Path | None = None) -> Iterator[TransformersServer]:
    """Serve a model on a free port until the block ends; without one, make it in `folder`."""
    model = model or make_model(folder / "tiny-noise")
    port = free_port()
    command = shutil.which("transformers", path=str(Path(sys.executable).parent)) or "transformers"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(folder / "hub")}
    arguments = [command, "serve", str(model), "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        try:
            wait_until(lambda: _healthy(process, port, log), seconds=SECONDS_TO_START, what="transformers serve")
            yield TransformersServer(f"http://127.0.0.1:{port}/v1", str(model))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def shared(folder: Path, *, of_all: Path) -> Iterator[TransformersServer]:
    """One server for all processes that name the same `of_all`: the first starts it, and ends it when no other uses it.

    The files of the one who starts it are in `folder`.
    """
    address = of_all / "transformers-serve.json"
    with (of_all / "transformers-serve.start").open("w") as start, (of_all / "transformers-serve.use").open("w") as use:
        fcntl.flock(start, fcntl.LOCK_EX)
        if address.exists():
            fcntl.flock(use, fcntl.LOCK_SH)
            fcntl.flock(start, fcntl.LOCK_UN)
            yield TransformersServer(**json.loads(address.read_text()))
            return
        with serve(folder) as server:
            address.write_text(json.dumps(asdict(server)))
            fcntl.flock(start, fcntl.LOCK_UN)
            yield server
            fcntl.flock(start, fcntl.LOCK_EX)
            address.unlink()  # who comes now starts one
            fcntl.flock(start, fcntl.LOCK_UN)
            fcntl.flock(use, fcntl.LOCK_EX)


def _healthy(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"transformers serve ended with {process.returncode}: {log.read_text()[-2000:]}")
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False

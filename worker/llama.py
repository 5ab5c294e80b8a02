"""`python -m worker.llama --model smollm2 --port 8001`: llama.cpp's server for a model file of this machine.

It takes the place of the embedded endpoint where R4_LLM names a model. Memory and threads are bounded: contexts are as
long and as many as fit beside everything else, and so many threads as are free, since llama.cpp's wait for each other.
"""

import argparse
import os
import signal
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recommender.llm import adapters, gguf_header
from recommender.llm.gguf_header import Header
from recommender.llm.weights import NoWeightsError, gguf_of, name_of

LONGEST, SHORTEST = 8192, 2048  # tokens of one context: a long prompt, its answer and the repair; the least of use
MOST_SLOTS = 2  # questions at once: on few cores more of them together are slower than one after the other
SHARE = 0.6  # of the free memory that weights and contexts may take: training needs some too
KEPT_PROMPTS = 256  # MiB of prompts read before, so that what they begin with is not read again
UNKNOWN_BYTES = 2**17  # of a token, where the file does not say: as a model of 8 B parameters takes
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Room:
    """How many contexts of how many tokens."""

    slots: int
    context: int


def default_threads() -> int:
    """Half of the cores: training and the pages have the others."""
    return max(1, (os.cpu_count() or 1) // 2)


def installed() -> bool:
    return find_spec("xllamacpp") is not None


def room_for(header: Header, *, weights: int, free: int) -> Room:
    """What fits into `free` bytes beside `weights` bytes. Raises NoWeightsError where nothing useful does."""
    each = header.bytes_a_token or UNKNOWN_BYTES
    tokens = int(SHARE * free - weights) // each
    longest = min(header.context or LONGEST, LONGEST)
    least = min(SHORTEST, longest)
    if tokens < least:
        needed = (weights + least * each) / SHARE
        raise NoWeightsError(
            f"The model needs about {needed / 2**30:.1f} GiB of free memory, and {free / 2**30:.1f} GiB are free: "
            "choose a smaller one, or a stronger quantization of it."
        )
    context = min(longest, tokens)
    return Room(slots=max(1, min(MOST_SLOTS, tokens // context)), context=context)


def free_memory() -> int:
    """Bytes that this process may still use: what the machine has available, and what its container is given."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    try:
        most = int((CGROUP / "memory.max").read_text()) - int((CGROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no container, or one without a bound
        return free
    return min(free, max(most, 0))


def _server(path: Path, room: Room, arguments: argparse.Namespace) -> Any:
    """A server that listens by now, and loads. Raises RuntimeError."""
    import xllamacpp  # noqa: PLC0415 - an extra: the checks of settings read this file where it is not installed

    chosen = xllamacpp.CommonParams()
    chosen.model.path = str(path)
    chosen.model_alias = {name_of(arguments.model)}
    chosen.hostnames, chosen.port = [arguments.host], arguments.port
    chosen.n_parallel, chosen.n_ctx = room.slots, room.slots * room.context
    chosen.cache_ram_mib = KEPT_PROMPTS
    chosen.cors_origins = "http://127.0.0.1"  # no page of another site asks through somebody's browser
    chosen.ui = chosen.endpoint_slots = False
    for threads in (chosen.cpuparams, chosen.cpuparams_batch):
        threads.n_threads, threads.poll = arguments.threads, 0  # polling takes the core that others wait for
    adapters.hold(chosen, arguments.adapter)
    return xllamacpp.Server(chosen)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m worker.llama", description=__doc__)
    parser.add_argument("--model", required=True, help="smollm2, or the path of a .gguf file")
    parser.add_argument("--adapter", type=Path, action="append", default=[], help="a LoRA adapter's .gguf file; again")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--threads", type=int, default=default_threads(), help="half of the cores unless told")
    arguments = parser.parse_args()
    try:
        path = gguf_of(arguments.model)
        header = gguf_header.read(path)
        room = room_for(header, weights=path.stat().st_size, free=free_memory())
    except NoWeightsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        server = _server(path, room, arguments)
    except RuntimeError as error:
        sys.stderr.write(f"llama.cpp cannot serve {path} on {arguments.host}:{arguments.port}: {error}.\n")
        return 1
    sys.stderr.write(
        f"{header.name or path.stem}, {header.parameters / 1e6:,.1f} million parameters, at "
        f"{server.listening_address}/v1: {room.slots} contexts of {room.context} tokens, {arguments.threads} threads\n"
    )
    sys.stderr.flush()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # whoever waits for an answer asks again
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())

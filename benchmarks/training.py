"""How fast does the training loop run, beside FuxiCTR's, torch-rechub's and the per-row loop of KAR and R4ec?

    make bench-training                       # all of it, about 12 minutes
    make bench-training ARGS="--data FOLDER"  # of GroupLens's ML-1M
    python -m benchmarks.training --quick     # fewer repetitions, ML-100k for parity and memory

Every loop trains the same model on the same rows in this one process, on one thread, loading included; repetitions of
all loops take turns, and medians of samples per second of processor time are shown. The model (peers/naive.py): DIN,
history of 10, items by id and first genre (32 each), histories with feedback, attention 32-16, perceptron 200-80, ReLU,
no dropout; with knowledge KAR's adapter, 2 shared + 5 specific experts, 768 → 128 → 32. The peers run it in its papers'
form, with batches of several sizes, and also their own, lighter DIN (no feedback, no map of the past); the best
counts. Rows: ML-1M's train part (--data), drawn at random.

Then: scores of the fast loop beside the plain one's with intervals; memory by epoch. The last line is one JSON object.
Peers are installed from requirements/oracles.lock, into var/peers unless they are there.
"""

import argparse
import contextlib
import itertools
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "r4web.settings")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import django  # noqa: E402

django.setup()

import numpy as np  # noqa: E402
import torch  # noqa: E402

from benchmarks.peers import libraries, naive  # noqa: E402
from benchmarks.peers.rows import Rows, is_there, read  # noqa: E402
from recommender.backbones.base import Backbone  # noqa: E402
from recommender.backbones.batch import InputSizes  # noqa: E402
from recommender.backbones.registry import make  # noqa: E402
from recommender.dataset.numbering import FIRST_ITEM, PADDING_ITEM  # noqa: E402
from recommender.measures import bootstrap  # noqa: E402
from recommender.measures.scores import logloss  # noqa: E402
from recommender.recipe import SWITCHES, TrainConfig  # noqa: E402
from recommender.runs.errors import StoppedError  # noqa: E402
from recommender.training import loop  # noqa: E402

Loop = Callable[[int], int]  # trains on about so many samples, and returns how many they were
OFF: dict[str, Any] = dict.fromkeys(SWITCHES, False)
SAME = TrainConfig(**OFF, history=10, dropout=0.0, rare_below=0, compile="on", epochs=1, specific_experts=5)
WITH_KNOWLEDGE = SAME.but(knowledge_field=True, knowledge_dropout=0.0)
VECTOR = 768  # as BERT's and MiniLM-sized encoders of KAR give
OUR_BATCHES, PEER_BATCHES = (2048, 8192), (256, 1024, 4096)
LARGE = 8192
GROUPED = 8
PLAIN_RATE = 1e-3  # of batches of 256
RATE_POWER = 0.4  # the rate grows with the batch by this power, which the valid scores of ML-1M chose
GOALS = {"fuxictr": 2.5, "torch_rechub": 3.5, "per_row": 13.0, "gemm": 0.5}


class Stamps:
    """An observer that notes the processor time at the end of every step, and stops after `most` of them."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.at_step: list[float] = []
        self.memory: list[int] = []

    def at(self, stage: str, done: int, of: int) -> None:
        self.at_step.append(time.process_time())
        if len(self.at_step) == self.most:
            raise StoppedError

    def alive(self) -> None:
        pass

    def epoch(self, epoch: object) -> None:
        self.memory.append(resident())


def backbone_of(rows: Rows, config: TrainConfig, vectors: np.ndarray | None = None) -> Backbone:
    """An untrained backbone for these rows, every item with an embedding of its own."""
    of = rows.examples.interactions
    items = FIRST_ITEM + len(of.items)
    sizes = InputSizes(
        items=items,
        item_ids=items,
        tokens=1 + len(of.tokens),
        tokens_per_item=1,
        feedback=of.scale.buckets,
        knowledge=0 if vectors is None else vectors.shape[1],
    )
    torch.manual_seed(config.seed)
    backbone = make(sizes, config)
    backbone.items.describe(id_of=torch.arange(items), tokens_of=torch.from_numpy(rows.genre_of).unsqueeze(1))
    if backbone.knowledge is not None:
        backbone.knowledge.read(torch.from_numpy(vectors))
    return backbone


class Ours:
    """The project's own `training.loop.fit`, batches and all, stopped after so many steps."""

    def __init__(self, rows: Rows, config: TrainConfig, vectors: np.ndarray | None = None) -> None:
        self.rows, self.config = rows, config
        self.backbone = backbone_of(rows, config, vectors)
        self.seconds = 0.0  # of the steps alone: a fit also begins and ends, which a long one does not notice

    def __call__(self, samples: int) -> int:
        size = self.config.batch_size
        steps = max(4, 1 + -(-samples // size))
        stamps = Stamps(steps)
        with contextlib.suppress(StoppedError):
            loop.fit(self.backbone, self.rows.examples, self.rows.parts, self.config, model="", observer=stamps)
        self.seconds = stamps.at_step[-1] - stamps.at_step[0]
        return (steps - 1) * size


def measure(loops: dict[str, Loop], *, repetitions: int, samples: dict[str, int]) -> dict[str, float]:
    """Median samples per second of processor time of each loop; every repetition runs all of them in turn."""
    found: dict[str, list[float]] = {name: [] for name in loops}
    for repetition in range(repetitions + 1):
        for name, one in loops.items():
            began = time.process_time()
            done = one(samples.get(name, 40_000))
            seconds = one.seconds if isinstance(one, Ours) else time.process_time() - began
            if repetition:  # the first time warms up
                found[name].append(done / seconds)
        print(f"  repetition {repetition} of {repetitions} ", end="\r", file=sys.stderr, flush=True)
    return {name: statistics.median(values) for name, values in found.items()}


class Gemm:
    """A large product of float32 matrices, "samples" being floating point operations."""

    def __init__(self, size: int) -> None:
        self.one, self.other = torch.randn(size, size), torch.randn(size, size)

    def __call__(self, samples: int) -> int:
        operations = 2 * len(self.one) ** 3
        times = max(1, int(2e10 / operations))
        for _ in range(times):
            self.one @ self.other
        return times * operations


def operations(rows: Rows, config: TrainConfig, size: int) -> float:
    """Floating point operations per sample of the matrix products that one step does, forward and backward.

    As folded: what is computed once per step for the tables counts once, padding slots do not count, and neither do
    products that folding saves. A product costs as much again for each of its two gradients.
    """
    table, first = 2 * config.embedding, config.attention[0]
    batch = rows.examples.batch(rows.parts.train[:: max(1, len(rows.parts.train) // 20_000)])
    slots = float((batch.history_item != PADDING_ITEM).sum(axis=1).mean())
    widths = [*config.attention, 1]
    head = [2 * table, *config.head, 1]
    folded = len(rows.genre_of) * (table * table + table * first) / size
    per_slot = table * first + sum(one * other for one, other in itertools.pairwise(widths)) + table
    whole = folded + slots * per_slot + table * first + sum(a * b for a, b in itertools.pairwise(head))
    return 3 * 2 * whole


def speeds(rows: Rows, *, repetitions: int) -> dict[str, Any]:
    chosen = np.random.default_rng(0).permutation(rows.parts.train)[:100_000]
    data, of = naive.columns(rows, chosen), rows.examples.interactions
    vectors = np.random.default_rng(1).normal(size=(1 + len(of.end_users) + FIRST_ITEM + len(of.items), VECTOR))
    vectors = vectors.astype(np.float32)
    texts = {"end_user_text": 1 + of.end_user, "item_text": 1 + len(of.end_users) + FIRST_ITEM + of.item}
    known = replace(rows, examples=replace(rows.examples, **texts))
    lists = (vectors[1 : 1 + len(of.end_users)].tolist(), vectors[1 + len(of.end_users) :].tolist())
    per_row = naive.PerRow(data, of.end_user[chosen], lists)
    with tempfile.TemporaryDirectory() as folder:
        loops: dict[str, Loop] = {f"gemm {size}": Gemm(size) for size in (512, 1024, 2048)}
        for size in OUR_BATCHES:
            loops[f"ours, batch {size}"] = Ours(rows, SAME.but(batch_size=size))
        loops[f"ours without kernels, batch {LARGE}"] = Ours(rows, SAME.but(batch_size=LARGE, compile="off"))
        loops[f"ours + history match, batch {LARGE}"] = Ours(rows, SAME.but(batch_size=LARGE, match=True))
        some = replace(rows, parts=replace(rows.parts, train=np.sort(chosen)))
        loops[f"ours, streamed, batch {LARGE}"] = Ours(some, SAME.but(batch_size=LARGE, stream=True))
        for size in (LARGE, 2 * LARGE):
            loops[f"ours + knowledge, batch {size}"] = Ours(known, WITH_KNOWLEDGE.but(batch_size=size), vectors)
        grouped = WITH_KNOWLEDGE.but(batch_size=LARGE, grouped=GROUPED)
        loops[f"ours + knowledge, grouped {GROUPED}, batch {LARGE}"] = Ours(known, grouped, vectors)
        loops["per-row loop + knowledge, batch 256"] = naive.PerRowLoop(
            naive.naive_model(rows, knowledge=VECTOR), per_row
        )
        for size in PEER_BATCHES:
            loops[f"plain loop, batch {size}"] = naive.Plain(naive.naive_model(rows), data, size=size)
            for same in (True, False):
                kind = "same model" if same else "own DIN"
                model = naive.naive_model(rows) if same else None
                fuxi = libraries.Fuxi(rows, data, size=size, same=same, folder=Path(folder))
                loops[f"FuxiCTR, {kind}, batch {size}"] = fuxi
                loops[f"torch-rechub, {kind}, batch {size}"] = libraries.Rechub(rows, data, size=size, same=model)
        found = measure(loops, repetitions=repetitions, samples={"per-row loop + knowledge, batch 256": 5_000})
    gemm = max(value for name, value in found.items() if name.startswith("gemm"))

    def best(start: str) -> float:
        return max(value for name, value in found.items() if name.startswith(start))

    speed = {name: value for name, value in found.items() if not name.startswith("gemm")}
    ours, per_sample = best("ours, batch "), operations(rows, SAME, LARGE)
    knowledge = {
        "knowledge": found[f"ours + knowledge, batch {LARGE}"],
        "knowledge_twice_the_batch": found[f"ours + knowledge, batch {2 * LARGE}"],
        "knowledge_grouped": found[f"ours + knowledge, grouped {GROUPED}, batch {LARGE}"],
    }
    loop_of_papers = found["per-row loop + knowledge, batch 256"]
    ratios = {
        "fuxictr": ours / best("FuxiCTR, same model"),
        "fuxictr_own_lighter_din": ours / best("FuxiCTR, own DIN"),
        "torch_rechub": ours / best("torch-rechub, same model"),
        "torch_rechub_own_din": ours / best("torch-rechub, own DIN"),
        "per_row": knowledge["knowledge_grouped"] / loop_of_papers,
        "per_row_independent_rows": knowledge["knowledge"] / loop_of_papers,
        "per_row_independent_rows_twice_the_batch": knowledge["knowledge_twice_the_batch"] / loop_of_papers,
        "gemm": found[f"ours, batch {LARGE}"] * per_sample / gemm,
    }
    return {
        "samples_per_second": {name: round(value) for name, value in speed.items()},
        "gemm_gflops": round(gemm / 1e9, 1),
        "mflop_per_sample": round(per_sample / 1e6, 3),
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
    }


def parity(rows: Rows, *, seeds: int, epochs: int) -> dict[str, Any]:
    """Test scores of the fast loop less those of the plain one, paired over end users and seeds."""
    test, of = rows.parts.test, rows.examples.interactions
    label = of.liked[test].astype(np.float64)
    made: dict[str, list[np.ndarray]] = {"plain": [], "fast": [], "grouped": []}
    for seed in range(1, 1 + seeds):
        made["plain"].append(_plain(rows, seed=seed, epochs=epochs))
        for name, grouped in (("fast", 1), ("grouped", GROUPED)):
            config = SAME.but(seed=seed, epochs=epochs, patience=2, grouped=grouped)
            config = config.but(batch_size=min(LARGE, 2 ** (len(rows.parts.train) // 40).bit_length() // 2))
            config = config.but(learning_rate=PLAIN_RATE * (config.batch_size / 256) ** RATE_POWER)
            backbone = backbone_of(rows, config)
            loop.fit(backbone, rows.examples, rows.parts, config, model="", observer=Stamps())
            made[name].append(loop.predict(backbone, rows.examples, test, observer=Stamps()))
    stacked = {name: np.stack(each) for name, each in made.items()}
    metrics = ("auc", "gauc", "logloss")
    plain = bootstrap.scores(label, stacked["plain"], of.end_user[test], metrics=metrics)
    found: dict[str, Any] = {"plain": {name: round(one.estimate, 4) for name, one in plain.items() if one}}
    for name in ("fast", "grouped"):
        differences = bootstrap.scores(
            label, stacked[name], of.end_user[test], against=stacked["plain"], metrics=metrics
        )
        found[f"{name} - plain"] = {
            metric: [round(one.estimate, 4), round(one.low, 4), round(one.high, 4)]
            for metric, one in differences.items()
            if one
        }
    return found | {"seeds": seeds, "batch": config.batch_size, "learning_rate": round(config.learning_rate, 5)}


def _plain(rows: Rows, *, seed: int, epochs: int) -> np.ndarray:
    """Test probabilities of the plain loop with batches of 256, the epoch chosen on valid with a patience of 2."""
    torch.manual_seed(seed)
    model = naive.naive_model(rows)
    plain = naive.Plain(model, naive.columns(rows, rows.parts.train), size=256, rate=PLAIN_RATE)
    best, best_loss, since = np.zeros(0), np.inf, 0

    def probabilities(chosen: np.ndarray) -> np.ndarray:
        data = {name: torch.from_numpy(column) for name, column in naive.columns(rows, chosen).items()}
        with torch.inference_mode():
            some = zip(*(column.split(LARGE) for column in data.values()), strict=True)
            logits = torch.cat([model(dict(zip(data, one, strict=True))) for one in some])
        return logits.double().sigmoid().numpy()

    for _ in range(epochs):
        model.train()
        for batch in plain.epoch():
            plain.step(batch)
        model.eval()
        loss = logloss(rows.examples.labels(rows.parts.valid), probabilities(rows.parts.valid))
        since += 1
        if loss < best_loss:
            best, best_loss, since = probabilities(rows.parts.test), loss, 0
        elif since >= 2:
            break
    return best


def resident() -> int:
    """Bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(folder: Path) -> dict[str, Any]:
    """In a process of its own: reading the rows, six epochs of DIN at history 30 with the match, their scores."""
    command = [sys.executable, "-m", "benchmarks.training", "--memory", "--data", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory(folder: Path) -> dict[str, Any]:
    rows = read(folder, history=30)
    config = SAME.but(history=30, match=True, batch_size=LARGE, epochs=6, patience=6, dropout=0.2)
    stamps = Stamps()
    loop.fit(backbone_of(rows, config), rows.examples, rows.parts, config, model="", observer=stamps)
    mib = [round(one / 2**20) for one in stamps.memory]
    return {"epoch_mib": mib, "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared / "ml-1m", help="a folder of ML-1M or ML-100k")
    parser.add_argument("--small", type=Path, default=shared / "ml-100k", help="for parity and memory with --quick")
    parser.add_argument("--seeds", type=int, default=3, help="of parity")
    parser.add_argument("--epochs", type=int, default=12, help="of parity, at most")
    parser.add_argument("--repetitions", type=int, help="of every loop: 5, with --quick 2")
    parser.add_argument("--quick", action="store_true", help="two repetitions, parity and memory on --small")
    parser.add_argument("--only", choices=["speed", "parity", "memory"], help="one part alone")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    options.repetitions = options.repetitions or (2 if options.quick else 5)
    torch.set_num_threads(1)
    if options.memory:
        print(json.dumps(_memory(options.data)))
        return
    found: dict[str, Any] = {"benchmark": "training", "machine": platform.processor() or platform.machine()}
    slow = options.small if options.quick else options.data
    for folder in [options.data, slow] if options.only in (None, "speed") else [slow]:
        if not is_there(folder):
            parser.error(f"No MovieLens in {folder}: name a folder with --data, and with --quick --small")
    if options.only in (None, "speed"):
        libraries.install(ROOT / "var" / "peers")
        found |= speeds(read(options.data, history=SAME.history), repetitions=options.repetitions)
        width = max(map(len, found["samples_per_second"]))
        for name, value in found["samples_per_second"].items():
            print(f"{name:{width}} {value:>9,} samples/s")
        print(
            f"{'GEMM, float32':{width}} {found['gemm_gflops']:>9} GFLOP/s; {found['mflop_per_sample']} MFLOP a sample"
        )
        for name, value in found["ratios"].items():
            print(f"ratio {name:{width - 6}} {value:>9}" + (f"  (goal {GOALS[name]})" if name in GOALS else ""))
    if options.only in (None, "parity"):
        found["parity"] = {"data": slow.name} | parity(
            read(slow, history=SAME.history), seeds=options.seeds, epochs=options.epochs
        )
        for name, value in found["parity"].items():
            print(f"parity, {name}: {value}")
    if options.only in (None, "memory"):
        found["memory"] = {"data": slow.name} | memory(slow)
        print(f"memory: {found['memory']}")
    found["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""How fast does every backbone train, and rank a whole catalog once exported?

    python -m benchmarks.backbones [--backbone KEY …] [--items N] [--history N] [--batch-size N] [--knowledge WIDTH]

Random inputs of ML-100k's size: speed does not depend on how good a model is. All inputs are on but knowledge, which
--knowledge adds. Training is one eager step (forward, backward, fused AdamW), serving one context against all items in
onnxruntime, both on one thread. Times are this process's own CPU seconds, which hold better on a busy machine than the
clock does: the fast fifth of the steps, the median of the answers. The last line printed is one JSON object.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch.nn import functional

from recommender.artifacts import graph
from recommender.backbones.base import Backbone
from recommender.backbones.batch import Batch, InputSizes
from recommender.backbones.registry import make
from recommender.dataset.numbering import FIRST_ITEM
from recommender.recipe import BACKBONES, TrainConfig

STEPS, ANSWERS = 15, 30
TEXTS, TOKENS, OF_END_USER, SIGNALS = 2000, 40, 3, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="+", choices=list(BACKBONES), default=list(BACKBONES))
    parser.add_argument("--items", type=int, default=1682)
    parser.add_argument("--history", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--knowledge", type=int, default=0, help="the width of knowledge vectors; 0: none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'backbone':12}{'weights':>10}{'samples/s':>12}{'ms to rank':>12}")
    found = {}
    for name in options.backbone:
        config = TrainConfig(backbone=name, history=options.history)
        network, batch = prepared(config, options)
        speed = training(network, config, batch)
        milliseconds = serving(network.eval(), config, batch)
        weights = sum(weight.numel() for weight in network.parameters())
        found[name] = {"weights": weights, "samples_per_second": round(speed), "milliseconds": round(milliseconds, 2)}
        print(f"{name:12}{weights:>10,}{speed:>12,.0f}{milliseconds:>12.2f}", flush=True)
    settings = {name: value for name, value in vars(options).items() if name != "backbone"}
    print(json.dumps({"backbones": found, "torch": str(torch.__version__)} | settings))


def prepared(config: TrainConfig, options: argparse.Namespace) -> tuple[Backbone, Batch]:
    rows = FIRST_ITEM + options.items
    sizes = InputSizes(
        items=rows,
        item_ids=rows,
        tokens=TOKENS,
        tokens_per_item=3,
        feedback=13,
        knowledge=options.knowledge,
        signals=SIGNALS,
        end_user_tokens=TOKENS,
    )
    torch.manual_seed(config.seed)
    network = make(sizes, config)
    network.items.describe(id_of=torch.arange(rows), tokens_of=torch.randint(0, TOKENS, (rows, 3)))
    if network.knowledge is not None:
        network.knowledge.read(torch.randn(TEXTS, options.knowledge))
    many, history = options.batch_size, (options.batch_size, options.history)
    return network, Batch(
        torch.randint(FIRST_ITEM, rows, (many, 1)),
        torch.randint(FIRST_ITEM, rows, history),
        torch.randint(1, sizes.feedback, history),
        torch.randint(0, TEXTS, (many,)),
        torch.randint(0, TEXTS, (many, 1)),
        torch.randn(many, 1, SIGNALS),
        torch.randint(1, TOKENS, (many, OF_END_USER)),
    )


def training(network: Backbone, config: TrainConfig, batch: Batch) -> float:
    """Samples per second."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, fused=True)
    liked = torch.randint(0, 2, batch.item.shape).float()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        functional.binary_cross_entropy_with_logits(network(batch), liked).backward()
        optimizer.step()

    return len(liked) / float(np.quantile(seconds(step, times=STEPS), 0.2))


def serving(network: Backbone, config: TrainConfig, batch: Batch) -> float:
    """Milliseconds to score every item for one context."""
    width = config.adapter_width + 1 if network.knowledge is not None else 1
    end_users, items = torch.randn(1, width), torch.randn(network.sizes.items, width)
    form = graph.ServingForm(network, items if network.knowledge is not None else None).eval()
    candidates = np.arange(FIRST_ITEM, network.sizes.items)[None]
    given = dict(
        zip(
            graph.INPUTS,
            (
                candidates,
                batch.history_item[:1].numpy(),
                batch.history_feedback[:1].numpy(),
                end_users.numpy(),
                np.random.default_rng(0).normal(size=(*candidates.shape, SIGNALS)).astype(np.float32),
                batch.end_user_tokens[:1].numpy(),
            ),
            strict=True,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        graph.save(form, path, history=config.history, end_users=end_users, tokens=OF_END_USER)
        one_thread = onnxruntime.SessionOptions()
        one_thread.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), one_thread, providers=["CPUExecutionProvider"])
    given = {one.name: given[one.name] for one in session.get_inputs()}
    return 1000 * float(np.median(seconds(lambda: session.run(None, given), times=ANSWERS)))


def seconds(work: Callable[[], object], *, times: int) -> list[float]:
    """CPU seconds of each time."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return taken


if __name__ == "__main__":
    main()

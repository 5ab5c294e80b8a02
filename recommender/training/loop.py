"""Fitting one backbone: batches from memory or a stream, fused AdamW, the best epoch by its valid score.

The loop knows no architecture: a backbone answers a batch with logits, and may have native kernels for doing so.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from recommender.backbones.base import Backbone
from recommender.dataset.examples import Examples
from recommender.dataset.split import Parts, Rows
from recommender.measures.scores import Scores, scores
from recommender.recipe import TrainConfig
from recommender.runs.observer import Epoch, Observer
from recommender.training import distributed
from recommender.training.batches import Source, to_batch
from recommender.training.sources import open_source

LARGEST_BATCH, SMALLEST_BATCH = 2048, 32
STEPS_PER_EPOCH = 128  # small data gets smaller batches, so that an epoch still is that many steps
ROWS_TO_SCORE = 8192
WORTH_COMPILING = 250_000  # samples times epochs: below, compiling kernels costs more time than they save


@dataclass(frozen=True, slots=True)
class Fit:
    """What came of it. The backbone that was fitted holds its best epoch's weights, in eval mode."""

    valid: Scores
    test: Scores
    best_epoch: int  # from 1
    epochs: int  # that were run
    batch_size: int
    seconds: float  # training steps only
    samples_per_second: float
    details: Mapping[str, Any] = field(default_factory=dict)  # of what was done with the fitted backbone

    def to_json(self) -> dict[str, Any]:
        return {
            "valid": self.valid.to_json(),
            "test": self.test.to_json(),
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "seconds": round(self.seconds, 3),
            "samples_per_second": round(self.samples_per_second, 1),
            **self.details,
        }


def fit(
    backbone: Backbone,
    examples: Examples,
    parts: Parts,
    config: TrainConfig,
    *,
    model: str,
    observer: Observer,
    keep_last: bool = False,
) -> Fit:
    """Train until `patience` epochs bring no better valid score, restore the best epoch, then read the test part.

    `model` names it to the observer. `keep_last`: train for all epochs and keep the last. Raises what the observer
    raises.
    """
    with accelerated(backbone, config, len(parts.train)), open_source(examples, parts.train, config) as source:
        return _fit(backbone, examples, parts, config, source, model=model, observer=observer, keep_last=keep_last)


def _fit(
    backbone: Backbone,
    examples: Examples,
    parts: Parts,
    config: TrainConfig,
    source: Source,
    *,
    model: str,
    observer: Observer,
    keep_last: bool,
) -> Fit:
    optimizer = torch.optim.AdamW(
        backbone.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    size = config.batch_size or batch_size(len(source))
    steps = -(-len(source) // size)  # per epoch
    distributed.same_weights(backbone)
    if distributed.rank():  # each process drops out values of its own
        torch.manual_seed(config.seed + distributed.rank())
    best_value, best_epoch, best_weights = float("inf"), 0, _weights(backbone)
    seconds, epoch = 0.0, 0
    for epoch in range(1, config.epochs + 1):
        backbone.train()
        began = time.perf_counter()
        total = torch.zeros((), dtype=torch.float64)
        for step, part in enumerate(source.epoch(size), start=(epoch - 1) * steps + 1):
            optimizer.zero_grad(set_to_none=True)
            if len(part.label):  # else there are fewer samples than processes
                logits = backbone(part.batch).squeeze(1)
                loss = functional.binary_cross_entropy_with_logits(logits, part.label, reduction="sum") / part.whole
                loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it bare
                total += loss.detach() * part.whole
            distributed.sum_gradients(backbone.parameters())
            optimizer.step()
            observer.at(model, step, config.epochs * steps)
        mean_loss = distributed.sum_up(total).item() / len(source)
        seconds += time.perf_counter() - began
        valid = evaluate(backbone, examples, parts.valid, observer=observer)
        speed = epoch * len(source) / max(seconds, 1e-9)
        observer.epoch(Epoch(model, epoch, config.epochs, mean_loss, valid, speed))
        if (value := _to_minimize(valid, config.select_by)) < best_value or keep_last:
            best_value, best_epoch, best_weights = value, epoch, _weights(backbone)
        elif epoch - best_epoch >= config.patience:
            break
    backbone.load_state_dict(best_weights)
    return Fit(
        valid=evaluate(backbone, examples, parts.valid, observer=observer),
        test=evaluate(backbone, examples, parts.test, observer=observer),
        best_epoch=best_epoch,
        epochs=epoch,
        batch_size=size,
        seconds=seconds,
        samples_per_second=epoch * len(source) / max(seconds, 1e-9),
    )


def evaluate(backbone: Backbone, examples: Examples, rows: Rows, *, observer: Observer) -> Scores:
    probability = predict(backbone, examples, rows, observer=observer)
    return scores(examples.labels(rows), probability, examples.interactions.end_user[rows])


def predict(backbone: Backbone, examples: Examples, rows: Rows, *, observer: Observer) -> NDArray[np.float64]:
    """The probability of a like for each row, in eval mode. Several processes share the work and all get all of it."""
    backbone.eval()
    mine = distributed.share(rows)
    probabilities = np.empty(len(mine))
    with torch.inference_mode():
        for first in range(0, len(mine), ROWS_TO_SCORE):
            chosen = mine[first : first + ROWS_TO_SCORE]
            logits = backbone(to_batch(examples.batch(chosen))).squeeze(1)
            probabilities[first : first + len(chosen)] = logits.double().sigmoid().numpy()
            observer.alive()
    return distributed.collect(probabilities, len(rows))


@contextmanager
def accelerated(backbone: Backbone, config: TrainConfig, samples: int) -> Iterator[None]:
    """The backbone computes with native kernels meanwhile, where it has some and compiling them is worth it."""
    backbone.accelerate(
        config.compile == "on" or (config.compile == "auto" and samples * config.epochs >= WORTH_COMPILING)
    )
    try:
        yield
    finally:
        backbone.accelerate(False)


def batch_size(samples: int) -> int:
    """A power of two that gives small data STEPS_PER_EPOCH steps and never exceeds LARGEST_BATCH."""
    wanted = max(1, samples // STEPS_PER_EPOCH)
    return int(min(LARGEST_BATCH, max(SMALLEST_BATCH, 2 ** (wanted.bit_length() - 1))))


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch computes on `count` threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in backbone.state_dict().items()}


def _to_minimize(valid: Scores, select_by: str) -> float:
    """The score that chooses, lower is better; LogLoss stands in where it is undefined."""
    value: float | None = getattr(valid, select_by)
    return valid.logloss if select_by == "logloss" or value is None else -value

"""One stage of tuning: optimizer steps, the valid score after each epoch, and checkpoints that a lost run resumes at.

A checkpoint holds everything that the next step depends on, so that a run which was killed ends with the weights of
one that was not.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recommender.measures.scores import auc, uauc
from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.thinkrec.tuning.encoding import Encoded, Encoder
from recommender.thinkrec.tuning.learner import Learner
from recommender.thinkrec.tuning.objective import rate
from recommender.thinkrec.tuning.rows import Known, Row
from recommender.thinkrec.tuning.sampler import Sampler

Observer = Callable[[dict[str, Any]], None]
CHANCE = 0.5  # what an AUC counts that is undefined


@dataclass(frozen=True)
class Task:
    """What one stage trains and on what. `parameters`: what it trains, everything else is frozen.

    `train`: rows on labels and rows on traces, those together that a step learns at once. `known`: which entities have
    a place in prompts; None: text alone.
    """

    name: str
    train: tuple[Sequence[Sequence[Row]], Sequence[Sequence[Row]]]
    valid: Sequence[Row]
    parameters: Mapping[str, nn.Parameter]
    peak: float
    epochs: int
    seed: int
    known: Known | None = None

    def steps(self, config: ThinkrecConfig) -> int:
        """Optimizer steps, at most."""
        return self.epochs * config.steps


@dataclass
class Pace:
    """How far all stages of a run are: what is told to an observer. `of`: optimizer steps of all stages, at most."""

    observer: Observer
    of: int = 0
    done: int = 0
    computed: int = 0  # steps in this process, which took `seconds`
    tokens: int = 0
    began: float = field(default_factory=time.monotonic)

    def step(self, name: str, step: int, of: int, loss: float) -> None:
        self.done, self.computed = self.done + 1, self.computed + 1
        seconds = time.monotonic() - self.began
        told = {"stage": name, "step": step, "of": of, "loss": loss, "tokens": self.tokens}
        told |= {"tokens_per_second": self.tokens / seconds}
        self.observer(told | {"seconds_left": (self.of - self.done) * seconds / self.computed})

    def alive(self) -> None:
        self.observer({"stage": "evaluating"})


@dataclass
class State:
    """How far a task is, and the best weights so far."""

    step: int = 0
    stale: int = 0
    best: int = 0  # the epoch
    score: float | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # losses of the epoch under way
    tokens: int = 0
    seconds: float = 0.0
    before: dict[str, Any] = field(default_factory=dict)


class Fit:
    """A task on its way. `checkpoint`: a file that is written now and then, and read first where it is of this task."""

    def __init__(
        self, learner: Learner, encoder: Encoder, task: Task, config: ThinkrecConfig, pace: Pace, checkpoint: Path
    ) -> None:
        self._learner, self._encoder, self._task, self._config = learner, encoder, task, config
        self._pace, self._checkpoint = pace, checkpoint
        self._state = State()
        sizes = len(task.train[0]), len(task.train[1])
        self._sampler = Sampler(sizes, share=config.reason_share, seed=task.seed)
        self._optimizer = torch.optim.AdamW(task.parameters.values(), lr=task.peak, weight_decay=config.weight_decay)
        self._valid: list[Encoded] | None = None

    def run(self) -> dict[str, Any]:
        """Train until the last epoch or until patience ends, put the best weights in place; returns the metrics."""
        task, config, state = self._task, self._config, self._state
        for name, parameter in self._learner.model.named_parameters():
            parameter.requires_grad_(name in task.parameters)
        torch.manual_seed(task.seed)
        if not self._resume():
            began = time.monotonic()
            state.before = self._measured()
            state.seconds = time.monotonic() - began
        of = task.steps(config)
        while state.step < of and state.stale < config.patience:
            began = time.monotonic()
            self._step(of)
            if state.step % config.steps == 0:
                self._end_epoch()
            state.seconds += time.monotonic() - began
            if state.step % config.checkpoint == 0:
                self._store()
        self._pace.done += of - state.step  # what patience spared
        with torch.no_grad():
            for name, value in state.weights.items():
                task.parameters[name].copy_(value)
        return self._metrics()

    def _step(self, of: int) -> None:
        task, config, state = self._task, self._config, self._state
        kind, places = self._sampler.next(config.batch_size)
        rows = [self._encoder.encoded(row, known=task.known) for place in places for row in task.train[kind][place]]
        state.step += 1
        for group in self._optimizer.param_groups:
            group["lr"] = rate(state.step, of=of, peak=task.peak, config=config)
        self._learner.model.train(task.known is None)  # stage 2 needs no noise in the adapter it leaves as it is
        self._optimizer.zero_grad(set_to_none=True)
        found = self._learner.losses(rows)
        torch.autograd.backward(found.total)
        self._optimizer.step()
        self._count()
        values = [value.item() for value in found]
        state.sums = [total + value for total, value in zip(state.sums, values, strict=True)]
        self._pace.step(task.name, state.step, of, values[-1])

    def _end_epoch(self) -> None:
        state, steps = self._state, self._config.steps
        rec, think, loss = (total / steps for total in state.sums)
        measured = self._measured()
        state.epochs.append({"epoch": len(state.epochs) + 1, "loss": loss, "rec": rec, "think": think} | measured)
        state.sums = [0.0, 0.0, 0.0]
        score = measured["score"]
        if score is None or state.score is None or score > state.score:
            state.score, state.best, state.stale = score, len(state.epochs), 0
            state.weights = {name: value.detach().clone() for name, value in self._task.parameters.items()}
        else:
            state.stale += 1

    def _measured(self) -> dict[str, Any]:
        """AUC and UAUC of the valid rows, and the score that chooses; it is None without a row."""
        if not self._task.valid:
            return {"auc": None, "uauc": None, "score": None}
        if self._valid is None:
            self._valid = [self._encoder.encoded(row, known=self._task.known) for row in self._task.valid]
        score = np.array(self._learner.scores(self._valid, self._pace.alive))
        self._count()
        label = np.array([row.row.label for row in self._valid])
        end_user = np.unique([row.row.end_user for row in self._valid], return_inverse=True)[1]
        return valid_score(auc(label, score), uauc(label, score, end_user), self._config)

    def _count(self) -> None:
        tokens, self._learner.read = self._learner.read, 0
        self._state.tokens += tokens
        self._pace.tokens += tokens

    def _metrics(self) -> dict[str, Any]:
        state, task = self._state, self._task
        return {
            "rows": {
                "labels": sum(map(len, task.train[0])),
                "traces": sum(map(len, task.train[1])),
                "valid": len(task.valid),
            },
            "trained_parameters": sum(one.numel() for one in task.parameters.values()),
            "steps": state.step,
            "before": state.before,
            "epochs": state.epochs,
            "best_epoch": state.best,
            "tokens": state.tokens,
            "seconds": round(state.seconds, 1),
        }

    def _store(self) -> None:
        """Write the checkpoint beside the last one, and put it in its place at once."""
        held = {
            "task": self._task.name,
            "state": vars(self._state),
            "parameters": {name: value.detach() for name, value in self._task.parameters.items()},
            "optimizer": self._optimizer.state_dict(),
            "sampler": self._sampler.state(),
            "random": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        part = self._checkpoint.with_suffix(".part")
        with part.open("wb") as stream:
            torch.save(held, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._checkpoint)

    def _resume(self) -> bool:
        """Go on where the checkpoint was written; False where there is none of this task."""
        if not self._checkpoint.is_file():
            return False
        device = next(iter(self._task.parameters.values())).device
        held = torch.load(self._checkpoint, map_location=device, weights_only=True)
        if held["task"] != self._task.name:
            return False
        self._state.__dict__.update(held["state"])
        with torch.no_grad():
            for name, value in held["parameters"].items():
                self._task.parameters[name].copy_(value)
        self._optimizer.load_state_dict(held["optimizer"])
        self._sampler.restore(held["sampler"])
        torch.set_rng_state(held["random"].cpu())
        if held["cuda"]:
            torch.cuda.set_rng_state_all([one.cpu() for one in held["cuda"]])
        self._pace.done += self._state.step
        return True


def valid_score(auc: float | None, uauc: float | None, config: ThinkrecConfig) -> dict[str, Any]:
    """Both figures and the score that chooses the best epoch: their weighted sum (AUC / 4 + UAUC / 3)."""
    score = config.auc_weight * (CHANCE if auc is None else auc) + config.uauc_weight * (
        CHANCE if uauc is None else uauc
    )
    return {"auc": auc, "uauc": uauc, "score": score}

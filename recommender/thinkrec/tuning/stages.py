"""ThinkRec's three stages one after the other, on one base model, resumable (METHODS.md 2.1, 2.5 to 2.7).

Stage 1 tunes an adapter for everybody on texts alone. Stage 2 leaves it as it is and trains the projector on prompts
with places for vectors. Stage 3 tunes, from stage 1's adapter, the last layers of one for each group of end users.
"""

import hashlib
import json
import math
import random
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recommender.thinkrec.tuning.config import (
    ADAPTER,
    GROUPS,
    PROJECTOR,
    CannotTuneThinkrecError,
    ThinkrecConfig,
    expert_name,
    require_given,
)
from recommender.thinkrec.tuning.encoding import Encoder
from recommender.thinkrec.tuning.learner import Learner, with_adapter
from recommender.thinkrec.tuning.loop import Fit, Observer, Pace, Task
from recommender.thinkrec.tuning.projector import Placed, Projector, Vectors
from recommender.thinkrec.tuning.rows import Known, Prompts, Row, Rows, together
from recommender.tuning import gguf_lora
from recommender.tuning.base import load_tokenizer, load_weights, with_exact_head

FOR_LLAMA_CPP = f"*{gguf_lora.SUFFIX}"
LORA = ".lora_"  # in the names of an adapter's parameters
MOST_TOGETHER = 32  # rows of an end user; many may be of one moment
METRICS, CHECKPOINT, LEARNT = "metrics.json", "checkpoint.pt", "learnt.txt"
LAYER = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
GROUP = re.compile(r"[\w-]{1,40}")


@dataclass(frozen=True)
class Data:
    """What is learnt. `groups`: end user → the name of their group.

    `adapter`: an earlier run's global adapter, which takes the place of stage 1. `experts`: the folder of an earlier
    run's adapters of groups, which stay as they are. `name`: what the global adapter is called where it is served.
    """

    rows: Rows
    prompts: Prompts
    vectors: Vectors | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    adapter: Path | None = None
    experts: Path | None = None
    name: str = "adapter"


def tune(data: Data, folder: Path, *, config: ThinkrecConfig, observer: Observer = lambda _: None) -> dict[str, Any]:
    """Carry out the stages of `config.stage`, or what is left of them in `folder`; returns the metrics by stage.

    In `folder` come to be: adapter, projector and groups/NAME, the adapters in llama.cpp's format too. `observer` is
    told of every optimizer step, hears of the rest often enough to show life, and may raise to stop. Raises
    CannotTuneThinkrecError.
    """
    _check(data, config)
    torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    _forget_others(folder, _learnt(data, config))
    for earlier, name in ((data.adapter, ADAPTER), (data.experts, GROUPS)):
        if earlier is not None and earlier.is_dir():
            ours = shutil.ignore_patterns(FOR_LLAMA_CPP)  # it is called as that run was
            shutil.copytree(earlier, folder / name, dirs_exist_ok=True, ignore=ours)
    observer({"stage": "loading"})
    tokenizer = load_tokenizer(config.base)
    encoder = Encoder(tokenizer, data.prompts, config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base = with_exact_head(load_weights(config.base, device, bfloat16=config.half_precision))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        return _Tuning(data, folder, config, encoder, pace=Pace(observer), base=base, tok=tokenizer).run()


class _Tuning:
    def __init__(
        self, data: Data, folder: Path, config: ThinkrecConfig, encoder: Encoder, *, pace: Pace, base: Any, tok: Any
    ) -> None:
        self._data, self._folder, self._config = data, folder, config
        self._encoder, self._tokenizer, self._base = encoder, tok, base
        own = folder / ADAPTER
        self._model = with_adapter(base, config, own if (own / METRICS).is_file() else None)
        self._labels = [row for row in data.rows.train if row.kind == "recommend"]
        self._traces = [row for row in data.rows.train if row.kind == "reason"]
        self._valid = _drawn(data.rows.valid, config)
        self._stages = config.stages
        self._names = sorted(set(data.groups.values())) if "groups" in self._stages else []
        one, group = config.epochs * config.steps, config.group_epochs * config.steps
        self._pace = pace
        pace.of = len([name for name in self._stages if name != "groups"]) * one + len(self._names) * group

    def run(self) -> dict[str, Any]:
        found: dict[str, Any] = {"left_out": dict(self._data.rows.left_out)}
        adapter = self._adapter()
        task, folder = self._task("global", adapter, seed=0), self._folder / ADAPTER
        found["global"] = self._done(folder) or self._fitted(task, folder)
        shared = {name: value.detach().clone() for name, value in adapter.items()}
        if "projector" in self._stages:
            found["projector"] = self._done(self._folder / PROJECTOR) or self._projected()
        if "groups" in self._stages:
            found["groups"] = dict(self._grouped(adapter, shared))
        found |= self._for_llama_cpp()
        found["base_parameters"] = sum(one.numel() for name, one in self._model.named_parameters() if LORA not in name)
        (self._folder / CHECKPOINT).unlink(missing_ok=True)
        return found

    def _for_llama_cpp(self) -> dict[str, str]:
        """Write each adapter as the file that a llama.cpp server holds; `without_gguf`: why there is none."""
        name, alpha = self._data.name, self._config.alpha
        try:
            gguf_lora.write(self._folder / ADAPTER, name, base=self._base.config, alpha=alpha)
            for path in sorted((self._folder / GROUPS).glob(f"*/{METRICS}")):
                gguf_lora.write(path.parent, expert_name(name, path.parent.name), base=self._base.config, alpha=alpha)
        except gguf_lora.NoGgufError as error:
            return {"without_gguf": str(error)}
        return {}

    def _adapter(self) -> dict[str, nn.Parameter]:
        return {name: one for name, one in self._model.named_parameters() if LORA in name}

    def _projected(self) -> dict[str, Any]:
        vectors = self._data.vectors
        assert vectors is not None
        torch.manual_seed(self._config.seed + 1)
        hidden = self._model.get_input_embeddings().weight.shape[1]
        projector = Projector(vectors.matrix.shape[1], hidden)
        placed = Placed(projector, vectors).to(next(self._model.parameters()).device)
        task = self._task("projector", dict(projector.named_parameters()), seed=1, known=vectors.known)
        return self._fitted(task, self._folder / PROJECTOR, placed)

    def _grouped(self, adapter: dict[str, nn.Parameter], shared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The metrics of each group; one whose end users have no rows keeps the global adapter, and is not made."""
        last = last_layers(adapter, self._base.config.num_hidden_layers, self._config.expert_share)
        for number, name in enumerate(self._names):
            folder = self._folder / GROUPS / name
            task = self._task(f"group {name}", last, seed=2 + number, group=name)
            if done := self._done(folder):
                yield name, done
            elif any(task.train):
                with torch.no_grad():
                    for key, value in shared.items():
                        adapter[key].copy_(value)
                yield name, self._fitted(task, folder)

    def _task(
        self, name: str, parameters: dict[str, nn.Parameter], *, seed: int, group: str = "", known: Known | None = None
    ) -> Task:
        def mine(rows: list[Row]) -> list[Row]:
            return [row for row in rows if not group or self._data.groups.get(row.end_user) == group]

        config = self._config

        def learnt(rows: list[Row]) -> list[tuple[Row, ...]]:
            return together(mine(rows), most=MOST_TOGETHER if self._config.grows else 1)

        return Task(
            name,
            (learnt(self._labels), learnt(self._traces)),
            mine(self._valid),
            parameters,
            peak=config.group_rate if group else config.learning_rate,
            epochs=config.group_epochs if group else config.epochs,
            seed=config.seed + seed,
            known=known,
        )

    def _done(self, folder: Path) -> dict[str, Any] | None:
        """The metrics of a stage that an earlier attempt of this run finished."""
        if not (folder / METRICS).is_file():
            return None
        found: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        epochs = self._config.group_epochs if folder.parent.name == GROUPS else self._config.epochs
        self._pace.done += epochs * self._config.steps
        return found

    def _fitted(self, task: Task, folder: Path, placed: Placed | None = None) -> dict[str, Any]:
        """Train what a task trains, and save it with its metrics in `folder`, which appears as a whole."""
        learner = Learner(self._model, self._encoder, self._config, placed)
        metrics = Fit(learner, self._encoder, task, self._config, self._pace, self._folder / CHECKPOINT).run()
        part = folder.with_name(f".{folder.name}-part")
        shutil.rmtree(part, ignore_errors=True)
        if placed is not None:
            placed.projector.save(part)
        else:  # without the embeddings: peft would otherwise look the base model up on the hub
            self._model.save_pretrained(part, save_embedding_layers=False)
            if folder.name == ADAPTER:
                self._tokenizer.save_pretrained(part)
        (part / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
        return metrics


def last_layers(parameters: Mapping[str, nn.Parameter], layers: int, share: float) -> dict[str, nn.Parameter]:
    """Those of the last `share` of a model's layers, rounded up: 8 of 32."""
    first = layers - math.ceil(share * layers)
    numbered = {name: LAYER.search(name) for name in parameters}
    return {name: parameters[name] for name, found in numbered.items() if found and int(found[1]) >= first}


def _drawn(rows: list[Row], config: ThinkrecConfig) -> list[Row]:
    """Valid rows of whole end users, drawn by the seed, until there are enough: UAUC needs several of each."""
    end_users = sorted({row.end_user for row in rows})
    random.Random(config.seed).shuffle(end_users)  # noqa: S311 - a sample
    of_each: dict[str, list[Row]] = {name: [] for name in end_users}
    for row in rows:
        of_each[row.end_user].append(row)
    return [row for name in end_users for row in of_each[name]][: config.valid_rows]


def _check(data: Data, config: ThinkrecConfig) -> None:
    if not data.rows.train:
        raise CannotTuneThinkrecError("There is no row to learn from: the train part of the catalog is empty.")
    require_given(config, vectors=data.vectors is not None, groups=bool(data.groups), earlier=data.experts is not None)
    if odd := sorted(name for name in set(data.groups.values()) if not GROUP.fullmatch(name)):
        raise CannotTuneThinkrecError(f"A group is called by letters, digits, _ and -, not {odd[0]!r}.")


def _learnt(data: Data, config: ThinkrecConfig) -> str:
    """SHA-256 of everything that decides on the outcome: who is erased is in it no more."""
    digest = hashlib.sha256(json.dumps(config.to_json(), sort_keys=True).encode())
    for row in (*data.rows.train, *data.rows.valid):
        digest.update(repr((row, data.groups.get(row.end_user))).encode())
    for name, shown in sorted(data.prompts.items.items()):
        digest.update(repr((name, shown)).encode())
    if data.vectors is not None:
        digest.update(repr(list(data.vectors.rows)).encode() + data.vectors.matrix.tobytes())
    return digest.hexdigest()


def _forget_others(folder: Path, learnt: str) -> None:
    """Clear what an attempt left that learnt from other data: it is begun again."""
    told = folder / LEARNT
    if not told.is_file() or told.read_text() != learnt:
        for name in (ADAPTER, PROJECTOR, GROUPS):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / CHECKPOINT).unlink(missing_ok=True)
        told.write_text(learnt)

"""Train a backbone on a catalog and everything approved about it."""

import json
import os
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommender.dataset.split import SPLITS
from recommender.management.versions import gate_lines, gates_json
from recommender.models import BackboneVersion, Catalog, RunState, TrainingRun
from recommender.recipe import (
    ADAPTERS,
    BACKBONES,
    CALIBRATIONS,
    COMPILE,
    CONTROLS,
    KNOWLEDGE,
    LOW_ACTIVITY,
    SWITCHES,
    TrainConfig,
)
from recommender.training import service

if TYPE_CHECKING:
    from recommender.runs.observer import Epoch

STAGES = {
    "reading": "reading interactions",
    "encoding": "encoding knowledge",
    "without_knowledge": "training without knowledge",
    "with_knowledge": "training with knowledge",
    "exporting": "exporting",
    "gates": "checking the gates",
    "lists": "comparing lists",
}
# Options that are settings of a run, by name.
CHOICES = [
    "backbone",
    "split",
    "fold",
    "adapter",
    "whiten",
    "calibration",
    "low_activity",
    "low_activity_below",
    "history",
    "epochs",
    "batch_size",
    "learning_rate",
    "seed",
    "compile",
    "grouped",
    "stream",
    "threads",
]


class Command(BaseCommand):
    help = (
        "Train a backbone on a catalog's interactions and approved knowledge, with and without the knowledge, in this "
        "process (no worker is needed), or with --queue in a training worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        defaults = TrainConfig()
        parser.add_argument("catalog", help="the catalog's name")
        parser.add_argument("--backbone", choices=list(BACKBONES), default=defaults.backbone)
        parser.add_argument("--split", choices=list(SPLITS), default=defaults.split)
        parser.add_argument("--fold", type=int, default=defaults.fold, help="of the split kar: which tenth is tested")
        parser.add_argument("--adapter", choices=list(ADAPTERS), default=defaults.adapter)
        parser.add_argument(
            "--whiten", type=int, default=defaults.whiten, help="the encoder's vectors to so many directions; 0: as is"
        )
        parser.add_argument("--calibration", choices=CALIBRATIONS, default=defaults.calibration, help="of the scores")
        parser.add_argument(
            "--low-activity",
            choices=LOW_ACTIVITY,
            default=defaults.low_activity,
            help="what end users without a text of their own get: nothing, or the knowledge of the items they met",
        )
        parser.add_argument(
            "--low-activity-below", type=int, default=defaults.low_activity_below, help="interactions before a moment"
        )
        parser.add_argument("--history", type=int, default=defaults.history, help="interactions before each example")
        parser.add_argument("--epochs", type=int, default=defaults.epochs, help="at most this many")
        parser.add_argument("--batch-size", type=int, default=defaults.batch_size, help="0: by the number of samples")
        parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
        parser.add_argument("--seed", type=int, default=defaults.seed)
        parser.add_argument("--compile", choices=COMPILE, default=defaults.compile, help="native kernels for the fit")
        parser.add_argument("--grouped", type=int, default=defaults.grouped, help="rows of an end user drawn together")
        parser.add_argument("--stream", action="store_true", help="from a Parquet file: for more examples than memory")
        parser.add_argument("--threads", type=int, default=defaults.threads, help="that torch computes on")
        parser.add_argument(
            "--off", action="append", choices=SWITCHES, default=[], help="leave this input out; may be repeated"
        )
        parser.add_argument(
            "--metadata-text", action="store_true", help="add resemblance by titles and attributes as encoded sentences"
        )
        parser.add_argument(
            "--control", choices=list(CONTROLS), help="train on this in place of knowledge, to compare; never activated"
        )
        parser.add_argument("--activate", action="store_true", help="put the new version in charge if its gates pass")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if int(os.environ.get("RANK", "0")) and not options["queue"]:  # started by torchrun beside the one that tells
            service.assist()
            return
        catalog = Catalog.objects.filter(name=options["catalog"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no catalog {options['catalog']!r}. Catalogs: {known or 'none yet'}.")
        if options["control"] and options["activate"]:
            raise CommandError("A backbone trained on a control is for comparison: leave out --activate or --control.")
        try:
            chosen = {name: options[name] for name in CHOICES} | dict.fromkeys(options["off"], False)
            chosen |= {"metadata_text": options["metadata_text"], "knowledge_source": options["control"] or KNOWLEDGE}
            config = TrainConfig.from_json(chosen)
        except ValueError as error:
            raise CommandError(str(error)) from error
        asked = service.request_training(catalog, config=config, activate=options["activate"], queue=options["queue"])
        if options["queue"]:
            self._say({"run": asked.pk, "state": asked.state}, f"Training run {asked.pk} waits for a worker.", options)
            return
        with Bars() as bars:
            try:
                service.run(asked.pk, observer=bars)
            except KeyboardInterrupt:
                service.cancel(asked)
                raise
        asked.refresh_from_db()
        if asked.state != RunState.DONE:
            raise CommandError(asked.error or f"The run ended as {asked.state}.")
        version = asked.version
        self._say(result(asked, version), summary(version), options)

    def _say(self, data: dict[str, Any], text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def result(run: TrainingRun, version: BackboneVersion) -> dict[str, Any]:
    """What --json prints."""
    return {
        "run": run.pk,
        "version": version.number,
        "backbone": version.architecture,
        "state": version.state,
        "snapshot": {
            "number": version.snapshot.number,
            "encoder": version.snapshot.encoder,
            "end_users": version.snapshot.end_user_count,
            "items": version.snapshot.item_count,
        },
        "artifact": version.artifact,
        "metrics": version.metrics,
        "seconds": version.metrics["seconds"],
        "promotion": gates_json(version.examinations.latest("pk")),
    }


def summary(version: BackboneVersion) -> str:
    """Both models side by side and what the gates said, for a terminal."""
    lines = [f"{version} is {version.state}. {version.metrics['texts']} knowledge texts.{_instead(version)}", ""]
    lines.append(f"{'':24}{'AUC':>8}{'GAUC':>8}{'LogLoss':>9}{'ECE':>8}{'samples':>10}")
    for part in ("valid", "test"):
        for model in ("with_knowledge", "without_knowledge"):
            scores = version.metrics[model][part]
            auc, gauc = (f"{scores[n]:.4f}" if scores[n] is not None else "–" for n in ("auc", "gauc"))
            label = f"{part} {model.replace('_', ' ')}"
            lines.append(
                f"{label:24}{auc:>8}{gauc:>8}{scores['logloss']:>9.4f}{scores['ece']:>8.4f}{scores['samples']:>10,}"
            )
    return "\n".join([*lines, "", gate_lines(version.examinations.latest("pk"))])


def _instead(version: BackboneVersion) -> str:
    """What "with knowledge" is where it is not that."""
    if version.metrics["same_model"]:
        return " With and without knowledge are one model."
    source = version.config["knowledge_source"]
    return "" if source == KNOWLEDGE else f" With knowledge means here: with the control {source} in its place."


class Bars:
    """An Observer on stderr: a line per epoch, and per stage a bar, or a line where it goes to a file."""

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        self.bar: tqdm[Any] | None = None
        self.stage = ""

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def at(self, stage: str, done: int, of: int) -> None:
        if stage != self.stage:
            self.__exit__()
            self.stage, words = stage, STAGES.get(stage, stage)
            self.bar = tqdm(total=of, desc=words, file=sys.stderr, unit="step", disable=not self.on_terminal)
            if not self.on_terminal:
                tqdm.write(f"{words} …", file=sys.stderr)
        if self.bar is not None:
            self.bar.total = of
            self.bar.update(done - self.bar.n)

    def alive(self) -> None:
        pass

    def epoch(self, epoch: "Epoch") -> None:
        valid = epoch.valid
        auc = "–" if valid.auc is None else f"{valid.auc:.4f}"
        tqdm.write(
            f"epoch {epoch.number}/{epoch.of}: loss {epoch.train_loss:.4f}, valid AUC {auc}, "
            f"LogLoss {valid.logloss:.4f}, {epoch.samples_per_second:,.0f} samples/s",
            file=sys.stderr,
        )

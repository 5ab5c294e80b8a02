"""Train a backbone on a catalog and everything approved about it."""

import json
import os
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.dataset.split import SPLITS
from recommender.management.runs import carry_out_here, why_not_done
from recommender.management.versions import gate_lines, gates_json
from recommender.models import BackboneVersion, Catalog, TrainingRun
from recommender.promotion import service as promotion
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
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.training import service as training

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
            training.assist()
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
        asked = runs.request(
            TRAINING, queue=options["queue"], catalog=catalog, config=config.to_json(), activate=options["activate"]
        )
        if options["queue"]:
            self._say({"run": asked.pk, "state": asked.state}, f"Training run {asked.pk} waits for a worker.", options)
            return
        carry_out_here(asked, partial(training.carry_out, queue=False))
        if not_done := why_not_done(asked):
            raise CommandError(not_done)
        version = asked.version
        carry_out_here(version.examinations.get(), promotion.carry_out)
        version.refresh_from_db()
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

"""Train a backbone on a catalog and everything approved about it."""

import json
import os
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.dataset import negatives
from recommender.management.options import add_off, add_options, add_set, assigned, chosen, made, require_fitting
from recommender.management.runs import carry_out_here, why_not_done
from recommender.management.versions import gate_lines, gates_json
from recommender.models import BackboneVersion, Catalog, TrainingRun
from recommender.promotion import service as promotion
from recommender.recipe import CONTROLS, KNOWLEDGE, SWITCHES, TrainConfig, said_of_chance
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.training import service as training

OPTIONS = (  # settings that are options of their own; --off, --control and --set are for the others
    "backbone",
    "split",
    "fold",
    "valid_from",
    "test_from",
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
    "metadata_text",
)


class Command(BaseCommand):
    help = (
        "Train a backbone on a catalog's interactions and approved knowledge, with and without the knowledge, in this "
        "process (no worker is needed), or with --queue in a training worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        add_options(parser, TrainConfig, OPTIONS)
        add_off(parser, TrainConfig, SWITCHES)
        add_options(parser, TrainConfig, ["knowledge_source"], flag="--control", choices=list(CONTROLS))
        add_set(parser, TrainConfig, but=(*OPTIONS, *SWITCHES, "knowledge_source"))
        parser.add_argument("--activate", action="store_true", help="activate the new version if its gates pass")
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
        values = chosen(options, (*OPTIONS, "knowledge_source")) | dict.fromkeys(options["off"], False)
        config = made(TrainConfig, values | assigned(options["set"]))
        if config.knowledge_source != KNOWLEDGE and options["activate"]:
            raise CommandError("A backbone trained on a control is for comparison: leave out --activate or --control.")
        require_fitting(catalog, split=config.split, backbones=[config.backbone])
        if note := said_of_chance([config.backbone], catalog.clock, drift=config.drift):
            self.stderr.write(note)
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
    if drawn := negatives.said(version.metrics["samples"], version.drawn):
        lines[1:1] = [f"{drawn}. AUC tells likes from those, and scores are no probabilities of a like."]
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

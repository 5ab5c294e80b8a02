"""Say whether knowledge helps a catalog's recommendations, by how much, for whom, and whether a control explains it."""

import json
from argparse import ArgumentParser
from pathlib import Path
from textwrap import shorten
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.dataset.histories import FROZEN, STREAMING
from recommender.evaluation import service as evaluation
from recommender.evaluation.arms import ARMS, BASE, BY_THE_STUDY, PLAIN, PUBLISHED, Study
from recommender.evaluation.figures import ALL
from recommender.evaluation.report import NAMES, Finding, about_rows, about_texts, report
from recommender.management.commands.export_knowledge import EVERY
from recommender.management.options import (
    add_options,
    add_set,
    assigned,
    chosen,
    help_of,
    made,
    require_fitting,
    whole,
)
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog, Evaluation, Knowledge
from recommender.recipe import CONTROLS, KNOWLEDGE, TrainConfig, said_of_chance
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from recommender.setting import settings_of

OF_ROWS = ("auc", "gauc", "logloss", "ece")
TABLES = {  # what a terminal shows below the report: the history, and its metrics
    "Streaming": (STREAMING, OF_ROWS),
    "Frozen": (FROZEN, OF_ROWS),
    "Lists from the whole catalog": (FROZEN, ("ndcg@10", "map@10", "recall@10")),
}
ARM_WIDTH = 42
OPTIONS = ("split", "fold", "valid_from", "test_from", "history")  # of a training run's settings


class Command(BaseCommand):
    help = (
        "Train every arm (without knowledge, with it, with each control in its place) with several seeds on the same "
        "rows, read the test part once each, and report in plain words. What is done is kept: --resume goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", nargs="?", help="the catalog's name; none with --resume")
        add_options(parser, Study, ["backbones"], flag="--backbone", nargs="+")
        arms = parser.add_mutually_exclusive_group()
        add_options(
            arms,
            Study,
            ["arms"],
            type=lambda names: [name.strip() for name in names.split(",") if name.strip()],
            choices=None,
        )
        arms.add_argument(
            "--control", action="append", choices=list(CONTROLS), help="only this control; may be repeated"
        )
        arms.add_argument(
            "--published",
            action="store_true",
            help="R4ec as published: its plain inputs, without knowledge and with it as a field",
        )
        add_options(parser, Study, ["seeds", "users", "ranking"])
        add_options(parser, TrainConfig, OPTIONS)
        add_set(parser, TrainConfig, but=(*OPTIONS, *BY_THE_STUDY))
        source = parser.add_mutually_exclusive_group()
        add_options(source, Study, ["knowledge_file"], type=Path)
        told = settings_of(Study)
        source.add_argument(
            "--proposals",
            nargs="?",
            type=whole,
            const=EVERY,
            metavar="N",
            help=f"{help_of(told['proposals'])} N: {help_of(told['refinements'])}",
        )
        parser.add_argument("--resume", type=int, metavar="ID", help="go on with an evaluation that was interrupted")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--out", type=Path, help="also write the result as JSON to this file")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["out"] and not options["out"].parent.is_dir():
            raise CommandError(f"There is no folder {options['out'].parent}.")
        asked = self._resumed(options) if options["resume"] else self._asked(options)
        if options["queue"]:
            waits = f"Evaluation {asked.pk} waits for a worker; its page shows how far it is."
            self.stdout.write(json.dumps({"evaluation": asked.pk, "state": asked.state}) if options["json"] else waits)
            return
        again = f"evaluate --resume {asked.pk} goes on with it."
        try:
            carry_out_here(asked, evaluation.carry_out, resumes=True)
        except KeyboardInterrupt:
            self.stderr.write(f"Stopped. {again}")
            raise
        found = result(asked)
        if options["out"]:
            options["out"].write_text(json.dumps(found, indent=1) + "\n")
        if not_done := why_not_done(asked):
            raise CommandError(f"{not_done} {again}")
        self.stdout.write(json.dumps(found) if options["json"] else text(asked))

    def _asked(self, options: dict[str, Any]) -> Evaluation:
        catalog = Catalog.objects.filter(name=options["catalog"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
            wrong = f"There is no catalog {options['catalog']!r}." if options["catalog"] else "Which catalog?"
            raise CommandError(f"{wrong} Catalogs: {known or 'none yet'}.")
        values = chosen(options, ("backbones", "arms", "seeds", "users", "ranking"))
        if options["control"]:
            values["arms"] = [BASE, KNOWLEDGE, *dict.fromkeys(options["control"])]
        if options["published"]:
            values["arms"] = [PLAIN, PUBLISHED]
        if file := options.get("knowledge_file"):
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
            values["knowledge_file"] = str(file.resolve())
        if options["proposals"] is not None:
            values["proposals"] = True
            values["refinements"] = None if options["proposals"] == EVERY else options["proposals"]
        study = made(Study, values | {"settings": chosen(options, OPTIONS) | assigned(options["set"])})
        recipe = TrainConfig.from_json(study.settings)
        require_fitting(catalog, split=recipe.split, backbones=study.backbones)
        if note := said_of_chance(study.backbones, catalog.clock, drift=recipe.drift):
            self.stderr.write(note)
        needed = any(ARMS[arm].source for arm in study.arms) and not study.knowledge_file and not study.proposals
        if needed and not Knowledge.objects.filter(catalog=catalog, in_force=True).exists():
            self.stderr.write(
                f"Nothing is approved in {catalog}: every arm with knowledge will be the one without. "
                "--proposals and --knowledge-file evaluate other texts."
            )
        return runs.request(EVALUATION, queue=options["queue"], catalog=catalog, config=study.to_json())

    def _resumed(self, options: dict[str, Any]) -> Evaluation:
        asked = Evaluation.objects.filter(pk=options["resume"]).first()
        if asked is None:
            raise CommandError(f"There is no evaluation {options['resume']}.")
        runs.resume(asked, queue=options["queue"])
        return asked


def result(evaluation: Evaluation) -> dict[str, Any]:
    """What --json prints and --out writes."""
    return {
        "evaluation": evaluation.pk,
        "catalog": evaluation.catalog.name,
        "state": evaluation.state,
        "config": evaluation.config,
        "facts": evaluation.facts,
        "texts": about_texts(evaluation.config, evaluation.facts) if evaluation.facts else "",
        "findings": [finding.to_json() for finding in _findings(evaluation)],
        "figures": evaluation.figures,
        "fits": [
            {"backbone": fit.backbone, "arm": fit.arm, "seed": fit.seed, "scores": fit.scores, "fit": fit.fit}
            for fit in evaluation.fits.order_by("pk")
        ],
    }


def _findings(evaluation: Evaluation) -> list[Finding]:
    return report(evaluation.figures, texts=evaluation.facts.get("texts"))


def text(evaluation: Evaluation) -> str:
    """The report, then every arm's scores, for a terminal."""
    about = [of(evaluation.config, evaluation.facts) for of in (about_rows, about_texts)]
    lines = [f"Evaluation {evaluation.pk} of {evaluation.catalog}.", *about]
    for finding in _findings(evaluation):
        lines += ["", finding.headline, *(f"  {sentence}" for sentence in finding.sentences)]
        own = [r for r in evaluation.figures["arms"] if (r["backbone"], r["slice"]) == (finding.backbone, ALL)]
        for title, (history, metrics) in TABLES.items():
            values = {(r["arm"], r["metric"]): f"{r['estimate']:.4f}" for r in own if r["history"] == history}
            arms = dict.fromkeys(arm for arm, metric in values if metric in metrics)
            if not arms:
                continue
            lines += ["", f"  {title:{ARM_WIDTH}}" + "".join(f"{NAMES[metric]:>10}" for metric in metrics)]
            for arm in arms:
                label = shorten(f"{arm}: {ARMS[arm].label}", ARM_WIDTH, placeholder=" …")
                cells = (f"{values.get((arm, metric), '–'):>10}" for metric in metrics)
                lines.append(f"  {label:{ARM_WIDTH}}" + "".join(cells))
    return "\n".join(lines)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]

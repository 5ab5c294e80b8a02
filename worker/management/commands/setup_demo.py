"""The first start's steps, callable alone while workers run (`manage.py up` calls it)."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.run import import_catalog
from recommender.models import Catalog, TrainingRun
from recommender.progress import Progress
from recommender.runs.kinds import stage_of
from worker.demo import facts, steps


class Command(BaseCommand):
    help = (
        "Loads the sample catalog, makes sample accounts and a token (var/demo.json), runs a first batch of rounds, "
        "and trains and activates a first backbone. Every step that was done before is left out."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--address", default="", help="Where the pages are; written to var/demo.json.")

    def handle(self, **options: Any) -> None:
        try:
            catalog = _sample_catalog()
            with Progress("Sample accounts"):
                facts.ensure(address=options["address"])
            training = steps.request_first_backbone(catalog)  # it goes on beside the rounds
            with Progress("First rounds") as shown:
                for now in steps.first_rounds(catalog):
                    shown.count(now.done, now.total, f"{now.calls} calls, {now.tokens} tokens")
            if training:
                with Progress("First backbone") as shown:
                    for run in steps.first_backbone(training):
                        shown.show(_how_far(run))
                    shown.show("active")
        except (ImportFailedError, steps.StepFailedError) as error:
            raise CommandError(str(error)) from error


def _sample_catalog() -> Catalog:
    with Progress("Sample catalog") as shown:
        report = import_catalog(
            facts.CATALOG,
            form="sample",
            request=Request(),
            progress=lambda step, done, of: shown.show(f"{step} {done} of {of}" if of else step),
        )
        shown.show(
            f"{report.items.total} items, {report.end_users.total} end users, {report.interactions.total} interactions"
        )
    return Catalog.objects.get(name=facts.CATALOG)


def _how_far(run: TrainingRun) -> str:
    stage, epochs = stage_of(run), len(run.progress.get("epochs", []))
    far = f"{stage.label} {stage.done} of {stage.of}" if stage.of else stage.label
    return f"{far}, {epochs} epochs" if epochs else far

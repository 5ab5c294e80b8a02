"""The first start's steps, callable alone while workers run (`manage.py up` calls it)."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.run import import_catalog
from recommender.models import Catalog
from recommender.progress import Progress
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
            with Progress("First rounds") as shown:
                for now in steps.first_rounds(catalog):
                    shown.show(f"{now.done} of {now.total}, {now.calls} calls, {now.tokens} tokens")
            with Progress("First backbone") as shown:
                for run in steps.first_backbone(catalog):
                    shown.show(_how_far(run.progress))
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


def _how_far(progress: dict[str, Any]) -> str:
    """Of a training run's progress (runs.recorder.Recorder)."""
    if not progress.get("stage"):
        return "waiting for a worker"
    stage = f"{progress['stage'].replace('_', ' ')} {progress['done']} of {progress['of']}"
    epochs = progress.get("epochs", [])
    return f"{stage}, {len(epochs)} epochs" if epochs else stage

"""`manage.py build_training_sets NAME --limit N`: a teacher writes examples, R4ec's filter chooses."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.llm.errors import LlmError
from recommender.management.options import positive
from recommender.models import Catalog
from recommender.progress import Progress
from recommender.rounds.config import SUBJECTS
from recommender.tuning.teacher import service
from worker.teacher import teach


class Command(BaseCommand):
    help = (
        "Ask the teacher (R4_TEACHER_*) about windows of a catalog's histories and keep what passes R4ec's four-cell "
        "rule, for export_training_sets. Run it again to go on, or for more."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--limit", type=positive, required=True, help="cases of end users, and of items, at most")
        parser.add_argument("--subjects", choices=list(SUBJECTS), default="all")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        try:
            cases = service.unfinished(catalog, subjects=options["subjects"], limit=options["limit"])
        except service.CannotTeachError as error:
            raise CommandError(str(error)) from error
        if not cases and not options["json"]:
            self.stdout.write(
                f"Nothing to ask about in {catalog.name}: every case was asked about, or no history is long enough."
            )
            return
        try:
            with Progress("Cases", out=sys.stderr) as shown:
                report = teach(cases, progress=lambda so_far: shown.count(so_far.cases, len(cases)))
        except LlmError as error:
            raise CommandError(f"{error} What was answered is stored: run the command again to go on.") from error
        teacher = settings.LLM["teacher"]
        if options["json"]:
            about = {"catalog": catalog.name, "model": teacher["model"], "asked": len(cases)}
            self.stdout.write(json.dumps(about | asdict(report)))
            return
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(report.outcomes.items())) or "none"
        tokens = report.prompt_tokens + report.completion_tokens
        self.stdout.write(f"{report.cases} cases by {teacher['model']}: {outcomes}.")
        self.stdout.write(f"{report.calls} calls, {report.failed_calls} without an answer, {tokens:,} tokens.")

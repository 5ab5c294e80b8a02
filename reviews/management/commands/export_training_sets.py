"""`manage.py export_training_sets NAME --out DIR`: training sets from decisions and from a teacher, as files."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Catalog
from recommender.tuning.layouts import LAYOUTS
from recommender.tuning.writing import UnsafeTargetError
from reviews.lessons import training_sets


class Command(BaseCommand):
    help = "Write a catalog's training sets for LLaMA-Factory, TRL and `tune`, with a manifest (docs/training-sets.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--out", required=True, type=Path, help="a new folder, or that of an earlier export")
        parser.add_argument(
            "--format", nargs="+", choices=LAYOUTS, default=list(LAYOUTS), help="all of them by default"
        )
        parser.add_argument("--guideline", default="", help="the version of the annotators' guidelines, for the rows")
        parser.add_argument(
            "--without-hinted", action="store_true", help="leave out traces that were right only after a hint"
        )
        parser.add_argument(
            "--held-out",
            action="store_true",
            help="only the traces that explanations are tested with: never train on them",
        )
        parser.add_argument("--json", action="store_true", help="print the manifest as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        try:
            manifest = training_sets.export(
                catalog,
                options["out"],
                formats=options["format"],
                guideline=options["guideline"],
                hinted=not options["without_hinted"],
                held_out=options["held_out"],
            )
        except (UnsafeTargetError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(manifest))
            return
        for name, rows in manifest["rows"].items():
            self.stdout.write(f"{name:12}{rows:>10,} rows")
        size = sum(file["bytes"] for file in manifest["files"])
        self.stdout.write(f"{len(manifest['files'])} files, {size / 1e6:.1f} MB in {options['out']}.")

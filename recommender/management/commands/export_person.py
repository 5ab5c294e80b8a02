"""`manage.py export_person CATALOG ID --out FILE`: everything that is kept about one end user."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.erasure import export, queries
from recommender.management.versions import catalog_named
from recommender.models import EndUser, SubjectKind


class Command(BaseCommand):
    help = "Write everything that is kept about one end user as JSON (docs/privacy.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        parser.add_argument("user", metavar="ID", help="the end user's id in your data")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="readable by its owner alone; standard output unless given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = queries.find(catalog_named(options["catalog"]), SubjectKind.END_USER, options["user"])
        if not isinstance(found, EndUser):
            raise CommandError("There is no end user of this id: they were erased, or never were there.")
        written = json.dumps(export.of_person(found), ensure_ascii=False, indent=1) + "\n"
        if options["out"] is None:
            self.stdout.write(written, ending="")
            return
        try:
            with os.fdopen(os.open(options["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(written)
        except OSError as error:
            raise CommandError(f"{options['out']} cannot be written: {error.strerror}.") from error
        self.stdout.write(f"Written to {options['out']}.")

"""`manage.py erase CATALOG --user ID --yes`: erase a person or an item for good, with a receipt."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.erasure import queries, service
from recommender.management.versions import catalog_named
from recommender.models import SubjectKind


class Command(BaseCommand):
    help = "Say what an erasure would take away; with --yes, erase an end user or an item for good (docs/privacy.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="ID", help="an end user, by the id in your data")
        which.add_argument("--item", metavar="ID", help="an item, by the id in your data")
        parser.add_argument("--yes", action="store_true", help="do it; it cannot be undone")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = catalog_named(options["catalog"])
        kind = SubjectKind.ITEM if options["user"] is None else SubjectKind.END_USER
        external_id = options["user"] if options["item"] is None else options["item"]
        if not options["yes"]:
            self._say_what_goes(queries.find(catalog, kind, external_id), as_json=options["json"])
            return
        try:
            erasure = service.erase(catalog, kind, external_id)
        except service.UnknownSubjectError as error:
            raise CommandError(str(error)) from error
        self._say(queries.receipt(erasure), as_json=options["json"])

    def _say_what_goes(self, subject: Any, *, as_json: bool) -> None:
        if subject is None:
            raise CommandError("There is nobody and nothing of this id: it was erased before, or it never was there.")
        counts = queries.what_goes(subject)
        if as_json:
            self.stdout.write(json.dumps({"erased": False, "counts": counts}))
            return
        self.stdout.write("This would be erased for good:")
        self._say_counts(counts)
        self.stdout.write("Nothing was changed. Give --yes to do it; it cannot be undone.")

    def _say(self, receipt: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(receipt))
            return
        self.stdout.write(f"Receipt {receipt['receipt']} of {receipt['erased_at']}. Erased:")
        self._say_counts(receipt["counts"])
        for line in receipt["to_do"]:
            self.stdout.write(line)
        for name, numbers in receipt["training_rows"].items():
            if numbers:
                self.stdout.write(f"Rows of training sets to go, {name}: {', '.join(map(str, numbers))}.")

    def _say_counts(self, counts: dict[str, int]) -> None:
        for name, count in counts.items():
            self.stdout.write(f"{count:>10,}  {name}")

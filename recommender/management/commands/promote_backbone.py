"""Activate a backbone version, or go back to the one before."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.management.versions import catalog_named, number_argument, version_named
from recommender.models import Account, Role
from recommender.promotion import activation


class Command(BaseCommand):
    help = "Activate a backbone version whose gates have passed, or with --roll-back the one before it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        number_argument(parser)
        parser.add_argument("--override", default="", metavar="REASON", help="although gates have not passed; kept")
        parser.add_argument(
            "--roll-back", action="store_true", help="the version before the active one; needs no gates"
        )
        parser.add_argument("--reason", default="", help="with --roll-back: why; kept")
        parser.add_argument("--account", default="", help="the lead who does it, for the records")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        by = self._lead(options["account"])
        if options["override"] and by is None:
            raise CommandError("An override is kept with who made it: name a lead with --account.")
        if options["roll_back"] and options["number"] is not None:
            raise CommandError("--roll-back chooses the version itself: leave the number out.")
        catalog = catalog_named(options["catalog"])
        began = time.perf_counter()
        try:
            if options["roll_back"]:
                taken = activation.roll_back(catalog, by=by, reason=options["reason"])
            else:
                version = version_named(catalog.name, options["number"])
                taken = activation.activate(version, by=by, override=options["override"])
        except activation.RefusedError as refusal:
            raise CommandError(str(refusal)) from refusal
        took = round((time.perf_counter() - began) * 1000, 1)
        number, previous = taken.version.number, taken.previous.number if taken.previous else None
        found = {"version": number, "previous": previous, "overridden": taken.overridden, "ms": took}
        self.stdout.write(json.dumps(found) if options["json"] else f"Version {number} is active, after {took} ms.")

    def _lead(self, username: str) -> Account | None:
        if not username:
            return None
        found = Account.objects.filter(username=username, role=Role.LEAD, is_active=True).first()
        if found is None:
            raise CommandError(f"There is no lead called {username!r}.")
        return found

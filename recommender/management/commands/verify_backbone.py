"""Whether the files of backbone versions are still what was stored."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.artifacts import files
from recommender.management.versions import catalog_named, number_argument, version_named


class Command(BaseCommand):
    help = "Compare every file of a catalog's backbone versions, or of one, with the hashes it was stored with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        number_argument(parser, "one version's number; all versions unless given")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        name, number = options["catalog"], options["number"]
        everything = catalog_named(name).backbone_versions.order_by("number")
        versions = list(everything) if number is None else [version_named(name, number)]
        found = [
            {"version": one.number, "hashed": bool(one.manifest_hash), "changed": files.changed_files(one)}
            for one in versions
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"catalog": name, "versions": found}))
        else:
            self.stdout.write("\n".join(_line(row) for row in found) or f"{name} has no backbone version yet.")
        if bad := [str(row["version"]) for row in found if row["changed"]]:
            raise CommandError(
                f"Not what was stored: version {', '.join(bad)}. Roll back if it is active; train again."
            )


def _line(row: dict[str, Any]) -> str:
    if not row["hashed"]:
        return f"version {row['version']}: made by an earlier release, which kept no hash"
    return f"version {row['version']}: " + (f"changed: {', '.join(row['changed'])}" if row["changed"] else "unchanged")

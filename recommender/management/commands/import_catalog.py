"""python manage.py import_catalog NAME PATH --format FORMAT"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import Changes, ImportFailedError, Report
from recommender.catalogs.importers.run import FORMATS, import_catalog, no_progress
from recommender.catalogs.importers.selection import Cores
from recommender.management.options import add_catalog_settings, catalog_settings, names
from recommender.progress import Stages

EXAMPLES = """examples:
  manage.py import_catalog sample --format sample
  manage.py import_catalog ml-100k ml-100k.zip --format movielens-100k
  manage.py import_catalog books Books_5.json.gz --items meta_Books.json.gz --format amazon --k-core 5
  manage.py import_catalog shop folder/ --format parquet --attributes brand,colour --item-noun product
  manage.py import_catalog ml-1m ../shared/data/ml-1m/interactions.csv.gz --format csv \\
      --items ../shared/data/ml-1m/movies.dat --end-users ../shared/data/ml-1m/users.dat \\
      --map item_id=movie_id,order=pos --item-noun movie

docs/importing.md describes the formats, the columns and what is rejected.
"""


class Command(BaseCommand):
    help = "Import items, end users and interactions into a catalog. Importing the same again changes nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        formatter = argparse.RawDescriptionHelpFormatter
        parser = super().create_parser(prog_name, subcommand, epilog=EXAMPLES, **kwargs)
        parser.formatter_class = formatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the catalog; it is made where there is none")
        parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="a file, folder or zip (sample: none)")
        parser.add_argument("--format", required=True, choices=list(FORMATS), dest="form")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text and bars")
        parser.add_argument(
            "--rejections", type=Path, metavar="FILE", help="write every rejected row there, as JSON lines"
        )

        files = parser.add_argument_group("files and columns (csv, jsonl, parquet; --items also amazon)")
        files.add_argument("--items", type=Path, metavar="FILE", help="items or metadata; also u.item or movies.dat")
        files.add_argument("--end-users", type=Path, metavar="FILE", help="end users; also u.user or users.dat")
        files.add_argument(
            "--map",
            type=_mapping,
            default={},
            metavar="FIELD=COLUMN,…",
            help="of interactions: user_id, item_id, rating, label (1, 0, -1 unknown), "
            "and timestamp (seconds, ISO 8601), timestamp_ms or order",
        )
        files.add_argument("--item-map", type=_mapping, default={}, metavar="FIELD=COLUMN,…", help="item_id, title, …")
        files.add_argument("--end-user-map", type=_mapping, default={}, metavar="FIELD=COLUMN,…", help="user_id, …")
        files.add_argument("--lists", type=names, metavar="NAME,…", help="attributes whose CSV text is a|list")
        files.add_argument("--delimiter", default="", help="of CSV fields (a comma; in .tsv files a tab)")
        files.add_argument("--escape", default="", help="what stands before a quote in a CSV field, if not a quote")
        files.add_argument("--encoding", default="", help="of CSV text, where it is not UTF-8 or UTF-16: latin-1, …")

        files.add_argument(
            "--no-order",
            action="store_true",
            help="there is no time: nothing will say or use which interaction came first",
        )

        catalog = parser.add_argument_group("the catalog (default: the format's, or what the catalog has)")
        add_catalog_settings(catalog)

        cores = parser.add_argument_group("filtering")
        cores.add_argument("--erased-too", action="store_true", help="also end users and items that were erased before")
        cores.add_argument("--k-core", type=int, default=0, metavar="N", help="end users and items with N interactions")
        cores.add_argument("--user-core", type=int, default=0, metavar="N", help="the same for end users alone")
        cores.add_argument("--item-core", type=int, default=0, metavar="N", help="the same for items alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["path"] is None and options["form"] != "sample":
            raise CommandError(f"--format {options['form']} needs a PATH.")
        try:
            report = self._import(options)
        except ImportFailedError as failure:
            if options["json"]:
                found = failure.report.to_json() if failure.report else {"catalog": options["name"]}
                self.stdout.write(json.dumps({"error": str(failure), **found}))
            elif failure.report:
                self._write_rejections(failure.report, self.stderr)
            raise CommandError(f"{failure} Nothing was imported.") from failure
        except KeyboardInterrupt:
            raise CommandError("Interrupted: nothing was imported.", returncode=130) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json()))
        else:
            self._write_report(report)

    def _import(self, options: dict[str, Any]) -> Report:
        request = Request(
            path=options["path"],
            items=options["items"],
            end_users=options["end_users"],
            columns=options["map"],
            item_columns=options["item_map"],
            end_user_columns=options["end_user_map"],
            delimiter=options["delimiter"],
            escape=options["escape"],
            encoding=options["encoding"],
            no_order=options["no_order"],
            **({"lists": options["lists"]} if options["lists"] is not None else {}),
        )
        chosen = catalog_settings(options)
        core = options["k_core"]
        with ExitStack() as stack:
            log = stack.enter_context(_open_for_writing(options["rejections"])) if options["rejections"] else None
            stages = stack.enter_context(Stages(out=sys.stderr))
            return import_catalog(
                options["name"],
                form=options["form"],
                request=request,
                erased_too=options["erased_too"],
                options=chosen,
                cores=Cores(end_users=options["user_core"] or core, items=options["item_core"] or core),
                progress=stages.at if sys.stderr.isatty() and not options["json"] else no_progress,
                rejections=log,
            )

    def _write_report(self, report: Report) -> None:
        made = "New catalog" if report.catalog_created else "Catalog"
        self.stdout.write(f"{made} {report.catalog}, {report.seconds:.1f} s")
        for kind, changes in (
            ("items", report.items),
            ("end users", report.end_users),
            ("interactions", report.interactions),
        ):
            self.stdout.write(f"  {changes.total:>12,} {kind:<13} {_changes_in_words(changes)}")
        for setting, change in report.settings_changed.items():
            self.stdout.write(f"  setting changed: {setting}: {change}")
        for note in report.notes:
            self.stdout.write(f"  {note}")
        for kind, count in report.filtered.items():
            self.stdout.write(f"  left out by k-core: {count:,} {kind.replace('_', ' ')}")
        self._write_rejections(report, self.stdout)

    def _write_rejections(self, report: Report, out: Any) -> None:
        if not report.rejected:
            return
        out.write(f"  rejected rows: {report.rejected:,}")
        for reason, count in report.reasons.most_common():
            out.write(f"    {count:>10,}  {reason}")
            for rejection in report.examples:
                if f"{rejection.file}: {rejection.reason}" == reason:
                    out.write(
                        f"                line {rejection.line}" + (f": {rejection.found}" if rejection.found else "")
                    )


def _changes_in_words(changes: Changes) -> str:
    return f"{changes.created:,} new, {changes.updated:,} updated, {changes.unchanged:,} unchanged"


def _open_for_writing(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}).") from None


def _mapping(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(separator and field.strip() for field, separator, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=COLUMN,FIELD=COLUMN,…")
    return {field.strip(): column.strip() for field, _, column in pairs}

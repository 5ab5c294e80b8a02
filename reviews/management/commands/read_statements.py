"""`manage.py read_statements [NAME]`: find the statements of texts that nobody has read yet, or no newer reader has."""

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.management.options import positive
from recommender.models import Catalog
from recommender.progress import Progress
from recommender.statements import again, service
from reviews.room import reading


class Command(BaseCommand):
    help = "Read texts for what they state. Workers do so by themselves; it may be stopped and started again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the catalog; without it, all of them")
        parser.add_argument("--most", type=positive, metavar="N", help="stop after so many texts")
        parser.add_argument(
            "--again", action="store_true", help="then those that an earlier release of the reader read"
        )
        parser.add_argument(
            "--decided",
            action="store_true",
            help="with --again: texts too that people decided about, where nobody changed what they state",
        )
        parser.add_argument("--left", action="store_true", help="read nothing: say how many texts wait, and how long")
        parser.add_argument("--json", action="store_true", help="with --left: print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["decided"] and not (options["again"] or options["left"]):
            raise CommandError("--decided is about texts that are read again: say --again too.")
        if options["json"] and not options["left"]:
            raise CommandError("--json says what is left: say --left too.")
        catalog = None
        if options["name"]:
            catalog = Catalog.objects.filter(name=options["name"]).first()
            if catalog is None:
                raise CommandError(f"There is no catalog {options['name']!r}.")
        stale = reading.stale(catalog, decided=options["decided"])
        waiting = again.waiting(stale, catalog)
        if options["left"]:
            self._say(waiting, as_json=options["json"])
            return
        most = options["most"]
        new = self._read(
            "Reading texts",
            min(waiting.new, most or waiting.new),
            lambda step: service.read_missing(catalog, most=most, step=step),
        )
        self.stdout.write(f"{_texts(new)} read.")
        if options["again"]:
            left = None if most is None else most - new
            of = waiting.again if left is None else min(waiting.again, left)
            done = self._read("Reading texts again", of, lambda step: reading.read_stale(stale, most=left, step=step))
            self.stdout.write(f"{_texts(done)} read again.")

    def _read(self, what: str, of: int, read: Callable[[Callable[[int], None]], int]) -> int:
        with Progress(what, out=self.stdout) as progress:  # type: ignore[arg-type] # it writes and flushes
            return read(lambda done: progress.count(done, max(done, of)))

    def _say(self, waiting: again.Waiting, *, as_json: bool) -> None:
        if as_json:
            counts = {"new": waiting.new, "again": waiting.again, "kept": waiting.kept, "minutes": waiting.minutes}
            self.stdout.write(json.dumps(counts))
            return
        self.stdout.write(
            f"{_texts(waiting.new)} to be read, {waiting.again:,} to be read again: about {waiting.minutes:,} min by "
            f"a worker. {_texts(waiting.kept)} of an earlier reader kept as people left them."
        )


def _texts(count: int) -> str:
    return f"{count:,} text{'' if count == 1 else 's'}"

"""`manage.py read_statements [NAME]`: find the statements of texts that nobody has read yet."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.management.options import positive
from recommender.models import Catalog
from recommender.progress import Progress
from recommender.statements import service


class Command(BaseCommand):
    help = "Read texts for what they state. Workers do so by themselves; it may be stopped and started again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="the catalog; without it, all of them")
        parser.add_argument("--most", type=positive, metavar="N", help="stop after so many texts")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = None
        if options["name"]:
            catalog = Catalog.objects.filter(name=options["name"]).first()
            if catalog is None:
                raise CommandError(f"There is no catalog {options['name']!r}.")
        waiting = service.unread(catalog).count()
        waiting = min(waiting, options["most"] or waiting)
        with Progress("Reading texts", out=self.stdout) as progress:  # type: ignore[arg-type] # it writes and flushes
            done = service.read_missing(
                catalog, most=options["most"], step=lambda done: progress.count(done, max(done, waiting))
            )
        self.stdout.write(f"{done:,} text{'' if done == 1 else 's'} read.")

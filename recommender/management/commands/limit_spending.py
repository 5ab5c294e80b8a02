"""`manage.py limit_spending NAME`: what a catalog's rounds cost so far, and what they may cost in all."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Catalog, Round
from recommender.rounds import service, spending


class Command(BaseCommand):
    help = "Say what the AI has read and written for a catalog, and set a limit at which its rounds stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        limits = parser.add_mutually_exclusive_group()
        limits.add_argument("--most-tokens", type=int, metavar="N", help="stop once all its rounds cost N tokens")
        limits.add_argument("--no-limit", action="store_true", help="never stop")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        most = options["most_tokens"]
        if most is not None and most < 1:
            raise CommandError("--most-tokens must be a whole number above 0.")
        if most is not None or options["no_limit"]:
            waiting = service.limit(catalog, most_tokens=most)
            catalog.refresh_from_db()
            self.stdout.write(f"{waiting} waiting rounds go on.")
        price = spending.cost(Round.objects.filter(catalog=catalog))
        money = "" if price is None else f" ({price:,.2f} by the prices in the settings)"
        most = "no limit" if catalog.most_tokens is None else f"{catalog.most_tokens:,} at most"
        self.stdout.write(f"{catalog.name}: {spending.spent(catalog):,} tokens so far{money}; {most}.")

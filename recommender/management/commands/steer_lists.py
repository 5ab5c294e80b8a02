"""`manage.py steer_lists NAME`: how strongly approved statements move a catalog's lists."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Catalog
from recommender.serving.steering import STRONGEST, knob


class Command(BaseCommand):
    help = "Say how strongly what people approved moves a catalog's lists at once, and set it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        strengths = parser.add_mutually_exclusive_group()
        strengths.add_argument("--strength", type=float, metavar="X", help="1 is usual, 0: not at all")
        strengths.add_argument("--default", action="store_true", help="as R4_STEERING says")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        strength = options["strength"]
        if strength is not None and not 0 <= strength <= STRONGEST:
            raise CommandError(f"--strength must be from 0 to {STRONGEST:g}; it is {strength:g}.")
        if strength is not None or options["default"]:
            catalog.steering = strength
            catalog.save(update_fields=["steering"])
        own = "" if catalog.steering is None else ", its own setting"
        self.stdout.write(f"{catalog.name}: statements move its lists at strength {knob(catalog):g}{own}.")

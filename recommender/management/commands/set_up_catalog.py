"""`manage.py set_up_catalog NAME`: make an empty catalog, to be filled over REST; say and change one's settings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

from recommender.catalogs.changes import lock
from recommender.catalogs.importers.catalogs import CatalogOptions, settle
from recommender.catalogs.importers.plan import CatalogDefaults, Plan
from recommender.catalogs.importers.report import ImportFailedError
from recommender.management.options import add_catalog_settings, catalog_settings
from recommender.models import Catalog, Clock, Item


class Command(BaseCommand):
    help = "Make an empty catalog, to be filled over REST; of one that is there say the settings, and change them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the catalog; it is made where there is none")
        add_catalog_settings(parser)
        parser.add_argument(
            "--clock",
            choices=Clock.values,
            help="what tells which interaction came first: times (seconds), numbers that only order, or nothing "
            "(none); chosen when the catalog is made",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = catalog_settings(options)
        try:
            with transaction.atomic():
                catalog, made = _settled(options["name"], chosen, clock=options["clock"])
        except ImportFailedError as why:
            raise CommandError(str(why)) from why
        except IntegrityError:
            raise CommandError("Somebody has just made it: say it again.") from None
        self._say(catalog, made=made)

    def _say(self, catalog: Catalog, *, made: bool) -> None:
        self.stdout.write(f"{'New catalog' if made else 'Catalog'} {catalog.name}")
        names = ", ".join(catalog.prompt_attributes)
        for name, value in (
            ("an item is called", catalog.item_noun),
            (
                "ratings",
                f"{catalog.rating_min:g} to {catalog.rating_max:g}; above {catalog.like_threshold:g} is a like",
            ),
            ("attributes that texts and reasons go by", names or "none yet: name some with --attributes"),
            ("clock", f"{catalog.clock} ({Clock(catalog.clock).label})"),
        ):
            self.stdout.write(f"  {name}: {value}")
        items = Item.objects.filter(catalog=catalog)
        for name in catalog.prompt_attributes if items.exists() else ():
            if not items.filter(attributes__has_key=name).exists():
                self.stdout.write(f"  no item has an attribute {name!r}: is it misspelt?")


def _settled(name: str, chosen: CatalogOptions, *, clock: str | None) -> tuple[Catalog, bool]:
    """The catalog with these settings, and whether it is new. Call it inside a transaction. Raises ImportFailedError
    where a setting makes no sense."""
    if there := Catalog.objects.filter(name=name).first():
        lock(there)
        if clock not in (None, there.clock):
            raise ImportFailedError(f"The clock of {name} was chosen when it was made: {there.clock}.")
    catalog, changes = settle(name, Plan(CatalogDefaults(clock=Clock(clock or Clock.SECONDS))), chosen)
    if not there:
        catalog.save(force_insert=True)
    elif changes:
        catalog.save(update_fields=list(changes))
    return catalog, not there

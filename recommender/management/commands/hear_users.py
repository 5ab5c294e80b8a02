"""`manage.py hear_users NAME`: when what a catalog's end users say of themselves counts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.accounts import audit
from recommender.models import AuditEvent, Catalog, Hearing
from recommender.statements import own


class Command(BaseCommand):
    help = "Say whether what end users say of themselves counts at once or once a person has accepted it, and set it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--when", choices=Hearing.values, help="when it counts")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        if options["when"]:
            catalog.hearing = options["when"]
            catalog.save(update_fields=["hearing"])
            audit.record(AuditEvent.HEARING_SET, about=catalog, details=options["when"])
        waiting = own.waiting().filter(end_user__catalog=catalog).count()
        heard = Hearing(catalog.hearing)
        self.stdout.write(f"{catalog.name}: what its users say counts {heard.label} ({heard.value}); {waiting} wait.")

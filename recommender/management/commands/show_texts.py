"""`manage.py show_texts NAME`: what people must have said of a text for programs to be given it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Catalog, MinReview


class Command(BaseCommand):
    help = "Say which of a catalog's texts programs are given where they do not say otherwise, and set it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--min-review", choices=MinReview.values, help="what people must have said of a text")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        if options["min_review"]:
            catalog.min_review = options["min_review"]
            catalog.save(update_fields=["min_review"])
        shown = MinReview(catalog.min_review)
        self.stdout.write(f"{catalog.name}: programs are given {shown.label} (min_review={shown.value}).")

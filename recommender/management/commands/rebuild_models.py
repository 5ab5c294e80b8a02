"""`manage.py rebuild_models NAME`: when a catalog's model is trained anew by itself."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from recommender.management.options import add_set, assigned, made
from recommender.management.versions import catalog_named
from recommender.models import Catalog
from recommender.rebuilds import queries, service
from recommender.rebuilds.settings import RebuildSettings, settings_of_catalog


class Command(BaseCommand):
    help = "Say when a catalog's model is trained anew by itself and what came of it, and set when."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_set(parser, RebuildSettings, but=())
        parser.add_argument("--look", action="store_true", help="start what is due now, as workers do every minute")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = catalog_named(options["name"])
        if options["set"]:
            settings = made(RebuildSettings, settings_of_catalog(catalog).to_json() | assigned(options["set"]))
            service.change_settings(catalog, settings, by=None)
        now = timezone.now()
        if options["look"]:
            service.look(now)
        plan = queries.plan(Catalog.objects.get(pk=catalog.pk), now)
        self.stdout.write(json.dumps(plan.to_json()) if options["json"] else "\n".join(plan.lines))

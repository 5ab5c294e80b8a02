"""Measure what a backbone version must show before it may take over."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.management.runs import carry_out_here, why_not_done
from recommender.management.versions import gate_lines, gates_json, number_argument, version_named
from recommender.promotion import service


class Command(BaseCommand):
    help = "Measure a backbone version's gates beside the active version, in this process; they are kept with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        number_argument(parser)
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        version = version_named(options["catalog"], options["number"])
        asked = service.request_examination(version, queue=False)
        carry_out_here(asked, service.carry_out)
        if not_done := why_not_done(asked):
            raise CommandError(not_done)
        self.stdout.write(json.dumps(gates_json(asked)) if options["json"] else gate_lines(asked))

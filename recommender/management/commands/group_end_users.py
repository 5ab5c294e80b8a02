"""Make groups of a catalog's end users, as ThinkRec's experts need them."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.dataset.named import parsed
from recommender.management.options import add_options, add_set, assigned, chosen, made, require_fitting
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog, Grouping
from recommender.runs import service as runs
from recommender.runs.errors import CannotRunError
from recommender.runs.kinds import GROUPING
from recommender.thinkrec.experts import grouping
from recommender.thinkrec.experts.config import GroupingConfig, require_order
from recommender.thinkrec.experts.grouped import Found, value_of
from recommender.thinkrec.opinions import require_both

OPTIONS = ("encoder", "groups", "method", "split", "extends", "seed")


class Command(BaseCommand):
    help = (
        "Group a catalog's end users by what they like, in this process or with --queue in a training worker. Each run "
        "makes new groups; pages show the newest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("catalog", help="the catalog's name")
        add_options(parser, GroupingConfig, OPTIONS)
        add_set(parser, GroupingConfig, but=OPTIONS)
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["catalog"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(f"There is no catalog {options['catalog']!r}. Catalogs: {known or 'none yet'}.")
        config = made(GroupingConfig, chosen(options, OPTIONS) | {"settings": assigned(options["set"])})
        require_fitting(catalog, split=parsed(config.split)[0])
        try:
            require_order(catalog.clock)
            grouping.fit_settings(config)
            require_both(catalog, what="making groups")
            grouping.earlier(catalog, config)
        except CannotRunError as error:
            raise CommandError(str(error)) from error
        asked = runs.request(GROUPING, queue=options["queue"], catalog=catalog, config=config.to_json())
        if options["queue"]:
            waits = f"Grouping {asked.pk} waits for a worker; the page Groups shows how far it is."
            self.stdout.write(json.dumps({"grouping": asked.pk, "state": asked.state}) if options["json"] else waits)
            return
        carry_out_here(asked, grouping.carry_out)
        if not_done := why_not_done(asked):
            raise CommandError(not_done)
        self.stdout.write(json.dumps(result(asked)) if options["json"] else text(asked))


def result(run: Grouping) -> dict[str, Any]:
    """What --json prints."""
    return {"grouping": run.pk, "catalog": run.catalog.name, "state": run.state, "config": run.config, **run.found}


def text(run: Grouping) -> str:
    """How the groups came about and what tells each apart, for a terminal."""
    found = Found.from_json(run.found)
    lines = [f"Grouping {run.pk} of {run.catalog}: {found.words}"]
    for group in found.groups:
        lines += ["", f"{group.name} ({group.size:,} end users)"]
        lines += [
            f"  {value_of(t.aspect):24}{t.share:>6.1%} of likes, elsewhere {t.elsewhere:.1%}" for t in group.traits
        ]
    if found.without:
        lines += ["", f"{found.without:,} end users have no rating in the train part, and no group."]
    return "\n".join(lines)

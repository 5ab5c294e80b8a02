"""`manage.py serve_rules NAME`: business rules of a catalog's lists."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.models import Catalog, Rule, RuleKind
from recommender.serving import rules
from recommender.serving.rankers import RANKERS
from recommender.serving.rules import MOST_PLACE, Wanted

KINDS = {"pin": RuleKind.PIN, "bury": RuleKind.BURY, "out_of_stock": RuleKind.OUT_OF_STOCK}


class Command(BaseCommand):
    help = "Say which items are pinned, buried or out of stock in a catalog's lists; set and remove such rules."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--pin", nargs="+", metavar="ITEM", help="these stand at --at and the places after it")
        what.add_argument("--bury", nargs="+", metavar="ITEM", help="these go to the end")
        what.add_argument("--out-of-stock", nargs="+", metavar="ITEM", help="these are not listed")
        what.add_argument("--remove", nargs="+", type=int, metavar="RULE", help="remove rules by their numbers")
        parser.add_argument("--at", type=int, metavar="PLACE", help=f"of a pin: from 1 to {MOST_PLACE}")
        parser.add_argument("--scenario", choices=sorted(RANKERS), default="", help="only in its lists; else in all")
        parser.add_argument("--note", default="", help="why; callers of lists read it")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        if options["remove"]:
            removed = rules.remove(catalog, options["remove"], by=None)
            if not removed:
                raise CommandError("There is no such rule. Without options the command lists those there are.")
            self.stdout.write(f"{removed} removed.")
        if wanted := _wanted(options):
            made, refused = rules.put(catalog, wanted, by=None)
            if refused:
                ids = ", ".join(wanted[place].item_id for place in refused)
                raise CommandError(f"The catalog has no item of these ids: {ids}. {len(made)} rules were set.")
        known = Rule.objects.with_successors().filter(catalog=catalog).select_related("item").order_by("pk")
        for line in rules.in_words(known):
            self.stdout.write(line)
        if not known:
            self.stdout.write(f"{catalog.name} has no rules.")


def _wanted(options: dict[str, Any]) -> list[Wanted]:
    given = [name for name in KINDS if options[name]]
    at = options["at"]
    if at is not None and given != ["pin"]:
        raise CommandError("--at is for --pin.")
    if not given:
        return []
    if given == ["pin"] and at is None:
        raise CommandError("--pin needs --at, the place of the first one.")
    ids = options[given[0]]
    if at is not None and not 1 <= at <= at + len(ids) - 1 <= MOST_PLACE:
        raise CommandError(f"Places are from 1 to {MOST_PLACE}.")
    places = [None if at is None else at + number for number in range(len(ids))]
    more = {"scenario": options["scenario"], "note": options["note"][:200]}
    return [Wanted(KINDS[given[0]], name, place=place, **more) for name, place in zip(ids, places, strict=True)]

"""`manage.py guard_models NAME`: how the active model and a canary do, and what they are held to."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from recommender.guards import figures, service
from recommender.guards.figures import Figures
from recommender.guards.judging import percent
from recommender.guards.settings import GuardSettings, settings_of_catalog
from recommender.management.options import add_set, assigned, made
from recommender.management.versions import catalog_named
from recommender.models import Watch
from recommender.times import written


class Command(BaseCommand):
    help = "Say how the active model and a canary of a catalog did lately, and set what they are held to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_set(parser, GuardSettings, but=())
        parser.add_argument("--look", action="store_true", help="count and decide now, as workers do every minute")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = catalog_named(options["name"])
        settings = settings_of_catalog(catalog)
        if options["set"]:
            settings = made(GuardSettings, settings.to_json() | assigned(options["set"]))
            service.change_settings(catalog, settings, by=None)
        now = timezone.now()
        if options["look"]:
            service.look_at(catalog, now)
        found = figures.of_catalog(catalog, now)
        decided = figures.decided(catalog, but=found)
        if options["json"]:
            told = {"settings": settings.to_json(), "figures": [one.to_json() for one in found]}
            self.stdout.write(json.dumps(told | {"decided": [decision(one) for one in decided]}))
            return
        for one in found:
            self.stdout.write(said_of(one, settings.window_hours))
        if not found:
            self.stdout.write(f"{catalog.name} has no active model to look after.")
        for watch in decided:
            how = "tried with some users" if watch.is_canary else "while active"
            self.stdout.write(f"Model {watch.version.number}, {how}, {written(watch.decided_at)}: {watch.said}")
        if not settings.watch:
            self.stdout.write("Nobody watches: --set watch=true.")


def decision(watch: Watch) -> dict[str, Any]:
    """What came of a model's watch that no figures tell of: of a canary that was rolled back, say."""
    return {
        "version": watch.version.number,
        "canary": watch.is_canary,
        "decided_at": written(watch.decided_at),
        "outcome": watch.outcome,
        "said": watch.said,
    }


def said_of(one: Figures, hours: int) -> str:
    """For a terminal."""
    kind = "canary" if one.is_canary else "active"
    rate = one.click_rate
    clicks = f"{percent(rate.mean)} of the people clicked ({percent(rate.low)} to {percent(rate.high)})" if rate else ""
    lines = [
        f"Model {one.version.number}, {kind}, the last {hours} h: {one.counts.lists:,} lists, {one.people:,} people.",
        f"  fallback {percent(one.fallback)}, coverage {percent(one.coverage)}, mean score {percent(one.mean_score)}",
        f"  {clicks}" if clicks else "",
        *(f"  {judged['state']}: {judged['label']}. {judged['words']}" for judged in _judged(one)),
        f"  {one.watch.said}" if one.watch and one.watch.said else "",
    ]
    return "\n".join(line for line in lines if line)


def _judged(one: Figures) -> list[dict[str, Any]]:
    return one.watch.judged if one.watch else []

"""`manage.py experiments NAME`: a catalog's experiments, started, stopped, and what they found."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.experiments import service, told, words
from recommender.experiments.results import results_of
from recommender.management.versions import catalog_named
from recommender.models import Catalog, Experiment


class Command(BaseCommand):
    help = "List a catalog's experiments; start or stop one, or say what it found."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the catalog")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--start", metavar="KEY", help="start a draft: users get its variants from the next request")
        what.add_argument("--stop", metavar="KEY", help="stop it: everybody gets the usual lists")
        what.add_argument("--results", metavar="KEY", help="what it found so far; looking often makes nothing wrong")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = catalog_named(options["name"])
        key = options["start"] or options["stop"] or options["results"]
        if key is None:
            self._list(catalog, as_json=options["json"])
            return
        experiment = _named(catalog, key)
        if options["start"]:
            try:
                service.start(experiment, by=None)
            except service.ExperimentRefusedError as refusal:
                raise CommandError(f"Nothing was changed. {refusal}") from refusal
        elif options["stop"] and not service.stop(experiment, by=None, reason="Stopped by a command."):
            raise CommandError(f"“{experiment}” was not running ({experiment.get_state_display()}).")
        if options["json"]:
            full = told.with_results(experiment) if options["results"] else told.as_written(experiment)
            self.stdout.write(json.dumps(full))
        else:
            self.stdout.write("\n".join([_line(experiment), *(_found(experiment) if options["results"] else [])]))

    def _list(self, catalog: Catalog, *, as_json: bool) -> None:
        found = list(catalog.experiments.order_by("-pk"))
        if as_json:
            self.stdout.write(json.dumps({"experiments": [told.as_written(each) for each in found]}))
        else:
            self.stdout.write("\n".join(map(_line, found)) or f"{catalog.name} has no experiments.")


def _named(catalog: Catalog, key: str) -> Experiment:
    """Raises CommandError, which names those there are."""
    experiment = catalog.experiments.filter(key=key).first()
    if experiment is None:
        known = ", ".join(catalog.experiments.order_by("pk").values_list("key", flat=True))
        raise CommandError(f"{catalog.name} has no experiment {key!r}. Experiments: {known or 'none yet'}.")
    experiment.catalog = catalog
    return experiment


def _line(experiment: Experiment) -> str:
    since = f" since {experiment.started_at:%Y-%m-%d %H:%M} UTC" if experiment.started_at else ""
    if experiment.stopped_at:
        since += f" until {experiment.stopped_at:%Y-%m-%d %H:%M} UTC. {experiment.stop_reason}".rstrip()
    names = ", ".join(each["name"] for each in experiment.variants)
    return f"{experiment.key} ({names}; {experiment.get_primary_display()}): {experiment.get_state_display()}{since}"


def _found(experiment: Experiment) -> list[str]:
    """What the page says, for a terminal."""
    if experiment.started_at is None:
        return ["  Nobody has got its lists: it has not been started."]
    results = results_of(experiment)
    counted = sum(each.over for each in results.exposed)
    lines = [f"  {said.words}" for said in words.verdicts(results)]
    lines.append(f"  {results.lists:,} lists; {counted:,} users counted, {results.waiting:,} still being observed.")
    for each in results.exposed:
        value = "–" if each.value is None else f"{each.value:.4f}"
        lines.append(f"  {each.name}: {each.shown:,} users got a list, {each.over:,} counted, {value}")
    for against in results.primary:
        if against.lift:
            bounds = [None if each is None else words.signed(each) for each in (against.lift.low, against.lift.high)]
            between = " to ".join(bound or "any" for bound in bounds)
            lines.append(f"  {against.name} against {against.base}: {words.signed(against.lift.estimate)} ({between})")
    return lines

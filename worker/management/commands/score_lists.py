"""`manage.py score_lists NAME`: an LLM scores the first items of the active backbone's lists, for scenario=thinkrec."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.dataset.named import parsed
from recommender.management.options import add_options, chosen, made, require_alone, require_fitting, require_heard
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog, RunState, ScoringRun, ThinkrecRun
from recommender.runs import service as runs
from recommender.runs.errors import CannotRunError
from recommender.runs.kinds import SCORING
from recommender.thinkrec.scoring.config import ScoringConfig
from recommender.thinkrec.scoring.tuned import opened
from worker.scoring import carry_out, require_known


class Command(BaseCommand):
    help = "Have an LLM score the first items of the active backbone's lists (docs/thinkrec.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_options(parser, ScoringConfig, ScoringConfig.model_fields)
        parser.add_argument("--resume", type=int, metavar="RUN", help="go on with a run that was stopped or failed")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        asked = self._resumed(catalog, options) if options["resume"] else self._requested(catalog, options)
        if options["queue"] and asked.state != RunState.DONE:
            self._say({"run": asked.pk, "state": asked.state}, f"Scoring run {asked.pk} waits for a worker.", options)
            return
        if asked.state != RunState.DONE:  # else what it came to is told again
            carry_out_here(asked, carry_out, resumes=True)
        if not_done := why_not_done(asked):
            kept = asked.lists.exists() or asked.ratings.exists()
            raise CommandError(
                f"{not_done}{f' What it scored is kept: `--resume {asked.pk}` goes on.' if kept else ''}"
            )
        made_lists = asked.metrics["cost"]["lists"]
        self._say({"run": asked.pk, "lists": made_lists, "metrics": asked.metrics}, _told(asked, made_lists), options)

    def _requested(self, catalog: Catalog, options: dict[str, Any]) -> ScoringRun:
        given = chosen(options, ScoringConfig.model_fields)
        for name in ("base", "adapter"):  # by whole paths: a worker starts elsewhere
            if name in given and Path(given[name]).expanduser().exists():
                given[name] = str(Path(given[name]).expanduser().resolve())
        config = made(ScoringConfig, _split_of(catalog, given) | given)
        require_heard(config, given)
        if config.held_out:
            require_fitting(catalog, split=parsed(config.split)[0])
        try:
            require_known(catalog, config)
            opened(catalog, config)
        except CannotRunError as error:
            raise CommandError(str(error)) from error
        return runs.request(SCORING, queue=options["queue"], catalog=catalog, config=config.to_json())

    def _resumed(self, catalog: Catalog, options: dict[str, Any]) -> ScoringRun:
        asked = ScoringRun.objects.filter(catalog=catalog, pk=options["resume"]).first()
        if asked is None or asked.is_evaluation:
            raise CommandError(f"There is no scoring run {options['resume']} of {catalog}.")
        require_alone("--resume", chosen(options, ScoringConfig.model_fields))
        if asked.state == RunState.DONE:
            return asked
        runs.resume(asked, queue=options["queue"])
        asked.refresh_from_db()
        return asked

    def _say(self, data: dict[str, Any], text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def _split_of(catalog: Catalog, given: dict[str, Any]) -> dict[str, Any]:
    """The split of the tuning that is named: ratings that another one holds out may be known to it."""
    if not given.get("tuned"):
        return {}
    tuned = ThinkrecRun.objects.filter(pk=given["tuned"], catalog=catalog).first()
    return {"split": tuned.config["split"]} if tuned else {}


def _told(run: ScoringRun, made_lists: int) -> str:
    metrics = run.metrics
    cost = metrics["cost"]
    lines = [f"{made_lists} lists scored by {metrics['model']} with {metrics['prompt']}."]
    lines.append(
        f"{cost.get('read', 0):,} tokens read ({cost.get('row_by_row', 0):,} row by row), {cost.get('written', 0):,} "
        f"written; {cost['seconds']:.1f} s for the lists."
    )
    if test := metrics.get("test"):
        told = {"AUC": test["auc"], "UAUC": test["thinkrec_uauc"], "LogLoss": test["logloss"], "ECE": test["ece"]}
        told |= {"NDCG@5": test["thinkrec_ndcg@5"], "MAP@5": test["thinkrec_map@5"]}
        words = ", ".join(f"{name} {'–' if value is None else f'{value:.4f}'}" for name, value in told.items())
        lines.append(f"{test['samples']} opinions held out: {words}.")
    return "\n".join(lines)

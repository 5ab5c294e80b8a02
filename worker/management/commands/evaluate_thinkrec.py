"""`manage.py evaluate_thinkrec NAME`: how well an LLM orders what was rated, beside the active model, and explains."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.dataset.named import parsed, spelled
from recommender.management.options import add_options, chosen, made, require_alone, require_fitting, require_heard
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import BackboneVersion, Catalog, RunState, ScoringRun, ThinkrecRun, VersionState
from recommender.recipe import TrainConfig
from recommender.runs import service as runs
from recommender.runs.errors import CannotRunError
from recommender.runs.kinds import SCORING
from recommender.thinkrec.evaluation.config import EvaluationConfig
from recommender.thinkrec.evaluation.kept import has_scored
from recommender.thinkrec.evaluation.report import told
from recommender.thinkrec.opinions import require_both
from worker.evaluating import carry_out


class Command(BaseCommand):
    help = (
        "See how well an LLM orders what was rated, beside the active model, and explains it "
        "(docs/thinkrec-evaluation.md)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_options(parser, EvaluationConfig, EvaluationConfig.model_fields)
        parser.add_argument("--cross", metavar="OTHER", help="evaluate on this other catalog what was tuned on NAME")
        parser.add_argument("--resume", type=int, metavar="RUN", help="go on with one that was stopped or failed")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = _catalog(options["name"])
        if options["resume"]:
            run = _resumed(_catalog(options["cross"] or options["name"]), options)
        else:
            run = _requested(catalog, options)
        if options["queue"] and run.state != RunState.DONE:
            waits = f"Evaluation of ThinkRec {run.pk} waits for a worker."
            self.stdout.write(json.dumps({"run": run.pk, "state": run.state}) if options["json"] else waits)
            return
        if run.state != RunState.DONE:  # else what was found is told again
            carry_out_here(run, carry_out, resumes=True)
        if not_done := why_not_done(run):
            raise CommandError(f"{not_done}{f' `--resume {run.pk}` goes on where it was.' if has_scored(run) else ''}")
        result = {"run": run.pk, "catalog": run.catalog.name, "config": run.config, "metrics": run.metrics}
        self.stdout.write(json.dumps(result) if options["json"] else "\n".join(told(run)))


def _catalog(name: str) -> Catalog:
    found = Catalog.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no catalog {name!r} (known: {known}).")
    return found


def _requested(catalog: Catalog, options: dict[str, Any]) -> ScoringRun:
    given = chosen(options, EvaluationConfig.model_fields)
    for name in ("base", "adapter"):  # by whole paths: a worker starts elsewhere
        if name in given and Path(given[name]).expanduser().exists():
            given[name] = str(Path(given[name]).expanduser().resolve())
    tuned = _tuned(catalog, given)
    if options["cross"] and tuned is None:
        raise CommandError("--cross evaluates what was tuned on one catalog on another: name the run by --tuned.")
    on = _catalog(options["cross"]) if options["cross"] else catalog
    at_home = tuned if tuned and on == catalog else None
    config = made(EvaluationConfig, {"split": _split_of(on, at_home)} | given)
    require_heard(config, given.keys() & chosen(options, EvaluationConfig.model_fields).keys())
    if at_home and config.split != at_home.config["split"]:
        raise CommandError(
            f"{at_home} learned from the train part of the split {at_home.config['split']}, and may know the opinions "
            f"that {config.split} tests: leave --split out."
        )
    require_fitting(on, split=parsed(config.split)[0])
    try:
        require_both(on, what="an evaluation")
    except CannotRunError as error:
        raise CommandError(str(error)) from error
    return runs.request(SCORING, queue=options["queue"], catalog=on, config=config.to_json())


def _tuned(catalog: Catalog, given: dict[str, Any]) -> ThinkrecRun | None:
    """The tuning that is named; what was tuned is what rows are ranked by, unless something else is asked for."""
    if not given.get("tuned"):
        return None
    if also := sorted({"base", "adapter"} & set(given)):
        raise CommandError(f"--tuned says which model it is: leave --{' and --'.join(also)} out.")
    tuned = ThinkrecRun.objects.filter(pk=given["tuned"], catalog=catalog, state=RunState.DONE).first()
    if tuned is None:
        raise CommandError(f"{catalog} has no finished ThinkRec tuning {given['tuned']}.")
    given.setdefault("score", "log_odds" if tuned.config["contrast"] else "yes")
    return tuned


def _split_of(catalog: Catalog, tuned: ThinkrecRun | None) -> str:
    """The split that whoever learned goes by: only its parts are unknown to them."""
    if tuned is not None:
        return str(tuned.config["split"])
    version = BackboneVersion.objects.filter(catalog=catalog, state=VersionState.ACTIVE).first()
    if version is None:
        return str(EvaluationConfig.model_fields["split"].default)
    recipe = TrainConfig.from_json(version.config)
    return spelled(recipe.split, recipe.cuts)


def _resumed(catalog: Catalog, options: dict[str, Any]) -> ScoringRun:
    run = ScoringRun.objects.filter(catalog=catalog, pk=options["resume"]).first()
    if run is None or not run.is_evaluation:
        raise CommandError(f"There is no evaluation of ThinkRec {options['resume']} on {catalog}.")
    require_alone("--resume", chosen(options, EvaluationConfig.model_fields))
    if run.state == RunState.DONE:
        return run
    runs.resume(run, queue=options["queue"])
    run.refresh_from_db()
    return run

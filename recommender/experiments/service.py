"""Writing, starting and stopping experiments. What one compares never changes: another one is another experiment."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from recommender.accounts import audit
from recommender.artifacts import files
from recommender.models import (
    Account,
    AuditEvent,
    BackboneVersion,
    Catalog,
    Experiment,
    ExperimentKind,
    ExperimentState,
    HoldoutSource,
    Metric,
    RunState,
)
from recommender.serving import variants as serving
from recommender.serving.rankers import RANKERS
from recommender.serving.steering import STRONGEST
from recommender.serving.types import EXPLAIN_CHOICES
from recommender.serving.variants import HOLDOUT, INTERLEAVED, Variant

MOST_VARIANTS = 6
LARGEST_WEIGHT = 1_000
MOST_HOURS = 60 * 24
LARGEST_HOLDOUT = 0.5
FEWEST_PLANNED, MOST_PLANNED = 100, 100_000_000
LONGEST_NAME = 30
NAME = re.compile(r"[a-zA-Z0-9_-]+")
OF_TEXTS = ("knowledge_signal", "knowledge_field", "statements", "llm_scores")  # switches of a training


class ExperimentRefusedError(Exception):
    """Nothing was changed; the message says why and what to do. `field`: of Plan, where one is wrong."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Plan:
    """What an experiment compares, and how: the columns of Experiment."""

    key: str
    variants: Sequence[Variant] = field(default_factory=tuple)
    scenario: str = ""
    kind: str = ExperimentKind.BETWEEN
    primary: str = Metric.CLICKING
    window_hours: int = 24
    planned: int = 2_000
    smallest_lift: float = 0.05
    holdout: float = 0.0
    holdout_source: str = HoldoutSource.POPULAR


def create(catalog: Catalog, plan: Plan, *, by: Account | None) -> Experiment:
    """A draft. Raises ExperimentRefusedError."""
    _check(plan)
    _check_versions(catalog, plan.variants)
    columns = {each.name: getattr(plan, each.name) for each in fields(plan) if each.name != "variants"}
    try:
        with transaction.atomic():
            made = Experiment.objects.create(
                catalog=catalog,
                variants=[each.to_json() for each in plan.variants],
                salt=uuid.uuid4().hex,
                created_by=by,
                **columns,
            )
            audit.record(AuditEvent.EXPERIMENT_MADE, about=f"{catalog}: {made}", by=by)
    except IntegrityError as error:
        raise ExperimentRefusedError(f"The catalog has an experiment “{plan.key}” already.", "key") from error
    return made


def start(experiment: Experiment, *, by: Account | None) -> None:
    """Raises ExperimentRefusedError: where it is no draft, another runs on the same lists, or a model is missing."""
    _check_versions(experiment.catalog, [Variant.from_json(each) for each in experiment.variants])
    with transaction.atomic():
        serving.changed(experiment.catalog_id)
        others = Experiment.objects.filter(catalog=experiment.catalog_id, state=ExperimentState.RUNNING)
        if experiment.scenario:
            others = others.filter(Q(scenario="") | Q(scenario=experiment.scenario))
        if other := others.exclude(pk=experiment.pk).first():
            raise ExperimentRefusedError(f"“{other}” is running on the same lists. Stop it first.")
        draft = Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.DRAFT)
        if not draft.update(state=ExperimentState.RUNNING, started_at=timezone.now(), started_by=by):
            raise ExperimentRefusedError("It has been started before. An experiment runs once: write another one.")
        audit.record(AuditEvent.EXPERIMENT_STARTED, about=f"{experiment.catalog}: {experiment}", by=by)
    experiment.refresh_from_db()


def stop(experiment: Experiment, *, by: Account | None, reason: str = "") -> bool:
    """False: it was not running. Everybody gets the usual lists from the next request on."""
    with transaction.atomic():
        running = Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.RUNNING)
        stopped = running.update(
            state=ExperimentState.STOPPED, stopped_at=timezone.now(), stopped_by=by, stop_reason=reason[:300]
        )
        if stopped:
            serving.changed(experiment.catalog_id)
            about = f"{experiment.catalog}: {experiment}"
            audit.record(AuditEvent.EXPERIMENT_STOPPED, about=about, details=reason, by=by)
    experiment.refresh_from_db()
    return bool(stopped)


def discard(experiment: Experiment, *, by: Account | None) -> bool:
    """Delete a draft; False: it is none."""
    with transaction.atomic():
        gone, _ = Experiment.objects.filter(pk=experiment.pk, state=ExperimentState.DRAFT).delete()
        if gone:
            about = f"{experiment.catalog}: {experiment}"
            audit.record(AuditEvent.EXPERIMENT_DISCARDED, about=about, by=by)
    return bool(gone)


def without_texts(version: BackboneVersion) -> bool:
    """Whether a version was trained without any text: the twin that a variant without texts is served by."""
    switched_off = all(version.config.get(name) is False for name in OF_TEXTS)
    return switched_off or bool(version.metrics.get("same_model"))


def _check(plan: Plan) -> None:
    names = [each.name for each in plan.variants]
    for wrong, named, said in (
        (not NAME.fullmatch(plan.key) or len(plan.key) > 60, "key", "Name it by 1 to 60 letters, digits, - or _."),
        (plan.scenario not in ("", *RANKERS), "scenario", f"Scenarios are {', '.join(sorted(RANKERS))}."),
        (plan.kind not in ExperimentKind.values, "kind", f"Kinds are {', '.join(ExperimentKind.values)}."),
        (plan.primary not in Metric.values, "primary", f"What counts is one of {', '.join(Metric.values)}."),
        (not 1 <= plan.window_hours <= MOST_HOURS, "window_hours", f"Observe for 1 to {MOST_HOURS} hours."),
        (
            not FEWEST_PLANNED <= plan.planned <= MOST_PLANNED,
            "planned",
            f"Plan with {FEWEST_PLANNED} to {MOST_PLANNED:,} users.",
        ),
        (not 0 < plan.smallest_lift <= 1, "smallest_lift", "The smallest difference is above 0 and at most 1 (100 %)."),
        (not 0 <= plan.holdout <= LARGEST_HOLDOUT, "holdout", "At most half of the users may be held out."),
        (plan.holdout_source not in HoldoutSource.values, "holdout_source", "Either popular or newest."),
        (
            not 2 <= len(names) <= MOST_VARIANTS,
            "variants",
            f"Compare at least 2 and at most {MOST_VARIANTS} variants.",
        ),
        (
            len({name.lower() for name in names}) < len(names),
            "variants",
            "Each variant needs a name of its own.",
        ),
        (
            plan.kind == ExperimentKind.INTERLEAVED and len(names) != 2,
            "variants",
            "A list is mixed of exactly 2 variants.",
        ),
    ):
        if wrong:
            raise ExperimentRefusedError(said, named)
    for each in plan.variants:
        _check_variant(each)


def _check_variant(variant: Variant) -> None:
    for wrong, said in (
        (
            not NAME.fullmatch(variant.name)
            or len(variant.name) > LONGEST_NAME
            or variant.name in (HOLDOUT, INTERLEAVED, "none"),
            f"A variant's name is 1 to {LONGEST_NAME} letters, digits, - or _, and none of holdout, interleaved, none.",
        ),
        (not 1 <= variant.weight <= LARGEST_WEIGHT, f"A weight is a whole number from 1 to {LARGEST_WEIGHT}."),
        (
            variant.steering is not None and not 0 <= variant.steering <= STRONGEST,
            f"Steering is from 0 to {STRONGEST:g}.",
        ),
        (
            variant.explain is not None and variant.explain not in EXPLAIN_CHOICES,
            f"How much is said is one of {', '.join(EXPLAIN_CHOICES)}.",
        ),
    ):
        if wrong:
            raise ExperimentRefusedError(f"{variant.name or 'A variant'}: {said}", "variants")


def _check_versions(catalog: Catalog, variants: Sequence[Variant]) -> None:
    numbers = [each.version for each in variants if each.version is not None]
    versions: Mapping[Any, BackboneVersion] = {
        each.number: each for each in BackboneVersion.objects.filter(catalog=catalog, number__in=numbers)
    }
    for each in variants:
        version = versions.get(each.version)
        if each.version is not None and version is None:
            raise ExperimentRefusedError(f"{each.name}: the catalog has no model {each.version}.", "variants")
        if version is not None:
            _check_version(each, version)
        if not each.knowledge and (version is None or not without_texts(version)):
            raise ExperimentRefusedError(
                f"{each.name}: without texts it needs a model that was trained without them. Train one with "
                f"{', '.join(OF_TEXTS)} left out and everything else as it was, and name it here.",
                "variants",
            )


def _check_version(variant: Variant, version: BackboneVersion) -> None:
    """People see its lists: it has to be whole, and no check may have failed."""
    changed = files.changed_files(version)
    if changed or not files.folder_of(version).is_dir():
        raise ExperimentRefusedError(
            f"{variant.name}: the files of model {version.number} are missing or not what was stored.", "variants"
        )
    done = version.examinations.filter(state=RunState.DONE).order_by("pk").last()
    if done and (failed := [gate["label"] for gate in done.gates if gate["outcome"] == "failed"]):
        raise ExperimentRefusedError(
            f"{variant.name}: model {version.number} failed {', '.join(failed)}, and people would get its lists.",
            "variants",
        )

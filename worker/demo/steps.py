"""The steps of the first start. Each looks at the database first, so an interrupted start goes on where it was."""

import time
from collections.abc import Iterator

from django.conf import settings

from recommender.models import (
    Account,
    BackboneVersion,
    Catalog,
    Role,
    RunState,
    TrainingRun,
    VersionState,
)
from recommender.promotion.activation import RefusedError, activate
from recommender.recipe import TrainConfig
from recommender.rounds.config import OpenConfig
from recommender.rounds.queries import Progress, progress
from recommender.rounds.service import open_rounds
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from recommender.runs.service import UNFINISHED
from worker.demo.facts import CATALOG

LONGEST_WAIT = 15 * 60  # seconds for all rounds, or for one training run
LOOK_EVERY = 0.3
MOST = 0.6  # of the first rounds


class StepFailedError(Exception):
    """Why the first start cannot go on, and what to do."""


def is_complete() -> bool:
    """Whether the last step, an active backbone of the sample catalog, was reached."""
    return BackboneVersion.objects.filter(catalog__name=CATALOG, state=VersionState.ACTIVE).exists()


def first_rounds(catalog: Catalog) -> Iterator[Progress]:
    """Open the first batch, unless there are rounds already; yields how far they are until most have ended.

    The others go on while people begin to review.
    """
    if not catalog.rounds.exists():
        open_rounds(catalog, OpenConfig(subjects="all", limit=settings.FIRST_ROUNDS), requested_by=_lead())
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        now = progress(catalog.rounds.all())
        yield now
        if now.finished or now.done >= MOST * now.total > 0:
            break
        if time.monotonic() > deadline:
            why = now.last_error or "no worker took them"
            raise StepFailedError(f"{now.total - now.done} rounds are not done: {why}.")
        time.sleep(LOOK_EVERY)
    if now.failed == now.total:
        error = catalog.rounds.exclude(error="").values_list("error", flat=True).first()
        raise StepFailedError(f"All rounds failed: {error}.")


def request_first_backbone(catalog: Catalog) -> TrainingRun | None:
    """Ask for a first backbone, unless one is active (None), asked for or trained. It needs no texts."""
    if is_complete():
        return None
    asked = TrainingRun.objects.filter(catalog=catalog, activate=True).order_by("-pk")
    return asked.filter(state__in=[RunState.WAITING, RunState.RUNNING, RunState.DONE]).first() or runs.request(
        TRAINING, catalog=catalog, config=TrainConfig().to_json(), activate=True, requested_by=_lead()
    )


def first_backbone(run: TrainingRun) -> Iterator[TrainingRun]:
    """Activate the first backbone once it is trained; yields the run until then."""
    deadline = time.monotonic() + LONGEST_WAIT
    while _is_under_way(run):
        yield run
        if time.monotonic() > deadline:
            raise StepFailedError(f"Training run {run.pk} is not done: it is {run.get_state_display()}.")
        time.sleep(LOOK_EVERY)
        run.refresh_from_db()
    if run.state != RunState.DONE:
        raise StepFailedError(f"Training run {run.pk} ended as {run.get_state_display()}: {run.error}")
    try:
        activate(run.version, by=run.requested_by)  # changes nothing where the worker came first
    except RefusedError as refusal:
        raise StepFailedError(str(refusal)) from refusal


def _is_under_way(run: TrainingRun) -> bool:
    """Whether it trains, or its version's gates are being measured."""
    if run.state != RunState.DONE:
        return run.state in UNFINISHED
    return run.version.examinations.filter(state__in=UNFINISHED).exists()


def _lead() -> Account:
    return Account.objects.get(username=Role.LEAD)

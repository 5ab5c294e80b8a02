"""Runs carried out in the test's process, as the workers would."""

from recommender.models import RunState, TrainingRun
from recommender.runs import service
from recommender.runs.kinds import AnyRun, kind_of
from recommender.runs.observer import Observer
from worker.tasks import CARRY_OUT


def carried_out(run: AnyRun, *, observer: Observer | None = None) -> AnyRun:
    """The run, as its row is afterwards."""
    kind = kind_of(run)
    service.run(kind, run.pk, CARRY_OUT[kind.name], observer=observer)
    run.refresh_from_db()
    return run


def with_examination(run: TrainingRun) -> TrainingRun:
    """Train, and then measure the gates of what came of it."""
    if carried_out(run).state == RunState.DONE:
        carried_out(run.version.examinations.get())
        run.version.refresh_from_db()
    return run

"""Names that are sent from below and registered above must be the same: of jobs, of queues and of kinds of runs."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml
from django.conf import settings

from r4web.celery import app
from recommender import jobs
from recommender.models import Run
from recommender.runs.kinds import KINDS
from tests.architecture.repository import ROOT
from worker import tasks
from worker.supervisor import children

JOBS = {value for value in vars(jobs).values() if isinstance(value, jobs.Job)} | {kind.job for kind in KINDS.values()}
NAMES = {job.name for job in JOBS}
QUEUES = {job.name: job.queue for job in JOBS}


def registered() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith(("celery.", "tests."))}


def test_every_job_name_is_a_registered_task_and_every_task_has_a_name() -> None:
    assert registered() == NAMES


def test_every_job_has_a_queue_that_a_worker_serves() -> None:
    assert len(JOBS) == len(NAMES)
    assert set(QUEUES.values()) == set(jobs.Queue) == {"llm", "training"}


def queues(command: list[str]) -> Iterator[str]:
    return (word for before, word in pairwise(command) if before == "--queues")


def test_every_queue_has_a_worker_of_the_supervisor_and_one_of_the_deployment() -> None:
    supervised = [child.command for child in children.services()]
    deployed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for commands in (supervised, [service.get("command", []) for service in deployed.values()]):
        assert {name for command in commands for name in queues(command)} == set(jobs.Queue)


def test_beat_sends_known_jobs_into_their_queues() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert QUEUES[entry["task"]] == entry.get("options", {}).get("queue", settings.CELERY_TASK_DEFAULT_QUEUE)


def test_every_kind_of_run_is_a_table_of_runs_a_job_and_something_that_carries_it_out() -> None:
    assert {kind.table for kind in KINDS.values()} == set(Run.__subclasses__())
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert set(tasks.CARRY_OUT) == set(KINDS)
    assert len({kind.job.name for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.django_db
@pytest.mark.parametrize("argument", ["run_id", "evaluation_id", "examination_id"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_message_of_the_previous_release_is_understood(kind: Any, argument: str) -> None:
    app.tasks[kind.job.name](**{argument: 0})  # a run that is gone: nothing to do

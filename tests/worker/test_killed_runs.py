"""Every kind of run, killed in the midst: it goes on when the machine starts again, or says why not, and blocks none.

A new kind in KINDS is tested without a line here, but for the columns that a row of it needs.
"""

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone
from pytest_django import Settings

from recommender import jobs
from recommender.evaluation.arms import Study
from recommender.models import Catalog, Run, RunState
from recommender.runs import leases, service
from recommender.runs.kinds import EVALUATION, EXAMINATION, KINDS, THINKREC, TUNING, Kind
from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.tuning.config import TuneConfig
from tests.builders import make_catalog
from tests.conftest import ROOT
from tests.recommender.promotion.versions import make_version
from tests.servers import wait_until
from worker.supervisor import recovery

pytestmark = pytest.mark.django_db(transaction=True)
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)

# Columns without which a kind's row cannot be, or could not be carried out. The catalog is empty: with a real worker
# each ends soon, most of them with a sentence about what is missing.
COLUMNS: dict[str, Callable[[Catalog], dict[str, Any]]] = {
    EVALUATION.name: lambda _: {"config": Study().to_json()},
    EXAMINATION.name: lambda catalog: {"version": make_version(catalog)},
    THINKREC.name: lambda _: {"config": ThinkrecConfig(base="none").to_json()},
    TUNING.name: lambda _: {"role": "actor", "config": TuneConfig(base="none").to_json()},
}
WORKER = """
import json, os, sys, time
from threading import Semaphore, Thread
import django
django.setup()
from recommender.runs import service
from recommender.runs.kinds import KINDS

begun = Semaphore(0)

def compute(run, recorder):
    recorder.at("computing", 1, 2)
    print("computing", flush=True)
    begun.release()
    time.sleep(600)

for name, run_id in json.loads(sys.argv[1]).items():
    Thread(target=service.run, args=(KINDS[name], run_id, compute)).start()
    if not begun.acquire(timeout=120):  # it raised: nobody waits for the others
        os._exit(1)
"""


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """What the worker would load while the clock runs: on a busy machine that takes minutes."""
    of_thinkrec = ("thinkrec.tuning.stages", "thinkrec.scoring.scorer", "thinkrec.collaborative.fit")
    for module in ("training.pipeline", "evaluation.fits", "tuning.lora", *of_thinkrec):
        import_module(f"recommender.{module}")


@pytest.fixture(autouse=True)
def machine(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_IS_EMBEDDED = True
    settings.VAR_DIR = tmp_path


def asked(kind: Kind[Any], **columns: Any) -> Any:
    catalog = make_catalog()
    needed = COLUMNS.get(kind.name, lambda _: {"config": {}})(catalog)
    return service.request(kind, queue=False, catalog=catalog, **needed | columns)


def killed(environment: dict[str, str]) -> list[Run]:
    """A run of each kind whose worker, a process of its own, the kernel ended in the midst of it."""
    runs = {name: asked(kind) for name, kind in KINDS.items()}
    command = [sys.executable, "-c", WORKER, json.dumps({name: run.pk for name, run in runs.items()})]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert [worker.stdout.readline() for _ in runs] == ["computing\n"] * len(runs)
        worker.send_signal(signal.SIGKILL)
    for name, run in runs.items():
        run.refresh_from_db()
        assert (run.state, run.progress["stage"], run.progress["attempt"]) == (RunState.RUNNING, "computing", 1)
        assert run.lease_expires_at > timezone.now() + KINDS[name].lease / 2
    return list(runs.values())


def held(kind: Kind[Any]) -> Any:
    """A run that a worker took, of which nothing was heard since."""
    run = leases.claim(kind, asked(kind).pk)
    assert run is not None
    return run


def waiting_of(kinds: Iterable[Kind[Any]]) -> list[Run]:
    """A run of each kind that was asked for a while ago, and whose message the machine's broker has forgotten."""
    waiting = [asked(kind) for kind in kinds]
    for run in waiting:
        type(run).objects.filter(pk=run.pk).update(created_at=timezone.now() - 2 * service.LOST_MESSAGE_AFTER)
    return waiting


def test_after_a_start_killed_runs_go_on_at_once_or_say_why_not_and_no_other_waits(
    live_worker: Celery, child_environment: dict[str, str]
) -> None:
    interrupted, others = killed(child_environment), waiting_of(KINDS.values())
    recovery.end_leases()
    recovery.send_what_was_lost()

    def all_ended() -> bool:
        for each in (*interrupted, *others):
            each.refresh_from_db()
        return all(each.finished_at for each in (*interrupted, *others))

    wait_until(all_ended, seconds=300, what="every run")
    assert {run.progress["attempt"] for run in interrupted} == {2}
    for each in (*interrupted, *others):
        assert each.state in (RunState.DONE, RunState.FAILED)
        assert each.state == RunState.DONE or each.error


@each_kind
def test_a_run_that_takes_its_process_down_each_time_says_so_at_last(kind: Kind[Any], broker: str) -> None:
    run = held(kind)
    leases.renew(run, {"attempt": leases.MOST_ATTEMPTS})
    recovery.end_leases()
    assert service.sweep(timezone.now()) == [run]
    service.run(kind, run.pk, lambda *_: pytest.fail("it was started once more"))
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert f"ended {leases.MOST_ATTEMPTS} times" in run.error
    assert service.sweep(timezone.now()) == []


@each_kind
def test_a_full_disk_is_said_in_words(kind: Kind[Any], broker: str) -> None:
    run = asked(kind)

    def carry_out(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "there")

    service.run(kind, run.pk, carry_out)
    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert run.error.endswith("The disk is full: free some space, then start it again.")


@each_kind
def test_without_a_start_a_dead_worker_holds_up_no_other_run(kind: Kind[Any], broker: str) -> None:
    """On several machines no start ends a lease: the run itself has to wait for its end, and nothing else has."""
    run, others = held(kind), waiting_of(other for other in KINDS.values() if other != kind)
    now = timezone.now()
    assert service.sweep(now) == others
    assert jobs.waiting(kind.job.queue) == len(others)
    assert service.sweep(now + kind.lease) == [run]


@each_kind
def test_a_run_of_a_worker_that_lives_is_left_alone(kind: Kind[Any], broker: str) -> None:
    run = held(kind)
    assert service.sweep(timezone.now() + kind.lease - timedelta(seconds=30)) == []
    assert leases.claim(kind, run.pk) is None

"""One shape for every run: asked for, carried out by one worker at a time, sent again when that worker is lost."""

import errno
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from recommender import jobs
from recommender.models import Run, RunState
from recommender.runs import leases
from recommender.runs.errors import CannotRunError, StoppedError
from recommender.runs.kinds import KINDS, AnyRun, Kind, kind_of
from recommender.runs.observer import Observer
from recommender.runs.recorder import Recorder

log = logging.getLogger(__name__)

CarryOut = Callable[[AnyRun, Recorder], None]
UNFINISHED = (RunState.WAITING, RunState.RUNNING)
LOST_MESSAGE_AFTER = timedelta(seconds=60)


def request(kind: Kind[AnyRun], *, queue: bool = True, **columns: Any) -> AnyRun:
    """Ask for a run with these columns of its table. `queue`: send it to the workers; else the caller does `run`."""
    asked = kind.table._default_manager.create(**columns)
    if queue:
        send(asked)
    return asked


def send(run: Run) -> None:
    """Tell the workers of a run, once the surrounding transaction commits."""
    jobs.send(kind_of(run).job, run_id=run.pk)


def run(kind: Kind[AnyRun], run_id: int, carry_out: CarryOut[AnyRun], *, observer: Observer | None = None) -> None:
    """Carry a run out, in the process that computes. Its outcome, errors included, is in its row.

    `carry_out` computes, shows life to the recorder it is given, and ends with `leases.finish`, in the transaction of
    whatever else it stores. Nothing happens where another worker has the run or it has ended.
    """
    claimed = leases.claim(kind, run_id)
    if claimed is None:
        return
    try:
        carry_out(claimed, Recorder(claimed, observer))
    except StoppedError:
        log.info("%s was cancelled or taken over", claimed)
    except CannotRunError as error:
        leases.fail(claimed, str(error))
    except Exception as error:
        log.exception("%s failed", claimed)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            leases.fail(claimed, f"{kind.failed} The disk is full: free some space, then start it again.")
            return
        leases.fail(claimed, f"{kind.failed} {type(error).__name__}: {error}")


def cancel(run: Run) -> bool:
    """Stop a run that waits or computes; its worker notices within seconds. False: it had ended before."""
    unfinished = type(run)._default_manager.filter(pk=run.pk, state__in=UNFINISHED)
    return bool(unfinished.update(state=RunState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None))


def resume(run: Run, *, queue: bool = True) -> None:
    """Let a run go on with what it stored. One that still runs elsewhere stops there and goes on here."""
    type(run)._default_manager.filter(pk=run.pk).update(
        state=RunState.WAITING, error="", progress={}, lease_token="", lease_expires_at=None, finished_at=None
    )
    if queue:
        send(run)


def sweep(now: datetime) -> list[Run]:
    """Send again what got lost: runs whose worker is gone, and waiting runs that no worker has heard of.

    A run that waits for longer than a minute was lost when no message waits in its queue: a worker holds no message
    but that of the run it carries out. Returns what was sent, interrupted runs first, then as they were asked for.
    """
    dry = {queue for queue in {kind.job.queue for kind in KINDS.values()} if not jobs.waiting(queue)}
    found: list[Run] = []
    for kind in KINDS.values():
        lost = Q(state=RunState.RUNNING, lease_expires_at__lt=now)
        if kind.job.queue in dry:
            lost |= Q(state=RunState.WAITING, created_at__lt=now - LOST_MESSAGE_AFTER)
        found += kind.table._default_manager.filter(lost)
    found.sort(key=lambda run: (run.state != RunState.RUNNING, run.created_at))
    for each in found:
        send(each)
    return found


def end_leases() -> None:
    """End every lease: for a start of the only machine, when whoever held one is gone."""
    now = timezone.now()
    for kind in KINDS.values():
        kind.table._default_manager.filter(state=RunState.RUNNING).update(lease_expires_at=now)

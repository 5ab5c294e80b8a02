"""What must never delay an answer: little things, by one thread a process, which leaves out what does not fit; and what
takes long, as counting a catalog, one after another by threads that do not keep the process from ending.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

log = logging.getLogger(__name__)

MOST_WAITING = 2  # with the one that runs

MOST_ASIDE = 16  # what takes long, with the one that is done

_places = threading.BoundedSemaphore(MOST_WAITING)
_places_aside, _one_aside = threading.BoundedSemaphore(MOST_ASIDE), threading.Lock()
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="after-the-answer")


def offer(work: Callable[[], object]) -> bool:
    """Do it soon, in the thread; False where the thread has enough to do. Its errors are logged and hurt nobody."""
    if not _places.acquire(blocking=False):
        return False
    _pool.submit(_do_and_leave, work)
    return True


def aside(work: Callable[[], object]) -> bool | None:
    """Do what takes long when its turn comes. None where enough is waiting, so that it is not done. False inside a
    transaction, which sees what no other thread does: it is for the caller."""
    if connection.in_atomic_block:
        return False
    if not _places_aside.acquire(blocking=False):
        return None
    threading.Thread(target=_do_in_turn, args=(work,), name="aside", daemon=True).start()
    return True


def _do_in_turn(work: Callable[[], object]) -> None:
    try:
        with _one_aside:
            _do(work)
    finally:
        _places_aside.release()


def _do_and_leave(work: Callable[[], object]) -> None:
    try:
        _do(work)
    finally:
        _places.release()


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("Work after an answer failed")
    finally:
        connections.close_all()  # this thread's own

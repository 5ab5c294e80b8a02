"""What must never delay an answer: little things by one thread a process, which leaves out what does not fit; and what
takes long, as counting a catalog, each by a thread of its own.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

log = logging.getLogger(__name__)

MOST_WAITING = 2  # with the one that runs

_places = threading.BoundedSemaphore(MOST_WAITING)
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="after-the-answer")


def offer(work: Callable[[], object]) -> bool:
    """Do it soon, in the thread; False where the thread has enough to do. Its errors are logged and hurt nobody."""
    if not _places.acquire(blocking=False):
        return False
    _pool.submit(_do_and_leave, work)
    return True


def aside(work: Callable[[], object]) -> bool:
    """Do it now, in a thread of its own, which does not keep the process from ending. False inside a transaction, which
    sees what no other thread does."""
    if connection.in_atomic_block:
        return False
    threading.Thread(target=_do, args=(work,), name="aside", daemon=True).start()
    return True


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

"""One thread a process for what must never delay an answer. It takes little: what does not fit is left out."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

log = logging.getLogger(__name__)

MOST_WAITING = 2  # with the one that runs

_places = threading.BoundedSemaphore(MOST_WAITING)
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="after-the-answer")


def offer(work: Callable[[], object]) -> bool:
    """Do it soon, in the thread; False where the thread has enough to do. Its errors are logged and hurt nobody."""
    if not _places.acquire(blocking=False):
        return False
    _pool.submit(_do, work)
    return True


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        log.exception("Work after an answer failed")
    finally:
        connections.close_all()  # this thread's own
        _places.release()

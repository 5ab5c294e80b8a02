"""Bodies of requests that come slowly do not hold the threads that answer.

Granian lets the thread that answers wait for a request's body: as many clients as there are threads, each sending a
byte a minute, would keep everybody else waiting for ever. Here each read waits in a thread of its own, and is given up
where the body comes slower than from any honest client: one costs others a few seconds at most. Who asked is told that
it ended early.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

FIRST_SECONDS = 5.0
LEAST_PACE = 20_000.0  # bytes a second, after that
MOST_WAITING = 64  # reads at once; each holds a thread until its client sends or goes away
_waiting = threading.BoundedSemaphore(MOST_WAITING)
Application = Callable[..., Any]


def patient(application: Application) -> Application:
    """The same WSGI application, whose requests' bodies are read so. A read that is given up raises OSError."""

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
            environ["wsgi.input"] = Patient(environ["wsgi.input"])
        return application(environ, start_response)

    return answer


class Patient:
    """What is read of a body: `read` and `readline` of `source`, as long as it comes."""

    def __init__(self, source: Any) -> None:
        self._source, self._until = source, time.monotonic() + FIRST_SECONDS

    def read(self, size: int = -1) -> bytes:
        return self._come(self._source.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._come(self._source.readline, size)

    def _come(self, read: Callable[[int], bytes], size: int) -> bytes:
        if not _waiting.acquire(blocking=False):
            raise OSError("Too many requests send their bodies slowly.")
        came: SimpleQueue[bytes | Exception] = SimpleQueue()
        threading.Thread(target=_wait_for, args=(read, size, came), daemon=True).start()
        try:
            found = came.get(timeout=max(0.0, self._until - time.monotonic()))
        except Empty as error:
            raise OSError("The body came too slowly.") from error
        if isinstance(found, Exception):
            raise found
        self._until += len(found) / LEAST_PACE
        return found


def _wait_for(read: Callable[[int], bytes], size: int, came: "SimpleQueue[bytes | Exception]") -> None:
    try:
        came.put(read(size))
    except Exception as error:
        came.put(error)
    finally:
        _waiting.release()

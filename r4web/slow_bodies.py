"""Bodies that come slowly: whoever sends one holds one of the few threads for a while, and not for good.

Granian hands a request on once its headers are there and waits for the body for ever. A proxy that collects bodies
before it hands them on (nginx does unless told otherwise) spares even the while.
"""

import time
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, Protocol

PIECE = 2**13  # bytes that are waited for at once
PATIENCE = 10.0  # seconds that a body may be waited for in all,
SLOWEST = 1_000  # and one more for every so many bytes of it that came


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...

    def readline(self, size: int = ..., /) -> bytes: ...


class Timely:
    """A body that raises TimeoutError where it comes too slowly; the thread that waits for it then ends with the
    connection."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._came, self._waited = 0, 0.0

    def read(self, size: int = -1, /) -> bytes:
        pieces: list[bytes] = []
        left = size
        while left and (piece := self._within(self._source.read, PIECE if left < 0 else min(PIECE, left))):
            pieces.append(piece)
            left -= len(piece) if left > 0 else 0
        return b"".join(pieces)

    def readline(self, size: int = -1, /) -> bytes:
        return self._within(self._source.readline, size)

    def _within(self, read: Callable[[int], bytes], size: int) -> bytes:
        left = PATIENCE + self._came / SLOWEST - self._waited
        came: list[bytes | BaseException] = []
        if left > 0:
            began = time.monotonic()
            reader = Thread(target=_keep, args=(read, size, came), daemon=True)
            reader.start()
            reader.join(left)
            self._waited += time.monotonic() - began
        if not came:
            self._waited = float("inf")  # whatever else is asked of it
            raise TimeoutError("The body came too slowly.")
        if isinstance(came[0], BaseException):
            raise came[0]
        self._came += len(came[0])
        return came[0]


def _keep(read: Callable[[int], bytes], size: int, came: list[bytes | BaseException]) -> None:
    try:
        came.append(read(size))
    except BaseException as error:
        came.append(error)


Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def timely(application: Application) -> Application:
    """The same WSGI application, whose requests' bodies are waited for within limits."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = Timely(environ["wsgi.input"])
        return application(environ, start_response)

    return answer

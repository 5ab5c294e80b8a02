"""A bound on password hashes at work at once: each is half a second of computing, on purpose, and must not take the
machine and the threads from everybody else.

A place is a locked file, so all processes of one machine share them, and one that dies leaves none taken. At most two
threads of a process compute or wait for a place; whoever comes then is told to try again, at once.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

IN_LINE = 2  # threads of a process, of the four that answer requests
PATIENCE = 3.0  # seconds that one of them waits for a place
LOOKS_EVERY = 0.02  # seconds
AGAIN_IN = 5  # seconds after which to try again

_line = threading.BoundedSemaphore(IN_LINE)
_held = threading.local()


class BusyError(Exception):
    """No place became free; the message may be shown."""

    def __init__(self) -> None:
        super().__init__(f"Many passwords are being checked at this moment. Try again in {AGAIN_IN} seconds.")


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's own hashes, computed in a place. Raises BusyError."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with place():
            return super().encode(password, salt, iterations)


@contextmanager
def place() -> Iterator[None]:
    """Hold a place; a thread that has one keeps it. Raises BusyError."""
    if getattr(_held, "place", False):
        yield
        return
    if not _line.acquire(blocking=False):
        raise BusyError
    try:
        file = _taken()
        _held.place = True
        try:
            yield
        finally:
            _held.place = False
            os.close(file)
    finally:
        _line.release()


def _taken() -> int:
    """The open file of a place; closing it gives the place back."""
    folder = Path(settings.VAR_DIR) / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ends = time.monotonic() + PATIENCE
    while True:
        for number in range(settings.PARALLEL_HASHES):
            file = os.open(folder / f"password-hash-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
            else:
                return file
        if time.monotonic() >= ends:
            raise BusyError
        time.sleep(LOOKS_EVERY)

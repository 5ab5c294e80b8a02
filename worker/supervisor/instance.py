"""One supervisor for each var folder, and the mistakes that are better said before anything starts."""

import errno
import fcntl
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recommender import private_files

NEEDED_BYTES = 500 * 2**20


class CannotStartError(Exception):
    """Why nothing was started, in one sentence."""


@contextmanager
def only_one(var: Path, *, address: str) -> Iterator[None]:
    """Hold the folder's lock. Raises CannotStartError naming the address of the one that holds it already."""
    with (var / "run" / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise CannotStartError(
                f"R4Web is already running at {lock.read().strip() or 'another address'} with the folder {var}. "
                "Stop it there first, or name another folder in R4_VAR and another port in R4_PORT."
            ) from error
        lock.truncate(0)
        lock.write(address)
        lock.flush()
        yield


def make_folders(var: Path) -> None:
    """`var` and what is in it belong to this account alone. Raises CannotStartError when the disk is (nearly) full."""
    try:
        for folder in (var, var / "run", var / "log"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_files.close(var)
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise CannotStartError(f"{var} cannot be used: {why}.") from error
    free = shutil.disk_usage(var).free
    if free < NEEDED_BYTES:
        raise CannotStartError(
            f"The disk of {var} is full: {free / 2**20:.0f} MB are free, {NEEDED_BYTES / 2**20:.0f} MB are needed."
        )


def clear_counts(folder: Path) -> None:
    """Call before web processes start: what those of an earlier start counted is of no use, and their files stay."""
    folder.mkdir(exist_ok=True, mode=0o700)
    for file in folder.glob("*.db"):
        file.unlink()


def check_restored(var: Path) -> None:
    """Raises CannotStartError when a restore was killed: database and files may be of two moments."""
    if (var / "run" / "restoring").exists():
        raise CannotStartError(
            "A restore was killed before it was done. Run it again: manage.py restore FILE --overwrite. "
            f"What it had put aside lies in {var}/before-restore-…"
        )


def check_port(port: int, *, setting: str) -> None:
    """Raises CannotStartError when nobody could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            why = "is in use by another program" if busy else f"cannot be used ({error})"
            raise CannotStartError(f"Port {port} {why}: choose another one with {setting}.") from error

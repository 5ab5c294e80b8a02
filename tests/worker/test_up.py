"""`manage.py up` as a person or a service manager uses it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Up:
    def __init__(self, environment: dict[str, str], output: Path) -> None:
        self.output = output
        self.port = environment["R4_PORT"]
        with output.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def ready(self) -> dict[str, Any]:
        assert self.process.poll() is None, self.output.read_text()
        with (
            suppress(OSError),  # 503, or nothing listens yet
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=5) as answer,
        ):
            return dict(json.load(answer))
        return {}

    def children(self) -> dict[int, str]:
        """Process id → command line of all running children."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == self.process.pid and state != "Z":
                    found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        return found


@pytest.fixture
def environment(child_environment: dict[str, str], broker: str, tmp_path: Path) -> dict[str, str]:
    return child_environment | {
        "R4_VAR": str(tmp_path / "var"),
        "R4_PORT": str(free_port()),
        "R4_WEB_PROCESSES": "1",
        "R4_ENDPOINT_PORT": str(free_port()),
    }


@contextmanager
def started(environment: dict[str, str], output: Path) -> Iterator[Up]:
    up = Up(environment, output)
    try:
        wait_until(lambda: up.ready() != {} and "is ready" in output.read_text(), seconds=90, what="R4Web")
        yield up
    finally:
        if up.process.poll() is None:
            up.process.terminate()
            up.process.wait(30)


def test_it_serves_says_where_and_ends_every_child_on_sigterm(environment: dict[str, str], tmp_path: Path) -> None:
    with started(environment, tmp_path / "output") as up:
        said = (tmp_path / "output").read_text()
        assert f"R4Web is ready: http://127.0.0.1:{environment['R4_PORT']}" in said
        children = up.children()
        commands = "\n".join(children.values())
        assert all(
            part in commands for part in ("granian", "--queues llm", "--queues training", " beat ", "worker.endpoint")
        )

        second = subprocess.run(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert "R4Web is already running at http://127.0.0.1:" in second.stderr

        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(30) == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert (tmp_path / "output").read_text().rstrip().endswith("Stopped.")


@pytest.mark.once
def test_a_killed_child_comes_back_and_a_killed_parent_leaves_nobody(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with started(environment, tmp_path / "output") as up:
        endpoint = next(pid for pid, command in up.children().items() if "worker.endpoint" in command)
        os.kill(endpoint, signal.SIGKILL)
        wait_until(
            lambda: any("worker.endpoint" in command and pid != endpoint for pid, command in up.children().items()),
            what="another endpoint",
        )
        assert "[endpoint] was ended by signal 9" in (tmp_path / "output").read_text()
        children = up.children()
        up.process.kill()
        up.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), what="the end of the children")

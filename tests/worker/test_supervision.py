"""Real processes: restarted when they die, ended together, and none survives a killed parent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import wait_until
from worker.supervisor.children import Child
from worker.supervisor.supervision import Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    one = Supervisor(folder=tmp_path, logs=tmp_path, say=said.append)
    yield one
    one.end_all()


def pid_of(supervisor: Supervisor, number: int = 0) -> int:
    process = supervisor.supervised[number].process
    assert process is not None
    return process.pid


def test_a_child_that_dies_is_started_again_and_its_last_words_are_shown(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.supervisor.supervision.FIRST_PAUSE", 0.0)
    supervisor.start(Child("web", [sys.executable, "-c", "import sys; sys.exit('no such thing')"]))
    supervisor.wait_until(lambda: len(said) >= 4, what="two deaths", seconds=20)
    assert said[:2] == [
        "[web] no such thing",
        f"[web] ended with status 1; it starts again in 0 s. Its log: {supervisor.logs / 'web.log'}",
    ]
    assert "2 times in a row" in said[3]


def test_a_killed_child_is_replaced_by_another_process(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.supervisor.supervision.FIRST_PAUSE", 0.0)
    supervisor.start(Child("beat", SLEEP))
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)

    def another() -> bool:
        process = supervisor.supervised[0].process
        return process is not None and process.pid != first

    supervisor.wait_until(another, what="another process", seconds=20)
    assert "was ended by signal 9" in said[-1]


def test_ending_leaves_no_child_however_stubborn(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.supervisor.supervision.GRACE", 0.3)
    supervisor.start(
        Child("polite", SLEEP), Child("stubborn", [sys.executable, "-c", STUBBORN]), Child("last", SLEEP, last=True)
    )
    supervisor.wait_until(lambda: "up" in (tmp_path / "stubborn.log").read_text(), what="it", seconds=20)
    pids = [pid_of(supervisor, number) for number in range(3)]
    supervisor.end_all()
    assert [pid for pid in pids if running(pid)] == []


def test_waiting_for_what_never_comes_names_it(supervisor: Supervisor) -> None:
    with pytest.raises(TimeoutError, match="The moon was not ready within 0 s"):
        supervisor.wait_until(lambda: False, what="The moon", seconds=0.01)


LOUD = """
import sys, time
for number in range(400):
    print(number, "x" * 200, flush=True)
    time.sleep(0.002)
sys.exit("the end")
"""


def test_a_log_that_grows_is_set_aside_while_its_process_runs(
    supervisor: Supervisor, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.supervisor.supervision.LONGEST_LOG", 20_000)
    supervisor.start(Child("loud", [sys.executable, "-c", LOUD]))
    supervisor.wait_until(lambda: bool(said), what="its end", seconds=20)
    log, old = supervisor.logs / "loud.log", supervisor.logs / "loud.log.1"
    assert log.stat().st_size < 80_000 > old.stat().st_size
    assert old.stat().st_size > 20_000
    assert "[loud] the end" in said


PARENT = """
import json, sys, time
from pathlib import Path
from worker.supervisor.children import Child
from worker.supervisor.supervision import Supervisor
supervisor = Supervisor(folder=Path("."), logs=Path(sys.argv[1]), say=print)
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
supervisor.start(Child("one", sleep), Child("two", sleep, alone=False))
print(json.dumps([one.process.pid for one in supervisor.supervised]), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's help is Linux's")
def test_a_killed_parent_leaves_no_children(tmp_path: Path) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None
        pids = json.loads(parent.stdout.readline())
        assert all(running(pid) for pid in pids)
        parent.kill()
    wait_until(lambda: not any(running(pid) for pid in pids), seconds=20, what="the end of the children")

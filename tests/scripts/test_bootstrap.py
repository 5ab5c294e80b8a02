"""What a newcomer is told before anything is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("ml", "llm", "e5", "dev")


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


@pytest.fixture
def in_a_folder_of_its_own(install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the log is; the commands run here too."""
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "LOG", tmp_path / "install.log")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "ml.lock").write_text("six==1.16.0 --hash=sha256:0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("cause: No space left on device (os error 28)", "The disk is full"),
        ("NewConnectionError: Temporary failure in name resolution", "could not be reached"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "could not be reached"),
        ("cause: error sending request for url (https://packages.example/simple/)", "could not be reached"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that was locked"),
        ("cause: Hash mismatch for `six==1.16.0`", "not the one that was locked"),
        ("ERROR: No matching distribution found for torch==2.13.0", "R4_TORCH_INDEX"),
    ],
)
def test_what_uv_or_pip_stumbled_over_is_one_sentence(install: ModuleType, output: str, sentence: str) -> None:
    said = install._mistake_in(f"Collecting something\n{output}\n")
    assert sentence in said
    assert "\n" not in said


def test_an_unknown_failure_shows_the_end_of_the_output(install: ModuleType, in_a_folder_of_its_own: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "print(*(f'line {number}' for number in range(100)), sep='\\n'); raise SystemExit(1)",
    ]
    with pytest.raises(install.FailedError) as failed, install.Progress("It") as progress:
        install._run(command, progress)
    assert "line 99" in str(failed.value)
    assert "line 50" not in str(failed.value)
    assert "line 50" in install.LOG.read_text()


def test_a_known_mistake_ends_the_installation_and_is_in_the_log(
    install: ModuleType, in_a_folder_of_its_own: Path
) -> None:
    command = [sys.executable, "-c", "print('one'); raise SystemExit('No space left on device')"]
    with pytest.raises(SystemExit, match="The disk is full"), install.Progress("It") as progress:
        install._run(command, progress)
    assert "one" in install.LOG.read_text()


def test_too_little_space_is_said_before_anything_is_made(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "NEEDED_BYTES", 2**60)
    monkeypatch.setattr(install, "PYTHON", tmp_path / "none")
    with pytest.raises(SystemExit, match="are free on the disk"):
        install._install(["ml"])


@pytest.fixture
def installed(install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes down that locks (their names, with spaces between) were installed."""
    stamp = tmp_path / "installed.json"
    monkeypatch.setattr(install, "STAMP", stamp)
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    return lambda names: stamp.write_text(json.dumps({name: install._fingerprint(name) for name in names.split()}))


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("ml", "ml"),
        ("ml", "dev"),
        ("dev", "dev llm e5"),
        ("ml llm", "ml llm"),
        ("ml llm", "dev llm"),
        ("ml e5", "dev e5"),
    ],
)
def test_what_is_installed_is_not_installed_again(
    install: ModuleType, installed: Callable[[str], None], capsys: pytest.CaptureFixture[str], wanted: str, there: str
) -> None:
    installed(there)
    install.main(wanted.split())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("wanted", "there", "missing"),
    [
        ("ml", "", ["ml"]),
        ("ml llm", "ml", ["llm"]),
        ("ml llm", "dev", ["llm"]),
        ("ml e5", "ml llm", ["e5"]),
        ("dev", "ml llm", ["dev", "e5"]),
        ("dev", "ml llm e5", ["dev"]),
        ("dev", "ml", ["dev", "llm", "e5"]),
    ],
)
def test_only_what_is_missing_is_installed(
    install: ModuleType, installed: Callable[[str], None], wanted: str, there: str, missing: list[str]
) -> None:
    installed(there)
    assert install._missing(wanted.split(), {name: install._fingerprint(name) for name in LOCKS}) == missing


def test_a_note_of_an_earlier_release_is_read_as_none(install: ModuleType, installed: Callable[[str], None]) -> None:
    install.STAMP.write_text(json.dumps({"lock": "ml", "fingerprint": install._fingerprint("ml")}))
    assert install._missing(["ml"], {name: install._fingerprint(name) for name in LOCKS}) == ["ml"]


def test_another_torch_index_or_lock_is_installed_anew(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = install._fingerprint("ml")
    assert before != install._fingerprint("dev")
    monkeypatch.setenv("R4_TORCH_INDEX", "https://wheels.example/cpu")
    assert install._fingerprint("ml") != before


def test_uv_takes_packages_from_where_pip_would(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://first.example/simple\nextra-index-url =\n    https://second.example/simple\n"
        "    https://third.example/simple\ntrusted-host = second.example\n"
        "[install]\nindex-url = https://inner.example/simple\nconstraint = limits.txt\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more-wheels")
    monkeypatch.setenv("PIP_CERT", "/certificates.pem")
    monkeypatch.setattr(install, "PYTHON", Path(sys.executable))
    settings = install._settings_of_pip_for_uv()
    assert settings["UV_DEFAULT_INDEX"] == "https://inner.example/simple"
    assert settings["UV_INDEX"] == "https://second.example/simple https://third.example/simple"
    assert settings["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert settings["UV_FIND_LINKS"] == "/wheels,/more-wheels"
    assert settings["UV_CONSTRAINT"] == "limits.txt"
    assert settings["UV_INSECURE_HOST"] == "second.example"
    assert settings["SSL_CERT_FILE"] == "/certificates.pem"


def programs_of_a_new_environment(folder: Path, *, uv: str, pip: str) -> None:
    """The programs uv and python of an environment; each call is a line of `calls`."""
    for name, script in (
        ("uv", uv),
        ("python", f'case "$*" in *"config list"*) exit 0;; *install.lock*) exit 0;; esac; {pip}'),
    ):
        program(folder, name, f'echo {name} "$@" "index:$UV_DEFAULT_INDEX$PIP_INDEX_URL" >> "{folder}/calls"; {script}')


@pytest.fixture
def new_environment(install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(install, "_environment_is_of", lambda version: True)
    monkeypatch.setattr(install, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(install, "UV", [tmp_path / "uv", "pip", "install"])
    monkeypatch.setattr(install, "PIP", [tmp_path / "python", "-m", "pip", "install"])
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("R4_TORCH_INDEX", raising=False)
    return tmp_path


def test_uv_installs_the_lock_with_its_hashes_and_then_torch(
    install: ModuleType, new_environment: Path, in_a_folder_of_its_own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs_of_a_new_environment(new_environment, uv="exit 0", pip="exit 1")
    monkeypatch.setenv("R4_TORCH_INDEX", "https://wheels.example/cpu")
    install._install(["ml"])
    calls = [line for line in (new_environment / "calls").read_text().splitlines() if line.startswith("uv ")]
    assert calls == [
        "uv pip install --no-deps --require-hashes -r requirements/ml.lock index:",
        "uv pip install torch==2.13.0 index:https://wheels.example/cpuhttps://wheels.example/cpu",
    ]


@pytest.mark.parametrize("uv", ["exit 1", "kill -ILL $$"])
def test_where_uv_cannot_install_pip_does(
    install: ModuleType,
    new_environment: Path,
    in_a_folder_of_its_own: Path,
    capsys: pytest.CaptureFixture[str],
    uv: str,
) -> None:
    programs_of_a_new_environment(new_environment, uv=uv, pip="exit 0")
    install._install(["ml"])
    calls = (new_environment / "calls").read_text()
    assert "python -m pip install --no-deps --require-hashes -r requirements/ml.lock" in calls
    assert "python -m pip install torch==2.13.0" in calls
    assert capsys.readouterr().out.count("uv cannot install here") == 1


def test_a_package_other_than_the_locked_one_is_not_tried_again_by_pip(
    install: ModuleType, new_environment: Path, in_a_folder_of_its_own: Path
) -> None:
    programs_of_a_new_environment(new_environment, uv="echo 'Hash mismatch for six'; exit 1", pip="exit 0")
    with pytest.raises(SystemExit, match="not the one that was locked"):
        install._install(["ml"])
    assert "pip install --no-deps" not in (new_environment / "calls").read_text().replace("uv pip", "uv")


def test_a_new_environment_has_a_working_pip(
    install: ModuleType, in_a_folder_of_its_own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = in_a_folder_of_its_own / ".venv"
    monkeypatch.setattr(install, "PACKAGES", environment / install.PACKAGES.relative_to(install.VENV))
    monkeypatch.setattr(install, "PYTHON", environment / install.PYTHON.relative_to(install.VENV))
    monkeypatch.setattr(install, "VENV", environment)
    with install.Progress("It") as progress:
        install._make_environment(progress)
    assert install._environment_is_of(sys.version)

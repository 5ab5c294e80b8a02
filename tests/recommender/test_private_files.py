"""The folder of everything that is made is private, whoever made it."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender import private_files
from tests.conftest import ROOT


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """Made as `mkdir var` and an earlier release made it, with a file of somebody else in it."""
    before = os.umask(0o022)
    var = tmp_path / "var"
    (var / "log").mkdir(parents=True)
    (var / "backbones" / "films").mkdir(parents=True)
    for name in ("r4web.sqlite3", "r4web.sqlite3-wal", "secret_key", "log/web.log", "backbones/films/model.onnx"):
        (var / name).write_text("x")
    (var / "backbones" / "films" / "model.onnx").chmod(0o444)
    (var / "notes").write_text("of somebody")
    os.umask(before)
    yield var
    os.umask(before)


def open_paths(var: Path) -> list[str]:
    return sorted(str(path.relative_to(var)) for path in [var, *var.rglob("*")] if private_files.is_open(path))


def test_an_open_folder_is_closed_with_what_is_ours_in_it(var: Path) -> None:
    private_files.keep(var)
    assert open_paths(var) == ["notes"]
    assert stat.S_IMODE((var / "backbones" / "films" / "model.onnx").stat().st_mode) == 0o400
    (var / "run").mkdir()
    (var / "run" / "beat").write_text("x")
    assert open_paths(var) == ["notes"]


def test_everybodys_folder_is_left_alone(var: Path) -> None:
    var.chmod(0o1777)
    private_files.close(var)
    assert "secret_key" in open_paths(var)


@pytest.mark.once
def test_a_command_closes_the_folder_before_it_writes(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir()
    var.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name not in ("R4_SECRET_KEY", "DATABASE_URL")}
    environment |= {"R4_VAR": str(var), "DJANGO_SETTINGS_MODULE": "r4web.settings"}
    database = "from django.db import connection as c; c.cursor().execute('CREATE TABLE t (a)')"
    subprocess.run([sys.executable, "manage.py", "shell", "-c", database], cwd=ROOT, env=environment, check=True,
                   capture_output=True)  # fmt: skip
    assert {path.name for path in var.iterdir()} == {"secret_key", "r4web.sqlite3"}
    assert open_paths(var) == []

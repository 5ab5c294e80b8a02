"""The import contracts of pyproject.toml, and that nothing imports in a circle."""

import ast
import subprocess
import sys
import tomllib

import pytest

from tests.architecture import imports, repository
from tests.architecture.repository import ROOT

pytestmark = pytest.mark.once


def test_the_import_contracts_hold() -> None:
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-2000:]
    assert "0 broken" in checked.stdout


def test_no_contract_ignores_an_import() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert [one["name"] for one in contracts if one.get("ignore_imports")] == []


def test_no_files_and_no_folders_import_each_other_in_a_circle() -> None:
    files = imports.graph()
    assert imports.circles(files) == []
    assert imports.circles(imports.of_folders(files)) == []


def test_a_circle_would_be_found() -> None:
    assert imports.circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": set()}) == [["a", "b", "c"]]


def test_every_import_is_absolute() -> None:
    """Else the graph of imports would miss it."""
    relative = [
        str(path)
        for path, text in repository.python().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []

"""The import contracts of pyproject.toml, checked in the suite too."""

import subprocess
import sys

from tests.architecture.repository import ROOT


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

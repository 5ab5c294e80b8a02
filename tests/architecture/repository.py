"""What the repository consists of, for the tests that read it."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("r4web", "recommender", "reviews", "worker")


@cache
def files() -> list[Path]:
    """Every file that is or would be committed, or all files where this is no git checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]
    skipped = {".venv", "var", "node_modules", ".git"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)]


def texts(*suffixes: str) -> dict[Path, str]:
    """Path below the root → content, of files with these suffixes (all text files where none is given)."""
    found = {}
    for path in files():
        if not suffixes or path.suffix in suffixes:
            try:
                found[path.relative_to(ROOT)] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


def python() -> dict[Path, str]:
    return {path: text for path, text in texts(".py").items() if path.parts[0] in PACKAGES}

"""What lies in the folder of everything that is made (R4_VAR) is for this account's eyes only."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
# What is ours in it. Somebody may have named a folder that holds other things too: those are left alone.
OURS = (
    *("secret_key", "demo.json", "install.lock", "run", "log", "static"),
    *("backbones", "adapters", "evaluations", "groupings"),
)
DATABASE = "r4web.sqlite3*"  # with its journal


def keep(var: Path) -> None:
    """Let this process make private files only, and close a folder that somebody made open, with what is in it."""
    os.umask(OTHERS)
    if is_open(var):
        close(var)


def is_open(path: Path) -> bool:
    """Whether other accounts may look into it."""
    with suppress(OSError):
        return bool(path.stat().st_mode & OTHERS)
    return False


def close(var: Path) -> None:
    """Take everybody else's rights to `var` and to what is ours in it, where this account may do so."""
    if not var.is_dir() or var.stat().st_mode & stat.S_ISVTX:  # sticky, as /tmp is: everybody's folder
        return
    _close(var)
    for name in OURS:
        for path in _whole(var / name):
            _close(path)
    for path in var.glob(DATABASE):
        _close(path)


def _whole(path: Path) -> Iterator[Path]:
    yield path
    for folder, folders, files in os.walk(path):
        yield from (Path(folder) / name for name in (*folders, *files))


def _close(path: Path) -> None:
    with suppress(OSError):  # gone meanwhile, or another account's
        mode = path.lstat().st_mode
        if mode & OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~OTHERS)

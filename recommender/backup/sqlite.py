"""SQLite: its backup API, which copies one moment of a database that is being written to."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.db import connection

from recommender.backup.errors import BackupError

FILE = "r4web.sqlite3"
PAGES = 4096  # copied at a time
JOURNALS = ("-wal", "-shm", "-journal")


def place() -> Path:
    return Path(connection.settings_dict["NAME"])


def dump(folder: Path, show: Callable[[str], None]) -> dict[str, Any]:
    with closing(_open(place())) as source, closing(_open(folder / FILE)) as copy:
        # A read transaction holds that moment: the copy need not begin again whenever somebody writes.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=PAGES, progress=lambda _, left, of: show(f"{1 - left / max(of, 1):.0%} of its pages"))
        source.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without journal
        return {"tables": _rows(copy), "version": sqlite3.sqlite_version}


def load(folder: Path, facts: dict[str, Any], *, rebuild: object, keep: str) -> str:
    with closing(_open(folder / FILE)) as copy:
        (said,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok" or _rows(copy) != facts["tables"]:
            raise BackupError(f"The database in the backup is damaged ({said}). Nothing was changed.")
    connection.close()
    at = place()
    at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = at.with_name(f".{at.name}.restored")  # on the same disk: renaming is one step
    try:
        shutil.copyfile(folder / FILE, beside)
        beside.chmod(0o600)
        kept = at.with_name(f"{at.name}.{keep}") if keep else None
        for ending in (*JOURNALS, ""):
            old = at.with_name(at.name + ending)
            if kept is not None and old.exists():
                os.replace(old, kept.with_name(kept.name + ending))
            elif ending:
                old.unlink(missing_ok=True)
        os.replace(beside, at)
    finally:
        with suppress(OSError):
            beside.unlink()
    return str(kept or "")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=30)


def _rows(copy: sqlite3.Connection) -> dict[str, int]:
    names = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    return {
        name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of our own tables
        for (name,) in sorted(names)
    }

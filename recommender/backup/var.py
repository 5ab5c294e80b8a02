"""Which files of R4_VAR belong into a backup: what cannot be fetched or made again by starting."""

import os
from collections.abc import Iterator
from pathlib import Path

SECRETS = ("secret_key", "demo.json")
# Sockets and locks, logs, collected files, a cache of models that can be fetched, and what a restore put aside.
LEFT_OUT = ("run", "log", "static", "huggingface", "install.lock", "lost+found")
PUT_ASIDE = "before-restore-"


def names(var: Path, *, database: Path | None, with_secrets: bool) -> list[str]:
    """What lies directly in `var` and is taken. `database`: SQLite's file, which is taken in another way."""
    ending = ("", "-wal", "-shm", "-journal")
    databases = {database.with_name(database.name + end) for end in ending} if database else set()
    return sorted(
        path.name
        for path in var.iterdir()
        if path.name not in LEFT_OUT
        and not path.name.startswith((".", PUT_ASIDE))
        and (with_secrets or path.name not in SECRETS)
        and path not in databases
        and not (database and path.name.startswith(f"{database.name}.{PUT_ASIDE}"))
    )


def files(var: Path, taken: list[str]) -> Iterator[Path]:
    """The files below these names. Half-written folders begin with a dot and are left out; so is what is no file."""
    for name in taken:
        path = var / name
        if path.is_file() and not path.is_symlink():
            yield path
        for folder, folders, inside in os.walk(path):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            yield from (
                file for each in sorted(inside) if (file := Path(folder) / each).is_file() and not file.is_symlink()
            )

"""PostgreSQL: every table by COPY, from one snapshot; no program of the server is needed, nor the same release of it.

The tables themselves are made anew by the migrations that the backup names; all of a restore is one transaction.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from recommender.backup.errors import BackupError
from recommender.stamps import triggers

MIGRATIONS = "django_migrations"
BLOCK = 2**20


def dump(folder: Path, show: Callable[[str], None]) -> dict[str, Any]:
    own = connection.copy()  # a connection of its own: the snapshot is this transaction's
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SHOW server_version")
            facts: dict[str, Any] = {"version": cursor.fetchone()[0], "tables": {}, "columns": {}, "sequences": []}
            names = _ours(own)
            for number, name in enumerate(names):
                show(f"table {number + 1} of {len(names)}")
                columns = _columns(cursor, name)
                _write_out(cursor, name, columns, folder / f"{name}.copy")
                facts["columns"][name], facts["tables"][name] = columns, cursor.rowcount
                facts["sequences"] += [[name, *found] for found in _sequences(cursor, name, columns)]
    finally:
        own.close()
    return facts


def load(folder: Path, facts: dict[str, Any], *, rebuild: list[tuple[str, str]], keep: str) -> str:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '20s'")  # somebody else uses a table
            for name in _ours(connection) if rebuild else []:
                cursor.execute(f"DROP TABLE {_quoted(name)} CASCADE")
        if rebuild:
            MigrationExecutor(connection).migrate(rebuild)
        with connection.cursor() as cursor:
            there = set(_ours(connection))
            if missing := sorted(set(facts["tables"]) - there):
                raise BackupError(f"The migrations that the backup names make no table {missing[0]}.")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # migrations made some immediate
            cursor.execute(f"TRUNCATE {', '.join(map(_quoted, sorted(there)))}")
            for name, rows in facts["tables"].items():
                _fill(cursor, name, facts["columns"][name], folder / f"{name}.copy")
                if cursor.rowcount != rows:
                    raise BackupError(f"{name} got {cursor.rowcount} rows, not {rows}.")
            for name, column, last, is_called in facts["sequences"]:
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)", [_quoted(name), column, last, is_called]
                )
        triggers.install()  # tables that were made anew have none
    return ""


def _write_out(cursor: Any, name: str, columns: list[str], path: Path) -> None:
    with path.open("wb") as file, cursor.copy(f"COPY {_quoted(name)} ({_listed(columns)}) TO STDOUT") as copy:
        for block in copy:
            file.write(block)


def _fill(cursor: Any, name: str, columns: list[str], path: Path) -> None:
    with path.open("rb") as file, cursor.copy(f"COPY {_quoted(name)} ({_listed(columns)}) FROM STDIN") as copy:
        while block := file.read(BLOCK):
            copy.write(block)


def _ours(of: BaseDatabaseWrapper) -> list[str]:
    """Our tables that are there; others in the same database are left alone."""
    there = of.introspection.table_names()
    return sorted({*of.introspection.django_table_names(include_views=False), MIGRATIONS} & {*there})


def _columns(cursor: Any, name: str) -> list[str]:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s "
        "AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [name],
    )
    return [column for (column,) in cursor.fetchall()]


def _sequences(cursor: Any, name: str, columns: list[str]) -> list[tuple[str, int, bool]]:
    """Column, last number and whether it was used: the number of a deleted row is given to no other one."""
    found = []
    for column in columns:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [_quoted(name), column])
        (sequence,) = cursor.fetchone()
        if sequence:
            cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - quoted by PostgreSQL
            found.append((column, *cursor.fetchone()))
    return found


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _listed(columns: list[str]) -> str:
    return ", ".join(map(_quoted, columns))

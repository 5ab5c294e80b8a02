"""The database as files and back, by what its engine offers: consistent although the application goes on writing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from django.db import DatabaseError, connection
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from recommender.backup import postgresql, sqlite
from recommender.backup.errors import BackupError

Key = tuple[str, str]  # application, migration
MADE_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission"}


class Engine(Protocol):
    def dump(self, folder: Path, show: Callable[[str], None]) -> dict[str, Any]:
        """Write the database into `folder`; returns `tables` (rows by name) and what `load` needs besides."""

    def load(self, folder: Path, facts: dict[str, Any], *, rebuild: list[Key], keep: str) -> str:
        """Make the database what `folder` holds, or leave it as it was. Returns where the old one was kept, or ''.

        `rebuild`: the migrations that were the last ones then; empty: the tables are as they were then.
        `keep`: ends the name of what is kept; empty: nothing is.
        """


ENGINES: dict[str, tuple[str, Engine]] = {
    "sqlite": ("SQLite", sqlite),
    "postgresql": ("PostgreSQL", postgresql),
}


def engine() -> Engine:
    return ENGINES[connection.vendor][1]


def title(vendor: str) -> str:
    return ENGINES[vendor][0] if vendor in ENGINES else vendor


def applied() -> list[Key]:
    """The migrations that this database has seen."""
    return sorted(MigrationRecorder(connection).applied_migrations())


def is_empty() -> bool:
    """Whether nobody would miss anything: no tables, or none with rows but those that migrations fill.

    A file of SQLite that cannot be read is not empty. Raises DatabaseError where a server cannot be asked.
    """
    try:
        return _has_no_rows()
    except DatabaseError:
        if connection.vendor != "sqlite":
            raise
        return False


def _has_no_rows() -> bool:
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            if name not in MADE_BY_MIGRATIONS:
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(name)} LIMIT 1")  # noqa: S608 - quoted
                if cursor.fetchone():
                    return False
    return True


def leaves_of(recorded: list[Key]) -> list[Key]:
    """The last ones of these migrations, one or more for each application. Raises BackupError for unknown ones."""
    loader = MigrationLoader(None)
    known = {*loader.disk_migrations, *(key for one in loader.disk_migrations.values() for key in one.replaces)}
    if unknown := [f"{app}.{name}" for app, name in recorded if (app, name) not in known]:
        raise BackupError(
            f"The backup was made by another release: this one does not know {', '.join(unknown)}. "
            "Restore it with that release, then upgrade. Nothing was changed."
        )
    return _leaves(set(recorded), loader.graph)


def _leaves(recorded: set[Key], graph: MigrationGraph) -> list[Key]:
    def has_later(key: Key) -> bool:
        return any(child.key in recorded and child.key[0] == key[0] for child in graph.node_map[key].children)

    return sorted(key for key in recorded if key in graph.node_map and not has_later(key))

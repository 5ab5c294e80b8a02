"""Rows on their way into a catalog, in temporary tables of this connection.

Temporary tables take no lock on the database itself, so that reading a file for minutes keeps nobody from writing;
and a catalog is touched only after every row has been read and judged. Memory stays flat: the tables lie on disk.
"""

# ruff: noqa: S608 - only names of this module's own tables are put into SQL
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from django.db import Error, connection, transaction
from django.db.backends.utils import CursorWrapper

from recommender.catalogs.importers.plan import Row

BATCH = 5_000
ITEMS, END_USERS, INTERACTIONS, OUT = "import_items", "import_end_users", "import_interactions", "import_out"
COLUMNS = {
    ITEMS: {"line": "bigint", "external_id": "text", "title": "text", "attributes": "text"},
    END_USERS: {"line": "bigint", "external_id": "text", "attributes": "text"},
    INTERACTIONS: {
        "line": "bigint",
        "end_user": "text",
        "item": "text",
        "rating": "double precision",
        "label": "smallint",
        "moment": "bigint",
    },
}


@contextmanager
def staging_tables() -> Iterator[None]:
    """Make the temporary tables, empty, and drop them afterwards whatever happened."""
    _drop()
    with connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            # In SQLite "integer primary key" is the row's own number: ranges of lines are found without an index.
            key = "integer PRIMARY KEY" if connection.vendor == "sqlite" else "bigint"
            types = {**columns, "line": key}
            cursor.execute(f"CREATE TEMPORARY TABLE {table} ({', '.join(f'{c} {t}' for c, t in types.items())})")
    try:
        yield
    finally:
        # A connection that broke, or whose transaction did, has dropped them already or will with its end.
        if connection.connection is not None and not connection.needs_rollback:
            with suppress(Error):
                _drop()


def _drop() -> None:
    with connection.cursor() as cursor:
        for table in (*COLUMNS, OUT):
            cursor.execute(f"DROP TABLE IF EXISTS {temporary(table)}")


def temporary(table: str) -> str:
    """A name that can only mean the temporary table."""
    return f"temp.{table}" if connection.vendor == "sqlite" else f"pg_temp.{table}"


def add(table: str, rows: Sequence[Row]) -> None:
    columns = ", ".join(COLUMNS[table])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with (
                connection.wrap_database_errors,
                cast(Any, cursor).copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        else:
            with _one_temporary_transaction(cursor):
                marks = ", ".join(["%s"] * len(COLUMNS[table]))
                cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


@contextmanager
def _one_temporary_transaction(cursor: CursorWrapper) -> Iterator[None]:
    """One transaction for a batch that writes only temporary tables: a plain BEGIN does not take SQLite's write lock,
    as transaction.atomic() would."""
    if connection.in_atomic_block:
        yield
        return
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")


def analyze(tables: Iterable[str]) -> None:
    """Give PostgreSQL's planner the sizes: it never looks at temporary or just-filled tables by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ANALYZE {table}")


def value(sql: str, *parameters: Any) -> Any:
    """The first column of the first row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def change(sql: str, *parameters: Any) -> int:
    """Run a statement; how many rows it inserted, updated or deleted."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return max(int(cursor.rowcount), 0)


@contextmanager
def result_of(select: str, *parameters: Any) -> Iterator[str]:
    """The name of a temporary table with the rows of a query, one at a time."""
    change(f"CREATE TEMPORARY TABLE {OUT} AS {select}", *parameters)
    yield OUT
    change(f"DROP TABLE {temporary(OUT)}")


def count(table: str) -> int:
    return int(value(f"SELECT count(*) FROM {table}"))


def stream(sql: str) -> Iterator[Row]:
    """Rows of a query, a few thousand at a time in this process."""
    # PostgreSQL keeps a cursor open only inside a transaction; nothing is written in it.
    with (
        transaction.atomic() if connection.vendor == "postgresql" else _nothing(),
        connection.chunked_cursor() as cursor,
    ):
        cursor.execute(sql)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


@contextmanager
def _nothing() -> Iterator[None]:
    yield

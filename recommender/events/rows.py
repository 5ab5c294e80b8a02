"""Many rows in one statement that both databases take, telling which of them were new.

The rows travel as one JSON text: the statement stays the same for any number of rows, and nothing is parsed twice.
"""

# ruff: noqa: S608 - only names of tables and columns of our own models are put into SQL
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

Row = Sequence[Any]


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], *, unique: Sequence[str]
) -> set[tuple[Any, ...]]:
    """Insert the rows that the unique columns do not have yet; the values of those columns, of the new ones."""
    keys = ", ".join(unique)
    return set(
        _run(
            f"INSERT INTO {_table(model)} ({', '.join(columns)}) SELECT {_listed(model, columns)} WHERE true"
            f" ON CONFLICT ({keys}) DO NOTHING RETURNING {keys}",
            rows,
        )
    )


def upsert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], *, unique: Sequence[str]) -> None:
    """Give the rows that have these values in the unique columns the values of the others; insert those there are not.

    No two may have the same.
    """
    others = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in unique)
    _run(
        f"INSERT INTO {_table(model)} ({', '.join(columns)}) SELECT {_listed(model, columns)} WHERE true"
        f" ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {others} RETURNING id",
        rows,
    )


def find(
    model: type[models.Model], columns: Sequence[str], keys: Sequence[Row], *, unique: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The columns of the rows that have these values in the unique columns."""
    same = " AND ".join(f"known.{column} = {_value(model, place, column)}" for place, column in enumerate(unique))
    wanted = ", ".join(f"known.{column}" for column in columns)
    # CROSS JOIN keeps SQLite on this order: each key is looked up in the index.
    return _run(f"SELECT {wanted} FROM {_source()} CROSS JOIN {_table(model)} AS known WHERE {same}", keys)


def _run(sql: str, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(rows)])
        return list(cursor.fetchall())


def _listed(model: type[models.Model], columns: Sequence[str]) -> str:
    return f"{', '.join(_value(model, *one) for one in enumerate(columns))} FROM {_source()}"


def _source() -> str:
    return "json_each(%s) AS sent" if connection.vendor == "sqlite" else "json_array_elements(%s::json) AS sent(value)"


def _value(model: type[models.Model], place: int, column: str) -> str:
    """SQLite's JSON knows numbers from text; PostgreSQL's text is read as what the column holds."""
    if connection.vendor == "sqlite":
        return f"json_extract(sent.value, '$[{place}]')"
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return f"CAST(sent.value ->> {place} AS {field.db_type(connection)})"


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def written(at: datetime) -> str:
    """A time in UTC as the database keeps it."""
    return at.replace(tzinfo=None).isoformat(" ") if connection.vendor == "sqlite" else at.isoformat()

"""Querysets that are compiled once: Django takes milliseconds to write the SQL of what a database answers in one.

For what is asked at every decision; elsewhere the readable queryset is fast enough.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
Value = int | str | datetime


class Prepared(Generic[M]):
    """A queryset that is asked again and again with other values.

    `make` builds it from its `shape`, which says what the SQL looks like, and from values by name, which are only
    compared with: it is called once for each shape, with values that occur nowhere else, and the real ones are
    put where the compiled query has these. None and booleans change the SQL, so they belong to the shape.
    """

    def __init__(self, make: Callable[..., QuerySet[M]]) -> None:
        self._make = make
        self._compiled: dict[Hashable, _Select[M]] = {}

    def rows(self, *shape: Hashable, **values: Value) -> list[M]:
        """One query, as the queryset would ask it."""
        key = (_connection().vendor, *shape)
        select = self._compiled.get(key)
        if select is None:
            standing = _standing_for(values)
            select = self._compiled[key] = _Select(self._make(*shape, **standing), standing)
        return select.rows(values)


class PreparedUpdate:
    """An update that is done again and again: `make` gives the queryset, and the new values of its columns."""

    def __init__(self, make: Callable[..., tuple[QuerySet[Any], Mapping[str, Any]]]) -> None:
        self._make = make
        self._compiled: dict[Hashable, _Statement] = {}

    def run(self, *shape: Hashable, **values: Value) -> int:
        """How many rows were updated, as QuerySet.update says."""
        key = (_connection().vendor, *shape)
        update = self._compiled.get(key)
        if update is None:
            standing = _standing_for(values)
            queryset, columns = self._make(*shape, **standing)
            query: Any = queryset.query.chain(UpdateQuery)
            query.add_update_values(columns)
            update = self._compiled[key] = _Statement(query.get_compiler(DEFAULT_DB_ALIAS), standing)
        with _connection().cursor() as cursor:
            cursor.execute(update.sql, update.params(values))
            return int(cursor.rowcount)


def keep(instance: Model, name: str, rows: list[M], *, back: str) -> None:
    """Let the related rows `name` of an instance be these, which were read for it; `back`: what they call it."""
    known = getattr(instance, name).all()
    known._result_cache, known._prefetch_done = rows, True
    instance.__dict__.setdefault("_prefetched_objects_cache", {})[name] = known
    for row in rows:
        field: Any = row._meta.get_field(back)
        field.set_cached_value(row, instance)


class _Statement:
    """The SQL of a compiled query, and which of its parameters stand for which value."""

    def __init__(self, compiler: SQLCompiler, standing: Mapping[str, Value]) -> None:
        self.sql, params = compiler.as_sql()
        name_of = {_adapted(value): name for name, value in standing.items()}
        self._params = [(name_of.get(param) if isinstance(param, Value) else None, param) for param in params]

    def params(self, values: Mapping[str, Value]) -> Sequence[Any]:
        adapted = {name: _adapted(value) for name, value in values.items()}
        # An integer is of the type that the driver was given for its column.
        return tuple(
            param if name is None else type(param)(adapted[name]) if isinstance(param, int) else adapted[name]
            for name, param in self._params
        )


class _Select(Generic[M]):
    def __init__(self, queryset: QuerySet[M], standing: Mapping[str, Value]) -> None:
        self._queryset = queryset
        self._compiler: SQLCompiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._statement = _Statement(self._compiler, standing)
        columns = [column for column, *_ in self._compiler.select[: self._compiler.col_count]]
        self._converters = self._compiler.get_converters(columns)

    def rows(self, values: Mapping[str, Value]) -> list[M]:
        params = self._statement.params(values)
        compiler: Any = copy(self._compiler)
        compiler.connection = _connection()
        compiler.as_sql = lambda *_, **__: (self._statement.sql, params)
        compiler.get_converters = lambda _: self._converters
        rows = self._queryset.all()
        rows.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        return list(rows)


def _connection() -> Any:
    return connections[DEFAULT_DB_ALIAS]


def _standing_for(values: Mapping[str, Value]) -> dict[str, Value]:
    """For each a value of the same type that no query compares with."""
    found: dict[str, Value] = {}
    for number, (name, value) in enumerate(values.items()):
        if isinstance(value, datetime):
            found[name] = datetime(8888, 8, 8, 8, 8, 8, tzinfo=UTC) + timedelta(microseconds=number)
        else:
            found[name] = f"\ue000{number}" if isinstance(value, str) else 1_888_888_888 - number
    return found


def _adapted(value: Value) -> Any:
    """As the database's driver takes it."""
    if isinstance(value, datetime):
        return _connection().ops.adapt_datetimefield_value(value)
    return str(value) if isinstance(value, str) else value

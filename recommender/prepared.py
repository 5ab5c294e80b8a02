"""Querysets that are compiled once: Django takes milliseconds to write the SQL of what a database answers in one.

PostgreSQL plans them once for each connection, which takes it longer than answering. For what is asked at every
decision; elsewhere the readable queryset is fast enough.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)
Value = int | str | datetime
FEW = 200  # rows


class Prepared(Generic[M]):
    """A queryset that is asked again and again with other values.

    `make` builds it from its `shape`, which says what the SQL looks like, and from values by name, which are only
    compared with: it is called once for each shape, with values that occur nowhere else, and the real ones are
    put where the compiled query has these. None and booleans change the SQL, so they belong to the shape. Related rows
    may be selected and columns annotated, nothing may be prefetched.
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


class PreparedValues:
    """The same for a queryset of `values_list`: rows as the database gives them, made into no instances."""

    def __init__(self, make: Callable[..., QuerySet[Any, Any]]) -> None:
        self._make = make
        self._compiled: dict[Hashable, _Values] = {}

    def rows(self, *shape: Hashable, **values: Value) -> list[Sequence[Any]]:
        key = (_connection().vendor, *shape)
        select = self._compiled.get(key)
        if select is None:
            standing = _standing_for(values)
            select = self._compiled[key] = _Values(self._make(*shape, **standing), standing)
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
        with update.executed(values) as cursor:
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
        self._sql, params = compiler.as_sql()
        name_of = {_adapted(value): name for name, value in standing.items()}
        self._params = [(name_of.get(param) if isinstance(param, Value) else None, param) for param in params]

    @contextmanager
    def executed(self, values: Mapping[str, Value]) -> Iterator[Any]:
        """A cursor at what the database answers, to be read before the next statement is executed."""
        connection = _connection()
        if connection.vendor != "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(self._sql, self._with(values))
                yield cursor
            return
        cursor = _preparing(connection)
        cursor.execute(self._sql, self._with(values))
        yield cursor
        if cursor.rowcount > FEW:
            cursor.close()

    def _with(self, values: Mapping[str, Value]) -> Sequence[Any]:
        adapted = {name: _adapted(value) for name, value in values.items()}
        # An integer is of the type that the driver was given for its column.
        return tuple(
            param if name is None else type(param)(adapted[name]) if isinstance(param, int) else adapted[name]
            for name, param in self._params
        )


class _Values:
    """What reads plain rows."""

    def __init__(self, queryset: QuerySet[Any, Any], standing: Mapping[str, Value]) -> None:
        compiler: Any = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._statement = _Statement(compiler, standing)
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        self._converters = [(place, each, column) for place, (each, column) in converters.items()]

    def rows(self, values: Mapping[str, Value]) -> list[Sequence[Any]]:
        with self._statement.executed(values) as cursor:
            rows, connection = cursor.fetchall(), cursor.db
        return [self._converted(list(row), connection) for row in rows] if self._converters else rows

    def _converted(self, row: list[Any], connection: Any) -> list[Any]:
        for place, converters, column in self._converters:
            for converter in converters:
                row[place] = converter(row[place], column, connection)
        return row


class _Select(Generic[M]):
    """What makes instances of rows, as a queryset does for each of its queries anew."""

    def __init__(self, queryset: QuerySet[M], standing: Mapping[str, Value]) -> None:
        compiler: Any = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        self._statement = _Statement(compiler, standing)
        self._model, own = queryset.model, compiler.klass_info["select_fields"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [column.target.attname for column, *_ in compiler.select[self._own]]
        self._annotated = compiler.annotation_col_map.items()
        populators: Any = get_related_populators  # the stubs are of a later Django, which is told one thing more
        self._related = populators(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS)
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        self._converters = [(place, each, column) for place, (each, column) in converters.items()]

    def rows(self, values: Mapping[str, Value]) -> list[M]:
        with self._statement.executed(values) as cursor:
            rows, connection = cursor.fetchall(), cursor.db
        return [self._made(list(row), connection) for row in rows]

    def _made(self, row: list[Any], connection: Any) -> M:
        for place, converters, column in self._converters:
            for converter in converters:
                row[place] = converter(row[place], column, connection)
        made = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._own])
        for related in self._related:
            related.populate(row, made)
        for name, place in self._annotated:
            setattr(made, name, row[place])
        return made


def _connection() -> Any:
    return connections[DEFAULT_DB_ALIAS]


def _preparing(connection: Any) -> Any:
    """A cursor of PostgreSQL, by which what was asked once is planned for the next time.

    Django's write values into the SQL, so that every statement is a new one; this one sends them beside it. Its
    statements alone are prepared. One serves a connection for as long as it lives: making one, with all that is to be
    found out of each type of a row, takes as long as a short answer. It holds its last rows, so few.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    by, cursor = connection.connection, getattr(connection, "preparing", None)
    if cursor is None or cursor.connection is not by or cursor.closed:
        by.prepare_threshold = 0
        cursor = connection.preparing = connection.Database.Cursor(by)
    return connection._prepare_cursor(cursor)


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

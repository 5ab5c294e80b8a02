"""A catalog's data as JSON lines of any number: read a few thousand at a time, each of them committed by itself.

Memory does not grow with the stream, and what was committed before a stream ends in the middle stays.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from django.db import transaction

from recommender.catalogs.changes import lock
from recommender.events import json_text, upserts
from recommender.events.json_text import RepeatedNameError
from recommender.events.refusals import Code, RefusedError, Rejected
from recommender.events.upserts import Write, Written
from recommender.models import Catalog

AT_ONCE = 2_000  # lines
FIRST = 100  # rejected lines that are told; all are counted
TYPES = ("item", "user", "interaction")  # in this order, of the lines that are written together
Line = bytes | None  # None: it is longer than a line may be

NOT_JSON = RefusedError(Code.NOT_JSON, "The line is not one JSON object in UTF-8.")
TOO_LONG_LINE = RefusedError(Code.TOO_LONG, "The line is longer than a line may be.")
UNKNOWN_TYPE = RefusedError(Code.UNKNOWN_TYPE, f"`type` must be one of {', '.join(TYPES)}.")


def _by_type() -> dict[str, Written]:
    return {name: Written() for name in TYPES}


@dataclass(slots=True)
class Imported:
    """`lines`: how many are stored or rejected, empty ones included. `rejected`: all; `errors`: the first of them."""

    lines: int = 0
    rejected: int = 0
    errors: list[Rejected] = field(default_factory=list)
    by_type: dict[str, Written] = field(default_factory=_by_type)


def take(
    catalog: Catalog, lines: Iterable[Line], imported: Imported, *, create: bool, kept: Callable[[], None]
) -> None:
    """Store line after line, and count in `imported`, which is right whatever `lines` raises in between.

    `create`: end users whom only interactions name are added. `kept`: called after each commit.
    """
    writers: dict[str, Write] = {
        "item": upserts.items,
        "user": upserts.end_users,
        "interaction": partial(upserts.interactions, created=imported.by_type["user"] if create else None),
    }
    lines = iter(lines)
    while chunk := _next(lines):
        _store(catalog, chunk, imported, writers)
        kept()
        if chunk.failed:
            raise chunk.failed


@dataclass(slots=True)
class _Chunk:
    lines: list[Line] = field(default_factory=list)
    failed: Exception | None = None

    def __bool__(self) -> bool:
        return bool(self.lines) or self.failed is not None


def _next(lines: Iterator[Line]) -> _Chunk:
    """The next lines; those before a failure are still stored."""
    chunk = _Chunk()
    try:
        chunk.lines.extend(islice(lines, AT_ONCE))
    except Exception as failed:
        chunk.failed = failed
    return chunk


def _store(catalog: Catalog, chunk: _Chunk, imported: Imported, writers: dict[str, Write]) -> None:
    sorted_: dict[str, list[tuple[int, object]]] = {name: [] for name in TYPES}
    rejected = []
    for line, raw in enumerate(chunk.lines, start=imported.lines + 1):
        try:
            if raw is None or raw.strip():
                kind, entry = _read(raw)
                sorted_[kind].append((line, entry))
        except RefusedError as why:
            rejected.append(Rejected.of(line, why))
    with transaction.atomic():
        lock(catalog)
        for name, entries in sorted_.items():
            if entries:
                writers[name](catalog, entries, imported.by_type[name])
    for written in imported.by_type.values():
        rejected += written.rejected
        written.rejected = []
    imported.lines += len(chunk.lines)
    imported.rejected += len(rejected)
    imported.errors += sorted(rejected, key=lambda one: one.index)[: FIRST - len(imported.errors)]


def _read(raw: Line) -> tuple[str, dict[str, object]]:
    """The line's type and the rest of it. Raises RefusedError."""
    if raw is None:
        raise TOO_LONG_LINE
    try:
        entry = json_text.read(raw)
    except RepeatedNameError as repeated:
        raise RefusedError(Code.NOT_JSON, str(repeated)) from None
    except (ValueError, RecursionError):
        raise NOT_JSON from None
    if not isinstance(entry, dict):
        raise NOT_JSON
    kind = entry.pop("type", None)
    if not isinstance(kind, str) or kind not in TYPES:
        raise UNKNOWN_TYPE
    return kind, entry

"""Read tables of any columns: CSV and TSV, JSON lines, Parquet. All of them stream."""

import codecs
import csv
import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Protocol

from recommender.catalogs.importers.files import UTF_8, Source, explained
from recommender.catalogs.importers.plan import Context, Row, Table
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.values import UNREADABLE

PARQUET_BATCH = 8192  # rows read at once
MOST_LINES = 1000  # of one CSV row: a quote that opens more is one that nobody closes
NOT_CLOSED = "a quote that is not closed"
PACKED_SUFFIXES = (".gz", ".bz2", ".zst", ".xz", ".lz4")
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


class Records(Protocol):
    """A file of named columns. In `text_only` ones (CSV) every value is text; one that cannot be read is UNREADABLE."""

    name: str
    text_only: bool

    def header(self) -> list[str]:
        """The columns; for JSON lines, those of all objects, in the order in which they first occur."""
        ...

    def rows(self, columns: Sequence[str], context: Context) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """(line, the values of these columns), streaming; a line that cannot be read is rejected."""
        ...

    def table(self, parse: Callable[[Context], Iterator[Row]]) -> Table: ...


def file_format(path: Path) -> str:
    """csv, jsonl or parquet by the file's name, or nothing."""
    name = Path(path.name.lower())
    return SUFFIXES.get(Path(name.stem if name.suffix in PACKED_SUFFIXES else name).suffix, "")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written. `delimiter` separates fields: by default a tab in .tsv files, else a comma.

    `escape`: what stands before a quote inside a field, where quotes are not doubled. `encoding`: by default UTF-8, or
    what the file's first bytes say.
    """

    delimiter: str = ""
    escape: str = ""
    encoding: str = ""

    def check(self) -> None:
        """Raise ImportFailedError, one sentence, where it cannot be one."""
        for name, value in (("delimiter", self.delimiter), ("escape character", self.escape)):
            if len(value) > 1 or value in ('"', "\n", "\r"):
                raise ImportFailedError(f"A CSV {name} is one character; {value!r} cannot be one.")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            raise ImportFailedError(f"There is no encoding {self.encoding!r}; try utf-8 or latin-1.") from None


def open_records(path: Path, form: str, dialect: Dialect) -> Records:
    """`form`: csv, jsonl or parquet."""
    if form == "parquet":
        return ParquetRecords(path)
    return JsonRecords(Source(path)) if form == "jsonl" else CsvRecords(Source(path), dialect)


class _TextRecords:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.name

    def table(self, parse: Callable[[Context], Iterator[Row]]) -> Table:
        return Table(name=self.name, parse=parse, size=self.source.size, done=self.source.done)


class CsvRecords(_TextRecords):
    """Text with one header line. Bytes that its encoding does not have reject their own row only."""

    text_only = True

    def __init__(self, source: Source, dialect: Dialect) -> None:
        super().__init__(source)
        self.delimiter = dialect.delimiter or ("\t" if ".tsv" in source.name.lower() else ",")
        self.escape = dialect.escape or None
        self.encoding = dialect.encoding or source.encoding()

    @contextmanager
    def _lines(self) -> Iterator["_Lines"]:
        with (
            self.source.open() as stream,
            io.TextIOWrapper(stream, encoding=self.encoding, errors="surrogateescape", newline="") as text,
        ):
            yield _Lines(text)

    def _reader(self, lines: "_Lines") -> Any:
        return csv.reader(lines, delimiter=self.delimiter, escapechar=self.escape, strict=True)

    def header(self) -> list[str]:
        with self._lines() as lines:
            try:
                names = [name.strip() for name in next(self._reader(lines), [])]
            except (csv.Error, _EndlessError) as error:
                raise ImportFailedError(f"{self.name} is not a CSV file ({error}).") from None
        if not any(names):
            raise ImportFailedError(f"{self.name} does not begin with a header line that names its columns.")
        return _without_doubles(names, self.name)

    def rows(self, columns: Sequence[str], context: Context) -> Iterator[tuple[int, tuple[Any, ...]]]:
        header = self.header()
        places = [header.index(column) for column in columns]
        # itemgetter of one place gives a value, not a tuple of one; asking for it twice keeps one shape.
        pick = itemgetter(*places) if len(places) > 1 else itemgetter(*places * 2)
        width = len(header)
        with self._lines() as lines:
            for line, row in self._without_bad_rows(lines, width, context):
                if len(row) != width:
                    if row:  # else a blank line
                        context.reject(
                            line, f"{len(row)} fields where the header has {width}", self.delimiter.join(row)
                        )
                    continue
                joined = "".join(row)
                if not joined.isascii() and not _is_utf8(joined):
                    context.reject(line, "not UTF-8 text", joined)
                    continue
                yield line, pick(row)

    def _without_bad_rows(self, lines: "_Lines", width: int, context: Context) -> Iterator[tuple[int, list[str]]]:
        """(first line, fields) of each row after the header: a quoted field may hold several lines.

        A quote that nobody closes, or that closes in another row, costs its own line: the others are read anew.
        """
        next(self._reader(lines), None)
        lines.end_row()
        while True:
            try:
                for row in self._reader(lines):
                    if len(lines.row) > 1 and len(row) != width:
                        why = NOT_CLOSED
                        break
                    yield lines.first, row
                    lines.end_row()
                else:
                    return
            except (csv.Error, _EndlessError) as error:
                open_quote = len(lines.row) > 1 or "end of data" in str(error)
                why = NOT_CLOSED if open_quote else f"not readable as CSV ({error})"
            context.reject(lines.first, why, lines.row[0].strip() if lines.row else "")
            lines.give_back()


class _EndlessError(Exception):
    """A row that goes on and on."""


class _Lines:
    """The lines of a text; those of the row under way are at hand, and can be given back but for the first."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.row: list[str] = []
        self.first = 1  # the number of the row's first line

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.row) >= MOST_LINES:
            raise _EndlessError(f"a quote that is not closed within {MOST_LINES} lines")
        line = self._again.popleft() if self._again else next(self._text)
        self.row.append(line)
        return line

    def end_row(self) -> None:
        self.first += len(self.row)
        self.row.clear()

    def give_back(self) -> None:
        self._again.extendleft(reversed(self.row[1:]))
        del self.row[1:]
        self.end_row()


def _without_doubles(names: list[str], file: str) -> list[str]:
    for name in names:
        if name and names.count(name) > 1:
            raise ImportFailedError(f"{file} has two columns with the name {name!r}.")
    return names


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def json_objects(source: Source, context: Context) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of a file with one JSON object a line."""
    encoding = source.encoding()
    with source.open() as stream:
        lines = stream if encoding == UTF_8 else _encoded_anew(stream, encoding)
        for line, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            try:
                value = json.loads(raw)
            except UnicodeDecodeError:
                context.reject(line, "not UTF-8 text", raw[:200])
            except (ValueError, RecursionError):
                context.reject(line, "not a JSON object", raw[:200].decode(errors="replace").strip())
            else:
                if isinstance(value, dict):
                    yield line, value
                else:
                    context.reject(line, "not a JSON object", raw[:200].decode(errors="replace").strip())


def _encoded_anew(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    return (line.encode() for line in io.TextIOWrapper(stream, encoding=encoding, errors="replace"))


class JsonRecords(_TextRecords):
    text_only = False

    @cached_property
    def _columns(self) -> list[str]:
        quiet = Context(rating_min=0, rating_max=0, reject=lambda line, reason, found: None)
        names: dict[str, None] = {}
        for _, value in json_objects(self.source, quiet):
            names.update(dict.fromkeys(value))
        return list(names)

    def header(self) -> list[str]:
        if not self._columns:
            raise ImportFailedError(f"{self.name} holds no JSON object, one a line.")
        return self._columns

    def rows(self, columns: Sequence[str], context: Context) -> Iterator[tuple[int, tuple[Any, ...]]]:
        for line, value in json_objects(self.source, context):
            yield line, tuple(map(value.get, columns))


class ParquetRecords:
    text_only = False

    def __init__(self, path: Path) -> None:
        source = Source(path)
        self.path, self.name = path, source.name
        self._read = 0
        with self._file() as file:
            self.size = file.metadata.num_rows
        if not self.size:
            raise ImportFailedError(f"{self.name} is empty.")

    def table(self, parse: Callable[[Context], Iterator[Row]]) -> Table:
        return Table(name=self.name, parse=parse, size=self.size, done=lambda: self._read)

    @contextmanager
    def _file(self) -> Iterator[Any]:
        # Here because only Parquet needs these 40 MB.
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        with explained(self.path):
            try:
                # Spark's INT96 times reach beyond what nanoseconds can tell.
                with ParquetFile(self.path, pre_buffer=False, coerce_int96_timestamp_unit="us") as file:
                    yield file
            except ArrowException as error:
                raise ImportFailedError(f"{self.name} is not a Parquet file that can be read ({error}).") from None

    def header(self) -> list[str]:
        with self._file() as file:
            return _without_doubles(list(file.schema_arrow.names), self.name)

    def rows(self, columns: Sequence[str], context: Context) -> Iterator[tuple[int, tuple[Any, ...]]]:
        self._read = 0
        with self._file() as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=sorted(set(columns))):
                values = [_values(batch.column(column)) for column in columns]
                for row in zip(*values, strict=True):
                    self._read += 1
                    yield self._read, row


def _values(column: Any) -> list[Any]:
    """A column's values as Python has them: bytes as text, times in UTC; what Python has no word for is UNREADABLE."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):  # Python's times know microseconds, and fewer time zones
        column = column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError, pa.ArrowException):
        values = [_value(one) for one in column]
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return [_text(value) for value in values] if is_binary else values


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return UNREADABLE


def _text(value: bytes | None) -> Any:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return UNREADABLE

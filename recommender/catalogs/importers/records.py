"""Read tables of any columns: CSV and TSV, JSON lines, Parquet. All of them stream."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from recommender.catalogs.importers.files import Source, explained
from recommender.catalogs.importers.plan import Context, Row, Table
from recommender.catalogs.importers.report import ImportFailedError

PARQUET_BATCH = 8192  # rows read at once
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
    """A file of named columns. In `text_only` ones (CSV) every value is text."""

    name: str
    text_only: bool

    def header(self) -> list[str]:
        """The columns; for JSON lines, those of the first object."""
        ...

    def rows(self, columns: Sequence[str], context: Context) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """(line, the values of these columns), streaming; a line that cannot be read is rejected."""
        ...

    def table(self, parse: Callable[[Context], Iterator[Row]]) -> Table: ...


def file_format(path: Path) -> str:
    """csv, jsonl or parquet by the file's name, or nothing."""
    name = path.name.lower().removesuffix(".gz")
    return SUFFIXES.get(Path(name).suffix, "")


def open_records(path: Path, form: str, *, delimiter: str = "") -> Records:
    """`form`: csv, jsonl or parquet. `delimiter` separates CSV fields: by default a tab in .tsv files, else a comma."""
    if form == "parquet":
        return ParquetRecords(path)
    if form == "jsonl":
        return JsonRecords(path)
    return CsvRecords(path, delimiter or ("\t" if ".tsv" in path.name.lower() else ","))


class _TextRecords:
    def __init__(self, path: Path) -> None:
        self.source = Source(path)
        self.name = self.source.name

    def table(self, parse: Callable[[Context], Iterator[Row]]) -> Table:
        return Table(name=self.name, parse=parse, size=self.source.size, done=self.source.done)


class CsvRecords(_TextRecords):
    """UTF-8 text with one header line. Bytes that are not UTF-8 reject their own row only."""

    text_only = True

    def __init__(self, path: Path, delimiter: str) -> None:
        super().__init__(path)
        self.delimiter = delimiter

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        with (
            self.source.open() as stream,
            io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="") as text,
        ):
            yield csv.reader(text, delimiter=self.delimiter, strict=True)

    def header(self) -> list[str]:
        with self._reader() as reader:
            try:
                names = [name.strip() for name in next(reader, [])]
            except csv.Error as error:
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
        with self._reader() as reader:
            for line, row in _without_bad_rows(reader, context):
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


def _without_bad_rows(reader: Any, context: Context) -> Iterator[tuple[int, list[str]]]:
    """(first line, fields) of each row after the header: a quoted field may hold several lines."""
    line = 0
    while True:
        try:
            for row in reader:
                if line:
                    yield line, row
                line = reader.line_num + 1
            return
        except csv.Error as error:
            context.reject(line, f"not readable as CSV ({error})", f"up to line {reader.line_num}")
            line = reader.line_num + 1


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
    with source.open() as stream:
        for line, raw in enumerate(stream, 1):
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


class JsonRecords(_TextRecords):
    text_only = False

    def header(self) -> list[str]:
        quiet = Context(rating_min=0, rating_max=0, reject=lambda line, reason, found: None)
        first = next(json_objects(self.source, quiet), None)
        if first is None:
            raise ImportFailedError(f"{self.name} holds no JSON object, one a line.")
        return list(first[1])

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
                with ParquetFile(self.path, pre_buffer=False) as file:
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
                values = [batch.column(column).to_pylist() for column in columns]
                for row in zip(*values, strict=True):
                    self._read += 1
                    yield self._read, row

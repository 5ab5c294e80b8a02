"""Open what people have: plain and compressed files, members of a zip, text in several encodings.

Every failure is one sentence.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from recommender.catalogs.importers.plan import Context, Row, Table
from recommender.catalogs.importers.report import ImportFailedError

OTHERS = {  # how files begin that hold no lines of text
    b"PK\x03\x04": "a zip: unpack it first",
    b"PAR1": "a Parquet file: use --format parquet",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"\x1f\x9d": "compressed by compress (.Z): unpack it first",
    b"SQLite format 3": "an SQLite database: export its tables as CSV",
    b"Obj\x01": "an Avro file: convert it to Parquet",
    b"ORC": "an ORC file: convert it to Parquet",
    b"ARROW1": "an Arrow file: convert it to Parquet",
    b"\x80\x04\x95": "a Python pickle, which may run code: convert it to CSV or Parquet",
}
LONGEST_START = max(map(len, OTHERS))
BOMS = {  # the longer ones first: one of UTF-32 begins like one of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF_8, LATIN_1 = "utf-8-sig", "iso-8859-1"
SNIFFED = 4096  # bytes
LONGEST_NAME = 40  # characters shown of a file's or column's name


class Source:
    """One readable file. `done` counts the bytes read so far, as stored (compressed where the file is)."""

    def __init__(self, path: Path, member: str = "") -> None:
        self.path, self.member = path, member
        self.name = member.rsplit("/", 1)[-1] or path.name
        with explained(self.path):
            if member:
                with zipfile.ZipFile(path) as archive:
                    self.size = archive.getinfo(member).file_size
            else:
                self.size = path.stat().st_size
        if not self.size:
            raise ImportFailedError(f"{self.name} is empty.")
        self._position: Callable[[], int] = lambda: 0

    def done(self) -> int:
        return self._position()

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        with explained(self.path), ExitStack() as stack:
            if self.member:
                archive = stack.enter_context(zipfile.ZipFile(self.path))
                try:
                    stream = stack.enter_context(archive.open(self.member))
                except RuntimeError as error:  # a password is needed, or an unknown compression
                    raise ImportFailedError(f"{self.path} cannot be unpacked ({error}).") from None
                self._position = stream.tell
            else:
                raw = stack.enter_context(self.path.open("rb"))
                self._position = raw.raw.tell
                stream = cast(IO[bytes], raw)
                start = raw.peek(LONGEST_START)[:LONGEST_START]
                for beginning, kind in OTHERS.items():
                    if start.startswith(beginning):
                        raise ImportFailedError(f"{self.name} is {kind}.")
                for beginning, unpack in PACKED.items():
                    if start.startswith(beginning):
                        stream = stack.enter_context(unpack(raw))
            try:
                yield stream
            finally:
                self._position = lambda: self.size

    def encoding(self) -> str:
        """How its text is written, by its first bytes: UTF-8, or UTF-16 or UTF-32 with or without a mark."""
        with self.open() as stream:
            start = stream.read(SNIFFED)
        for bom, name in BOMS.items():
            if start.startswith(bom):
                return name
        for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):  # every other byte of Latin text is 0
            zeros = start[first::2].count(0)
            if zeros > len(start) / 4 and not start[1 - first :: 2].count(0):
                return name
        return UTF_8

    def table(self, parse: Callable[["Source", Context], Iterator[Row]]) -> Table:
        return Table(name=self.name, parse=lambda context: parse(self, context), size=self.size, done=self.done)


def utf_8_or_latin_1(source: Source) -> tuple[str, str]:
    """The encoding of a whole file that is one of the two, strictly, and a note on it where it makes a difference."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    plain = True
    with source.open() as stream:
        try:
            while piece := stream.read(2**20):
                plain = plain and piece.isascii()
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return LATIN_1, f"{source.name} is read as ISO-8859-1."
    return UTF_8, "" if plain else f"{source.name} is read as UTF-8."


def _by_arrow(name: str) -> Callable[[IO[bytes]], IO[bytes]]:
    def unpack(raw: IO[bytes]) -> IO[bytes]:
        import pyarrow

        return cast(IO[bytes], io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.PythonFile(raw), name)))

    return unpack


PACKED: dict[bytes, Callable[[Any], Any]] = {  # how a packed file begins: what unpacks it
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _by_arrow("zstd"),
    b"\x04\x22\x4d\x18": _by_arrow("lz4"),
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise ImportFailedError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise ImportFailedError(f"{path} is a folder, not a file.") from None
    except PermissionError:
        raise ImportFailedError(f"{path} may not be read by this account.") from None
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise ImportFailedError(f"{path} is damaged or incomplete ({error}).") from None
    except OSError as error:
        raise ImportFailedError(f"{path} could not be read ({error.strerror or error}).") from None


def files_in(path: Path) -> dict[str, tuple[Path, str]]:
    """File name → arguments of its Source, for a folder or a zip (whose members may lie in a sub-folder)."""
    if path.is_dir():
        with explained(path):
            return {entry.name: (entry, "") for entry in sorted(path.iterdir()) if entry.is_file()}
    if not path.exists():
        raise ImportFailedError(f"There is no file or folder {path}.")
    with explained(path):
        if not zipfile.is_zipfile(path):
            raise ImportFailedError(f"{path} is neither a folder nor a zip that can be read.")
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    members = [member for member in members if not member.startswith("__MACOSX/")]
    # The member nearest to the top wins where two have one name.
    return {m.rsplit("/", 1)[-1]: (path, m) for m in sorted(members, key=lambda m: -m.count("/"))}


def some_names(names: Iterable[str]) -> str:
    """A few names for a message, "nothing" for none."""
    fits = re.compile(rf"[^\W_][\w .-]{{0,{LONGEST_NAME}}}").fullmatch
    shown = sorted(name if fits(name) else ascii(name)[:LONGEST_NAME] for name in names if name)
    return ", ".join(shown[:8]) + (", …" if len(shown) > 8 else "") if shown else "nothing"

"""Open what people have: plain files, gzip, and members of a zip. Every failure is one sentence."""

import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, cast

from recommender.catalogs.importers.plan import Context, Row, Table
from recommender.catalogs.importers.report import ImportFailedError

GZIP = b"\x1f\x8b"
OTHERS = {  # how files begin that hold no lines of text
    b"PK\x03\x04": "a zip: unpack it first",
    b"PAR1": "a Parquet file: use --format parquet",
}
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
                start = raw.peek(4)[:4]
                if kind := OTHERS.get(start):
                    raise ImportFailedError(f"{self.name} is {kind}.")
                if start.startswith(GZIP):
                    stream = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw)))
            try:
                yield stream
            finally:
                self._position = lambda: self.size

    def table(self, parse: Callable[["Source", Context], Iterator[Row]]) -> Table:
        return Table(name=self.name, parse=lambda context: parse(self, context), size=self.size, done=self.done)


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
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
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

"""One file that holds everything: a gzipped tar whose last member is the manifest, with the hash of every other.

manifest.json     what it is, when and of what it was made, and each file's size and SHA-256
database/…        the database (recommender.backup.databases)
var/…             made files (recommender.backup.var)
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from recommender.backup.errors import BackupError

KIND, FORMAT = "r4web-backup", 1
MANIFEST = "manifest.json"
PARTS = ("database", "var")
LONGEST_MANIFEST = 64 * 2**20  # bytes
COMPRESSION = 3  # of 9: most of the gain for a quarter of the time
BLOCK = 2**20
OF_OWNER = 0o700
Show = Callable[[int], None]  # told how many bytes were written or read since the last time


class Writer:
    """Use as `with Writer(file) as archive: archive.add(…); archive.finish({…})`."""

    def __init__(self, file: BinaryIO, *, show: Show) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION)  # noqa: SIM115 - closed on exit
        self._show = show
        self._files: list[dict[str, Any]] = []

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def add(self, path: Path, name: str) -> None:
        """Add a file. One that is gone meanwhile is left out; raises BackupError for one that shrinks meanwhile."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        with file:
            facts = os.fstat(file.fileno())
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = facts.st_size, int(facts.st_mtime), facts.st_mode & OF_OWNER
            hashed = _Hashed(file, self._show)
            try:
                self._tar.addfile(member, hashed)
            except OSError as error:
                if hashed.read_bytes < facts.st_size and not error.errno:
                    raise BackupError(f"{path} became shorter while it was read: run the same again.") from error
                raise
        self._files.append({"path": name, "bytes": facts.st_size, "sha256": hashed.sha256.hexdigest()})

    def finish(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Add the manifest, without which the archive is none, and return it."""
        manifest = {"kind": KIND, "format": FORMAT, **facts, "files": self._files}
        content = json.dumps(manifest, indent=1).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))
        return manifest


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO, show: Show) -> None:
        self._file, self._show = file, show
        self.sha256 = hashlib.sha256()
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.sha256.update(block)
        self.read_bytes += len(block)
        self._show(len(block))
        return block


def unpack(path: Path, into: Path | None, *, show: Show) -> dict[str, Any]:
    """Check every file of an archive, write them below `into` unless that is None, and return the manifest.

    Raises BackupError for what is no backup, is cut short, or differs from its manifest in any way.
    """
    found: dict[str, dict[str, Any]] = {}
    manifest: Any = None
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or member.name in found or not _is_ours(member.name):
                    raise BackupError(f"{path} holds {member.name!r}, which no backup holds: it was changed.")
                if member.name == MANIFEST:
                    manifest = json.loads(content.read(LONGEST_MANIFEST))
                    continue
                target = None if into is None else into / member.name
                found[member.name] = {"path": member.name, **_written(content, target, member.mode, show)}
    except (tarfile.TarError, EOFError, zlib.error, UnicodeError, json.JSONDecodeError, gzip.BadGzipFile) as error:
        raise BackupError(f"{path} is no whole backup: {error}. Nothing was changed.") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise BackupError(f"{path} is no whole backup: its manifest is missing. Nothing was changed.")
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{path} has a format that only a newer release reads. Nothing was changed.")
    listed = {str(one["path"]): one for one in manifest["files"]}
    if wrong := sorted(name for name in {*listed, *found} if listed.get(name) != found.get(name)):
        raise BackupError(f"{path} is damaged: {wrong[0]} is not what was stored. Nothing was changed.")
    return manifest


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and str(path) == name
    return inside and (name == MANIFEST or (path.parts[0] in PARTS and len(path.parts) > 1))


def _written(content: Any, target: Path | None, mode: int, show: Show) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    out = None
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        out = os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    try:
        while block := content.read(BLOCK):
            digest.update(block)
            size += len(block)
            show(len(block))
            if out is not None:
                out.write(block)
    finally:
        if out is not None:
            out.close()
    if target is not None:
        target.chmod(mode & OF_OWNER or 0o600)
    return {"bytes": size, "sha256": digest.hexdigest()}

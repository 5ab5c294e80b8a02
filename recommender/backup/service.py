"""Back up and restore. Neither loses anything when it is killed: what is new gets its place only once it is whole."""

import fcntl
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection

from recommender.backup import archive, databases, var
from recommender.backup.errors import BackupError
from recommender.progress import Progress

WORK, STAGED = ".r4web-backup-", ".restore-"
UNFINISHED = Path("run") / "restoring"  # in R4_VAR, while a restore is under way


@dataclass(frozen=True)
class Done:
    """`left_out`: secrets that were there and are not in the archive. `kept`: where the old things lie now."""

    path: Path
    manifest: dict[str, Any]
    left_out: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def back_up(out: Path, *, with_secrets: bool = False, parts: tuple[str, ...] = archive.PARTS) -> Done:
    """Write the archive to `out`, a new file or an existing folder. Raises BackupError."""
    at, home = _new_file(out), Path(settings.VAR_DIR)
    left_out = tuple(name for name in var.SECRETS if not with_secrets and (home / name).exists())
    with _said(at), _work_folder(at.parent) as work:
        part = work / "part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            manifest = _write(file, work, home, parts=parts, with_secrets=with_secrets, left_out=left_out)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, at)  # unlike renaming, never over a file that somebody made meanwhile
        except FileExistsError as error:
            raise BackupError(f"{at} is there already: name another file.") from error
        except OSError:  # no hard links on that disk
            part.rename(at)
    return Done(at, manifest, left_out)


def _new_file(out: Path) -> Path:
    out = out.expanduser().resolve()
    home = Path(settings.VAR_DIR).resolve()
    at = out / f"r4web-{_stamp()}.tar.gz" if out.is_dir() else out
    if at.exists():
        raise BackupError(f"{at} is there already: name another file.")
    if not at.parent.is_dir():
        raise BackupError(f"There is no folder {at.parent}: make it first.")
    if home in at.parents and not at.parent.name.startswith(var.PUT_ASIDE):
        raise BackupError(f"{at} lies in {home}, which it is a backup of: name a folder elsewhere, best another disk.")
    return at


def _write(
    file: Any, work: Path, home: Path, *, parts: tuple[str, ...], with_secrets: bool, left_out: tuple[str, ...]
) -> dict[str, Any]:
    (work / "database").mkdir(mode=0o700)
    # The database first: a version that it names has its files by then.
    with _progress(f"Database ({databases.title(connection.vendor)})") as progress:
        migrations = databases.applied()
        facts = databases.engine().dump(work / "database", progress.show)
        rows = sum(facts["tables"].values())
        progress.how_far = f"{rows:,} rows"
    if not migrations:
        raise BackupError("The database holds nothing of R4Web: is DATABASE_URL right?")
    database = Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
    names = var.names(home, database=database, with_secrets=with_secrets) if "var" in parts and home.is_dir() else []
    files = [(path, f"database/{path.name}") for path in sorted((work / "database").iterdir())]
    files += [(path, f"var/{path.relative_to(home)}") for path in var.files(home, names)]
    with _Bytes("Archive", of=sum(_size(path) for path, _ in files)) as shown, archive.Writer(file, show=shown) as out:
        for path, name in files:
            out.add(path, name)
        return out.finish({
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "parts": list(parts),
            "engine": connection.vendor,
            "versions": {"python": platform.python_version(), "django": django.__version__},
            "migrations": migrations,
            "database": facts,
            "var": names,
            "left_out": list(left_out),
        })  # fmt: skip


def check(path: Path) -> dict[str, Any]:
    """The manifest of a whole archive that this installation can restore. Raises BackupError."""
    return _unpacked(path, None)


def restore(path: Path, *, overwrite: bool = False) -> Done:
    """Make database and R4_VAR what the archive holds. Nothing else may run meanwhile. Raises BackupError.

    Everything is checked before anything is changed. What was there is put aside, not deleted.
    """
    home = Path(settings.VAR_DIR)
    for left in home.glob(f"{STAGED}*"):  # of one that was killed: the caller sees to it that nobody restores now
        shutil.rmtree(left, ignore_errors=True)
    with _said(home), _folder(home, STAGED) as staged:
        manifest = _unpacked(path, staged)
        recorded = _migrations(manifest)
        taken = "var" in manifest["parts"]
        there = _what_is_there(home, manifest) if taken else []
        if not overwrite:
            _refuse_what_is_there(home, there)
        unfinished = home / UNFINISHED
        unfinished.parent.mkdir(exist_ok=True, mode=0o700)
        # To the microsecond: two restores in one second must not put aside over each other.
        keep = f"{var.PUT_ASIDE}{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        was_empty = databases.is_empty()
        aside = home / keep
        kept = [] if was_empty else _keep_database(aside)
        rebuild = [] if databases.applied() == recorded else databases.leaves_of(recorded)
        unfinished.touch(mode=0o600)
        try:
            with _progress(f"Database ({databases.title(connection.vendor)})"):
                kept += filter(None, [databases.engine().load(
                    staged / "database", manifest["database"], rebuild=rebuild, keep="" if was_empty else keep
                )])  # fmt: skip
        except BaseException:
            unfinished.unlink(missing_ok=True)  # the database is as it was, and so are the files
            raise
        if there:
            aside.mkdir(exist_ok=True, mode=0o700)
            kept.append(str(aside))
            for name in there:
                (home / name).rename(aside / name)
        for new in sorted((staged / "var").iterdir()) if (staged / "var").is_dir() else []:
            new.rename(home / new.name)
        with _progress("Migrations since then"):
            call_command("migrate", verbosity=0, interactive=False)
        unfinished.unlink()
    return Done(path, manifest, tuple(manifest["left_out"]), tuple(dict.fromkeys(kept)))


def _unpacked(path: Path, into: Path | None) -> dict[str, Any]:
    path = path.expanduser()
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    with _Bytes("Checking the backup", of=0) as shown:
        manifest = archive.unpack(path, into, show=shown)
    databases.leaves_of(_migrations(manifest))
    if manifest["engine"] != connection.vendor:
        of, here = databases.title(manifest["engine"]), databases.title(connection.vendor)
        raise BackupError(
            f"The backup is of {of}, and DATABASE_URL names {here}: restore it into {of}. Nothing was changed."
        )
    return manifest


def _migrations(manifest: dict[str, Any]) -> list[databases.Key]:
    return [(app, name) for app, name in manifest["migrations"]]


def _what_is_there(home: Path, manifest: dict[str, Any]) -> list[str]:
    """Names in R4_VAR that a restore replaces. A key stays unless the archive brings one."""
    database = Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
    brought = manifest["var"]
    names = var.names(home, database=database, with_secrets=True)
    return [name for name in names if name not in var.SECRETS or name in brought]


def _refuse_what_is_there(home: Path, there: list[str]) -> None:
    if not databases.is_empty():
        raise BackupError(
            "The database that DATABASE_URL names is not empty. --overwrite replaces it, and keeps what is there; "
            "or name another DATABASE_URL and R4_VAR. Nothing was changed."
        )
    if holds := [name for name in there if name not in var.SECRETS and next(var.files(home, [name]), None)]:
        raise BackupError(
            f"{home} holds {', '.join(holds)}. --overwrite replaces that, and keeps it beside; or name another R4_VAR. "
            "Nothing was changed."
        )


def _keep_database(aside: Path) -> list[str]:
    """A server's database is written out before it is replaced. SQLite's file is put aside by `load`."""
    if connection.vendor == "sqlite":
        return []
    aside.mkdir(exist_ok=True, mode=0o700)
    back_up(aside / "database.tar.gz", parts=("database",))
    return [str(aside)]


@contextmanager
def _said(where: Path) -> Iterator[None]:
    """A full disk, a database that is away: one sentence."""
    try:
        with connection.wrap_database_errors:
            yield
    except OSError as error:
        raise BackupError(f"{error.strerror or error}: {error.filename or where}. Nothing was lost.") from error
    except DatabaseError as error:
        raise BackupError(
            f"The database said: {' '.join(str(error).split()).rstrip('.')}. Nothing was lost."
        ) from error


@contextmanager
def _folder(where: Path, prefix: str) -> Iterator[Path]:
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _work_folder(where: Path) -> Iterator[Path]:
    """A private folder on the archive's disk; one at a time in a place, so that others were left by killed backups."""
    place = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(f"Another backup is being written in {where}: wait until it is done.") from error
        for left in where.glob(f"{WORK}*"):
            shutil.rmtree(left, ignore_errors=True)
        with _folder(where, WORK) as folder:
            yield folder
    finally:
        os.close(place)


def _progress(what: str) -> Progress:
    return Progress(what, out=sys.stderr)


class _Bytes(Progress):
    """Progress in megabytes. `of`: 0 where it is not known."""

    def __init__(self, what: str, *, of: int) -> None:
        super().__init__(what, out=sys.stderr)
        self._of, self._done = of, 0

    def __enter__(self) -> "_Bytes":
        super().__enter__()
        return self

    def __call__(self, more: int) -> None:
        self._done += more
        of = f" of {self._of / 1e6:,.1f}" if self._of else ""
        self.show(f"{self._done / 1e6:,.1f}{of} MB")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S")

"""A folder and a database of a benchmark's own: the variables that say so, and this process set up with them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path


def variables(folder: Path, url: str = "", **more: str) -> dict[str, str]:
    """What a process of the project has to be told so that all it keeps lies in `folder`, which is made.

    `url` is another database than SQLite's in the folder; `more` are further variables, or others.
    """
    (folder / "static").mkdir(parents=True, exist_ok=True)
    return {
        "DATABASE_URL": url or f"sqlite:///{folder.resolve() / 'bench.sqlite3'}",
        "R4_VAR": str(folder.resolve()),
        "R4_SECRET_KEY": "benchmark",
        "R4_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "r4web.settings",
        **more,
    }


@contextmanager
def own_database(folder: Path | None = None, *, url: str = "", sample: bool = False, **more: str) -> Iterator[Path]:
    """Django in this process with a migrated database in `folder`, or in one that is removed afterwards.

    `sample` imports the sample catalog, `more` are variables as in `variables`.
    """
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r4-benchmark-")))
        os.environ |= variables(folder, url, **more)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        stack.enter_context(closing(connection))
        call_command("migrate", verbosity=0)
        if sample:
            with Path(os.devnull).open("w") as nowhere:
                call_command("import_catalog", "sample", "--format", "sample", stdout=nowhere)
        yield folder

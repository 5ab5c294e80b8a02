"""Restores a backup into DATABASE_URL and R4_VAR, breaks off in the middle, and restores again; prints what it saw.

python -m tests.recommender.backup.elsewhere FILE
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def main(file: str) -> None:
    django.setup()
    from django.conf import settings
    from django.core.management import CommandError, call_command
    from django.db import connection

    from recommender import private_files
    from recommender.models import Account
    from tests.recommender.backup.told import told

    def restore(*options: str) -> str:
        try:
            call_command("restore", file, *options, stdout=sys.stderr)
        except CommandError as error:
            return str(error)
        return ""

    def killed(where: Any, name: str) -> None:
        """Restore in a process that ends at once, as SIGKILL ends it, when it calls `where.name`."""
        connection.close()
        pid = os.fork()
        if pid == 0:
            setattr(where, name, _end_at_once)
            restore("--overwrite")
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9

    var = Path(settings.VAR_DIR)
    if first := restore():
        sys.exit(first)
    saw: dict[str, Any] = {"told": told()}
    saw["open"] = [str(path) for path in var.rglob("*") if private_files.is_open(path)]
    account = Account.objects.create_user("later", password="made after the backup")
    saw["number"] = account.pk
    saw["again"] = restore()
    if connection.vendor == "sqlite":
        killed(os, "replace")  # before the database is put aside
    else:
        from recommender.backup import postgresql

        killed(postgresql, "_fill")
    saw["after a kill"] = Account.objects.filter(username="later").exists()
    killed(Path, "rename")  # between database and files
    saw["unfinished"] = (var / "run" / "restoring").exists()
    saw["last"] = restore("--overwrite")
    saw["told again"] = told()
    saw["left"] = sorted(path.name for path in var.iterdir() if path.name.startswith(".") or path.name == "restoring")
    saw["aside"] = any(var.glob("before-restore-*/backbones"))
    print(json.dumps(saw))


_end_at_once: Callable[..., None] = lambda *_, **__: os._exit(9)  # noqa: E731


if __name__ == "__main__":
    main(sys.argv[1])

"""`manage.py backup --out FILE`: database and made files as one private file, while everything runs."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.backup import service
from recommender.backup.errors import BackupError


class Command(BaseCommand):
    help = "Write the database and the made files (R4_VAR) to one file. Everything may go on meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", required=True, type=Path, help="a new file, or an existing folder outside R4_VAR")
        parser.add_argument(
            "--with-secrets", action="store_true", help="take secret_key and demo.json too: whoever has them signs in"
        )
        parser.add_argument("--json", action="store_true", help="print file, bytes, rows and files as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = service.back_up(options["out"], with_secrets=options["with_secrets"])
        except KeyboardInterrupt as error:
            raise CommandError("Stopped: nothing was written.") from error
        except BackupError as error:
            raise CommandError(str(error)) from error
        size = done.path.stat().st_size
        rows, files = sum(done.manifest["database"]["tables"].values()), len(done.manifest["files"])
        if options["json"]:
            self.stdout.write(json.dumps({"path": str(done.path), "bytes": size, "rows": rows, "files": files}))
            return
        self.stdout.write(f"{done.path}: {size / 1e6:,.1f} MB, {rows:,} rows, {files:,} files.")
        self.stdout.write("It holds people's data and what they decided: guard it like the database.")
        if done.left_out:
            self.stdout.write(f"Left out: {', '.join(done.left_out)} (--with-secrets takes them; docs/operations.md).")

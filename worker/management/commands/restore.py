"""`manage.py restore FILE`: database and made files as a backup holds them."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.backup import service
from recommender.backup.errors import BackupError
from worker.supervisor import instance
from worker.supervisor.instance import CannotStartError


class Command(BaseCommand):
    help = "Make the database (DATABASE_URL) and the made files (R4_VAR) what a backup holds. Stop R4Web first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        parser.add_argument(
            "--overwrite", action="store_true", help="although something is there, which is put aside and not deleted"
        )
        parser.add_argument("--check", action="store_true", help="only say whether the file is whole and fits here")
        parser.add_argument("--json", action="store_true", help="print what was restored as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["check"]:
                manifest = service.check(options["file"])
                self.stdout.write(f"{options['file']} is whole: {_words(manifest)}.")
                return
            var = Path(settings.VAR_DIR)
            instance.make_folders(var)
            with instance.only_one(var, address="a restore"):
                done = service.restore(options["file"], overwrite=options["overwrite"])
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Nothing was lost; run the same again.") from error
        except (BackupError, CannotStartError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            rows = sum(done.manifest["database"]["tables"].values())
            self.stdout.write(json.dumps({"made_at": done.manifest["made_at"], "rows": rows, "kept": done.kept}))
            return
        self.stdout.write(f"Restored: {_words(done.manifest)}.")
        for place in done.kept:
            self.stdout.write(f"What was there before is kept in {place}: delete it once you are sure.")
        if done.left_out:
            missing = ", ".join(done.left_out)
            self.stdout.write(f"The backup left out {missing}: people sign in anew, nothing else is lost.")


def _words(manifest: dict[str, Any]) -> str:
    rows = sum(manifest["database"]["tables"].values())
    return f"made {manifest['made_at']}, {rows:,} rows, {len(manifest['files']):,} files"

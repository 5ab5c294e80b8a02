"""`manage.py tune NAME --role actor|reflector --base MODEL`: a LoRA adapter from a catalog's training sets."""

import json
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog
from recommender.runs import service as runs
from recommender.runs.kinds import TUNING
from recommender.tuning import service
from recommender.tuning.config import TuneConfig, TunedRole, TunedSubjects
from worker.tuning import carry_out

WHOLE = ("rank", "alpha", "epochs", "batch_size", "micro_batch", "cutoff", "seed", "threads")
NUMBERS = dict.fromkeys(WHOLE, int) | dict.fromkeys(("dropout", "learning_rate", "warm_up", "validation"), float)


class Command(BaseCommand):
    help = "Tune a LoRA adapter for the actor or the reflector on a catalog's training sets (docs/training-sets.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        defaults = TuneConfig(base="-")
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--role", choices=get_args(TunedRole), required=True)
        parser.add_argument("--base", required=True, help="a folder or hub name that transformers loads")
        parser.add_argument("--subjects", choices=get_args(TunedSubjects), default=defaults.subjects)
        for name, kind in NUMBERS.items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=kind, default=getattr(defaults, name), help="default: %(default)s")
        parser.add_argument("--merge", action="store_true", help="also save base and adapter as one model")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        try:
            chosen = {name: options[name] for name in ("subjects", "merge", *NUMBERS)}
            config = TuneConfig(base=_found(options["base"]), **chosen)
        except ValueError as error:
            raise CommandError(str(error)) from error
        asked = runs.request(
            TUNING, queue=options["queue"], catalog=catalog, role=options["role"], config=config.to_json()
        )
        if options["queue"]:
            self._say({"run": asked.pk, "state": asked.state}, f"Tuning run {asked.pk} waits for a worker.", options)
            return
        carry_out_here(asked, carry_out)
        if not_done := why_not_done(asked):
            raise CommandError(not_done)
        path = str(service.folder_of(asked) / "adapter")
        result = {"run": asked.pk, "name": asked.adapter_name, "adapter": path, "metrics": asked.metrics}
        before, after, rows = (asked.metrics[name] for name in ("before", "after", "rows"))
        lines = [f"{asked.adapter_name}: {path}", f"{rows['train']} rows learnt, {rows['valid']} held out."]
        lines += [f"held out, {name}: {before[name]:.4f} before, {after[name]:.4f} after" for name in after]
        self._say(result, "\n".join(lines), options)

    def _say(self, data: dict[str, Any], text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def _found(base: str) -> str:
    """A folder by its whole path: a worker, and whoever loads the adapter later, start elsewhere."""
    folder = Path(base).expanduser()
    return str(folder.resolve()) if folder.is_dir() else base

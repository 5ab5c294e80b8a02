"""`manage.py tune NAME --role actor|reflector --base MODEL`: a LoRA adapter from a catalog's training sets."""

import json
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.management.options import add_options, chosen, made
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog
from recommender.runs import service as runs
from recommender.runs.kinds import TUNING
from recommender.tuning import service
from recommender.tuning.config import TuneConfig, TunedRole
from worker.tuning import carry_out

OPTIONS = [name for name in TuneConfig.model_fields if name != "base"]


class Command(BaseCommand):
    help = "Tune a LoRA adapter for the actor or the reflector on a catalog's training sets (docs/training-sets.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--role", choices=get_args(TunedRole), required=True)
        add_options(parser, TuneConfig, ["base"], required=True)
        add_options(parser, TuneConfig, OPTIONS)
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        config = made(TuneConfig, chosen(options, OPTIONS) | {"base": _found(options["base"])})
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
        lines += [asked.metrics.get("without_gguf") or f"For llama.cpp: {Path(path) / asked.metrics['gguf']}"]
        self._say(result, "\n".join(lines), options)

    def _say(self, data: dict[str, Any], text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def _found(base: str) -> str:
    """A folder or file by its whole path: a worker, and whoever loads the adapter later, start elsewhere."""
    path = Path(base).expanduser()
    return str(path.resolve()) if path.exists() else base

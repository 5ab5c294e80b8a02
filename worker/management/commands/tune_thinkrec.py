"""`manage.py tune_thinkrec NAME --base MODEL`: ThinkRec's adapters and projector from a catalog's ratings."""

import json
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommender.dataset.named import parsed
from recommender.management.options import add_options, add_set, assigned, chosen, made, require_fitting
from recommender.management.runs import carry_out_here, why_not_done
from recommender.models import Catalog, Grouping, ThinkrecRun
from recommender.runs.errors import CannotRunError
from recommender.thinkrec.opinions import require_both
from recommender.thinkrec.tuning import own, service
from recommender.thinkrec.tuning.config import ThinkrecConfig
from worker.thinkrec import carry_out

OPTIONS = (
    "stage",
    "without",
    "split",
    "steps",
    "epochs",
    "group_epochs",
    "batch_size",
    "valid_rows",
    "seed",
    "threads",
)
FILES = {
    service.TRACES: ("--traces-file", "reasoning traces, JSONL: end_user, item, moment, answer, tag"),
    service.VECTORS: ("--vectors", "collaborative vectors, npz: end_users, end_user_vectors, items, item_vectors"),
    service.GROUPS_OF: ("--groups", "who is in which group, one JSON object: end user → group"),
}
OWN = {  # by option: the flag, and what it is for
    "grouping": ("--grouping", "take vectors and groups of the newest grouping (group_end_users)"),
    "approved_traces": ("--approved-traces", "take the traces that people approved"),
}


class Command(BaseCommand):
    help = "Tune ThinkRec's stages on a catalog's ratings (docs/thinkrec-tuning.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_options(parser, ThinkrecConfig, ["base"], required=True)
        add_options(parser, ThinkrecConfig, OPTIONS)
        add_set(parser, ThinkrecConfig, but=["base", *OPTIONS])
        for name, (flag, words) in FILES.items():
            parser.add_argument(flag, type=Path, dest=name, metavar="FILE", help=words)
        for flag, words in OWN.values():
            parser.add_argument(flag, action="store_true", help=words)
        parser.add_argument("--after", type=int, metavar="RUN", help="take the global adapter of this finished run")
        parser.add_argument("--queue", action="store_true", help="leave it to a training worker, and return at once")
        parser.add_argument("--json", action="store_true", help="print the result as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(f"There is no catalog {options['name']!r} (known: {known}).")
        values = assigned(options["set"]) | chosen(options, OPTIONS) | {"base": _found(options["base"])}
        run = _asked(catalog, made(ThinkrecConfig, values), options)
        if options["queue"]:
            self._say({"run": run.pk, "state": run.state}, f"{run} waits for a worker.", options)
            return
        carry_out_here(run, carry_out)
        if not_done := why_not_done(run):
            raise CommandError(not_done)
        folder = str(service.folder_of(run))
        lines = [f"{run.adapter_name}: {folder}", *_told(run.metrics)]
        result = {"run": run.pk, "name": run.adapter_name, "folder": folder, "metrics": run.metrics}
        self._say(result, "\n".join(lines), options)

    def _say(self, data: dict[str, Any], text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(data) if options["json"] else text)


def _asked(catalog: Catalog, config: ThinkrecConfig, options: dict[str, Any]) -> ThinkrecRun:
    require_fitting(catalog, split=parsed(config.split)[0])
    try:
        require_both(catalog, what="tuning ThinkRec")
    except CannotRunError as error:
        raise CommandError(str(error)) from error
    files = {name: options[name] for name in FILES if options[name] is not None}
    for path in files.values():
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
    place = service.folder_for(catalog)
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".asked-") as folder:  # for this account's eyes only
        try:
            grouping = own.newest_grouping(catalog) if options["grouping"] else None
            written = {
                "grouping": own.grouping_files(grouping, Path(folder)) if grouping else {},
                "approved_traces": own.trace_file(catalog, Path(folder)) if options["approved_traces"] else {},
            }
            for option, made_here in written.items():
                if twice := sorted(FILES[name][0] for name in made_here.keys() & files.keys()):
                    flag = OWN[option][0]
                    raise CommandError(f"{flag} and {', '.join(twice)} say the same thing: leave one of them out.")
                files |= made_here
            return _request(catalog, config, options, files, grouping)
        except CannotRunError as error:
            raise CommandError(str(error)) from error


def _request(
    catalog: Catalog,
    config: ThinkrecConfig,
    options: dict[str, Any],
    files: dict[str, Path],
    grouping: Grouping | None,
) -> ThinkrecRun:
    after = None
    if options["after"] is not None:
        after = ThinkrecRun.objects.filter(pk=options["after"], catalog=catalog).first()
        if after is None:
            raise CommandError(f"{catalog} has no ThinkRec tuning {options['after']}.")
    queue = options["queue"]
    return service.request(catalog, config, files=files, after=after, grouping=grouping, queue=queue)


def _told(metrics: dict[str, Any]) -> list[str]:
    """A line a stage."""
    groups = {f"group {name.removeprefix('group-')}": one for name, one in metrics.get("groups", {}).items()}
    stages = {name: metrics[name] for name in ("global", "projector") if name in metrics} | groups
    return [
        f"{name}: {one['steps']} steps, best epoch {one['best_epoch']}, valid AUC {_figure(one, 'auc')}, "
        f"UAUC {_figure(one, 'uauc')}, {one['tokens']:,} tokens, {one['seconds']:.0f} s"
        for name, one in stages.items()
    ]


def _figure(metrics: dict[str, Any], name: str) -> str:
    """A valid figure before, and of the best epoch."""
    epochs = [metrics["before"], *(one for one in metrics["epochs"] if one["epoch"] == metrics["best_epoch"])]
    return " → ".join("–" if one[name] is None else f"{one[name]:.4f}" for one in epochs)


def _found(base: str) -> str:
    """A folder by its whole path: a worker, and whoever loads the adapter later, start elsewhere."""
    folder = Path(base).expanduser()
    return str(folder.resolve()) if folder.is_dir() else base

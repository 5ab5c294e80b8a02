"""Does ranking obey what people say? Direction, size, no harm, cost and faithful reasons of steering.

    python -m benchmarks.steering [--catalog sample] [--pairs 400] [--only direction,size,…] [--folder FOLDER]

Imports the catalogs into a database of its own, trains a DIN of few epochs on each (kept in --folder for another run),
and measures with the reader, the ranker and the steering that serve. `direction`: the change of an aspect's
log-discounted exposure over the whole list after one everyday sentence (benchmarks/data/corrections.json); the
research data's texts about films are in force, the sample has descriptions only. `size`:
TEARS's measures (arXiv 2410.19302) over R4_STEERING. `harm`: the test part with statements of honest texts against
without. `cost`: what ten statements add to a request. `reasons`: what a cited statement does to its item's score.
The last line printed is one JSON object. Research data is read in place; no title, name or row of it is printed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import item_texts
from benchmarks.scratch import own_database

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT.parent / "shared" / "data"
SOURCES: Mapping[str, Sequence[str]] = {
    "sample": ("--format", "sample"),
    "ml-100k": (str(DATA / "ml-100k"), "--format", "movielens-100k"),
    "ml-1m": (
        str(DATA / "ml-1m" / "interactions.csv.gz"), "--format", "csv", "--items", str(DATA / "ml-1m" / "movies.dat"),
        "--end-users", str(DATA / "ml-1m" / "users.dat"), "--map", "item_id=movie_id,order=pos", "--item-noun", "movie",
    ),
}  # fmt: skip
ITEM_TEXTS: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "ml-100k": item_texts.of_ml_100k,
    "ml-1m": item_texts.of_ml_1m,
}
EPOCHS = 1
PARTS = ("direction", "size", "harm", "cost", "reasons")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", action="append", choices=list(SOURCES), help="sample and ml-100k unless given")
    parser.add_argument("--pairs", type=int, default=500, help="corrections of each catalog")
    parser.add_argument("--users", type=int, default=200, help="end users of the other measurements")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--folder", type=Path, help="keeps the database and the models there for another run")
    parser.add_argument("--faults", action="store_true", help="print corrections that failed, of styles not held out")
    options = parser.parse_args()
    # candidates: what a correction moves is measured over whole rankings
    with own_database(options.folder, R4_CANDIDATES="1000000", OMP_NUM_THREADS="1"):
        report: dict[str, Any] = {"benchmark": "steering"}
        for name in options.catalog or ["sample", "ml-100k"]:
            _prepare(name, epochs=options.epochs)
            report[name] = _measure(name, options)
        print(json.dumps(report))


def _prepare(name: str, *, epochs: int) -> None:
    """The catalog with an active version, unless an earlier run left it here."""
    from recommender.models import BackboneVersion, Catalog, VersionState

    if not Catalog.objects.filter(name=name).exists():
        _manage("import_catalog", name, *SOURCES[name])
    versions = BackboneVersion.objects.filter(catalog__name=name)
    if not versions.exists():
        _manage("train_backbone", name, "--epochs", str(epochs), "--json")
    if not versions.filter(state=VersionState.ACTIVE).exists():
        versions.filter(pk=versions.latest("pk").pk).update(state=VersionState.ACTIVE)
    if name in ITEM_TEXTS:
        _approve_item_texts(name)


def _approve_item_texts(name: str) -> None:
    """Put the research data's texts about items in force, after training, as if people had just approved them; once."""
    from django.db import transaction

    from recommender.knowledge.service import accept
    from recommender.models import Catalog, Item
    from recommender.statements.aspects import KEPT
    from tests.builders import make_round

    catalog = Catalog.objects.get(name=name)
    if catalog.knowledge.filter(end_user=None).exists():
        return
    texts = ITEM_TEXTS[name]()
    with transaction.atomic():
        for item in Item.objects.filter(catalog=catalog, external_id__in=texts).select_related("catalog"):
            accept(make_round(item, ("reason", texts[item.external_id])).turns.get())
    KEPT.clear()  # what items are told of is kept for a minute: these were approved within it


def _manage(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def _measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.steering import direction, harm, served, size, tables
    from benchmarks.steering.lists import Lists
    from recommender.models import Catalog

    lists = Lists(Catalog.objects.get(name=name))
    parts = options.only.split(",")
    found: dict[str, Any] = {}
    if "direction" in parts:
        tried = direction.measure(lists, options.pairs)
        found["direction"] = direction.summary(tried)
        tables.show(f"{name}: direction", found["direction"])
        if options.faults:
            print("\n".join(direction.faults(tried)))
    further = {"size": size.measure, "harm": harm.measure, "cost": served.cost, "reasons": served.reasons}
    for part, measure in further.items():
        if part in parts:
            found[part] = measure(lists, options.users)
            tables.show(f"{name}: {part}", found[part])
    return found


if __name__ == "__main__":
    main()

"""Hand-made files in every layout, ways to pack and spoil them, and ways to look at what was imported."""

import gzip
import shutil
import zipfile
from pathlib import Path
from typing import Any

from recommender.catalogs.importers.plan import Request
from recommender.catalogs.importers.report import Report
from recommender.catalogs.importers.run import import_catalog
from recommender.models import Catalog, EndUser, Interaction, Item

DATA = Path(__file__).resolve().parents[3] / "data"
LABELS = {"user_id": "person", "item_id": "film", "order": "seen", "label": "verdict"}


def load(form: str, path: Path | None, name: str = "films", **options: Any) -> Report:
    """Import; keyword arguments that are the request's go there."""
    fields = {key: options.pop(key) for key in list(options) if key in Request.__dataclass_fields__}
    return import_catalog(name, form=form, request=Request(path=path, **fields), **options)


def load_text(folder: Path, text: str | bytes, **options: Any) -> Report:
    """Import interactions from CSV text beside the hand-made items."""
    path = folder / "given.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load("csv", path, items=DATA / "tables" / "items.csv", **options)


def copied(folder: Path, layout: str) -> Path:
    return Path(shutil.copytree(DATA / layout, folder / layout))


def zipped(folder: Path, layout: str) -> Path:
    """As published: everything in a sub-folder of the archive."""
    path = folder / f"{layout}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((DATA / layout).iterdir()):
            archive.write(file, f"{layout}/{file.name}")
        archive.writestr(f"__MACOSX/{layout}/u.data", "no data")
    return path


def gzipped(folder: Path, file: Path) -> Path:
    path = folder / f"{file.name}.gz"
    path.write_bytes(gzip.compress(file.read_bytes()))
    return path


def rows(name: str = "films") -> list[tuple[str, str, float | None, int | None, int]]:
    """(end user, item, rating, label, moment) of every interaction."""
    found = Interaction.objects.filter(end_user__catalog__name=name).oldest_first()
    return list(found.values_list("end_user__external_id", "item__external_id", "rating", "label", "moment"))


def item(external_id: str, name: str = "films") -> Item:
    return Item.objects.get(catalog__name=name, external_id=external_id)


def counts() -> tuple[int, int, int, int]:
    """Everything in the database: catalogs, items, end users, interactions."""
    return tuple(model.objects.count() for model in (Catalog, Item, EndUser, Interaction))  # type: ignore[return-value]


def rejections(report: Report) -> list[tuple[str, int, str]]:
    return [(rejection.file, rejection.line, rejection.reason) for rejection in report.examples]

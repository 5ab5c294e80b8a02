"""Import a catalog: read and judge every row first, then write all of it in one transaction, or nothing."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import TextIO

from django.db import Error, transaction

from recommender.catalogs.importers import amazon, generic, loading, movielens, sample, selection, staging
from recommender.catalogs.importers.catalogs import CatalogOptions, settle
from recommender.catalogs.importers.plan import Context, Plan, Reject, Request, Table
from recommender.catalogs.importers.report import ImportFailedError, Progress, Rejection, Report, quote
from recommender.catalogs.importers.selection import Cores
from recommender.models import Catalog, Item

FORMATS: Mapping[str, Callable[[Request], Plan]] = {
    "movielens-100k": movielens.plan_100k,
    "movielens-1m": movielens.plan_1m,
    "movielens-10m": movielens.plan_10m,
    "movielens-20m": movielens.plan_latest,
    "movielens-25m": movielens.plan_latest,
    "movielens-32m": movielens.plan_latest,
    "movielens-latest": movielens.plan_latest,
    "amazon": amazon.plan,
    "csv": partial(generic.plan, form="csv"),
    "jsonl": partial(generic.plan, form="jsonl"),
    "parquet": partial(generic.plan, form="parquet"),
    "sample": sample.plan,
}


def no_progress(step: str, done: int, of: int) -> None:
    """Nobody watches."""


def import_catalog(
    name: str,
    *,
    form: str,
    request: Request,
    options: CatalogOptions | None = None,
    cores: Cores | None = None,
    erased_too: bool = False,
    progress: Progress = no_progress,
    rejections: TextIO | None = None,
) -> Report:
    """Import into catalog `name`, made on demand. Importing the same again changes nothing.

    `rejections`: where every rejected row is written as a JSON line; the report itself keeps the first few.
    `erased_too`: import who and what was erased before as well; else their rows are rejected.
    Raise ImportFailedError, one sentence, when nothing could be imported; the catalog is then as it was.
    """
    started = time.monotonic()
    report = Report(catalog=name, log=rejections)
    try:
        plan = FORMATS[form](request)
        report.notes = plan.notes
        options = options or CatalogOptions()
        catalog, settings_changed = settle(name, plan, options)
        _require_items(plan, catalog)
        with staging.staging_tables():
            _stage(plan, catalog, report, progress)
            progress("checking", 0, 0)
            rejecter = partial(_rejecter, report)
            erasures = catalog.erasures
            selection.select(plan, catalog, report, cores=cores or Cores(), rejecter=rejecter, erased_too=erased_too)
            progress("writing items and end users", 0, 0)
            with transaction.atomic():
                loading.write(
                    plan,
                    catalog,
                    report,
                    settings_changed=settings_changed,
                    attributes_chosen=options.prompt_attributes or (),
                    progress=progress,
                    erasures=erasures,
                    erased_too=erased_too,
                )
    except Error as error:
        raise ImportFailedError(f"The database refused the import: {str(error).splitlines()[0]}.", report) from error
    report.seconds = time.monotonic() - started
    return report


def _require_items(plan: Plan, catalog: Catalog) -> None:
    if plan.items is None and not (catalog.pk and Item.objects.filter(catalog=catalog).exists()):
        raise ImportFailedError(f"Catalog {catalog} has no items yet and this import brings none: add --items FILE.")


def _rejecter(report: Report, table: Table) -> Reject:
    def reject(line: int, reason: str, found: object) -> None:
        report.reject(Rejection(table.name, line, reason, quote(found)))

    return reject


def _stage(plan: Plan, catalog: Catalog, report: Report, progress: Progress) -> None:
    tables = {
        staging.ITEMS: plan.items,
        staging.END_USERS: plan.end_users,
        staging.INTERACTIONS: plan.interactions,
    }
    for name, table in tables.items():
        if table is None:
            continue
        rows = table.parse(Context(catalog.rating_min, catalog.rating_max, _rejecter(report, table)))
        while batch := list(islice(rows, staging.BATCH)):
            staging.add(name, batch)
            progress(f"reading {table.name}", table.done(), table.size)
        progress(f"reading {table.name}", table.size, table.size)

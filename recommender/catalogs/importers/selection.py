"""Which staged rows go into the catalog: no duplicates, nothing about unknown ids, and the k-core where asked for."""

# ruff: noqa: S608 - only names of tables and columns, none of which come from a file, are put into SQL
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import connection

from recommender.catalogs.importers import staging
from recommender.catalogs.importers.plan import Plan, Reject, Table
from recommender.catalogs.importers.report import ImportFailedError, Report
from recommender.catalogs.importers.staging import END_USERS, INTERACTIONS, ITEMS
from recommender.models import Catalog, EndUser, Erasure, Item, SubjectKind

KEYS = {ITEMS: "external_id", END_USERS: "external_id", INTERACTIONS: "end_user, item, moment"}
HOLDING = {
    ITEMS: {"external_id": SubjectKind.ITEM},
    END_USERS: {"external_id": SubjectKind.END_USER},
    INTERACTIONS: {"end_user": SubjectKind.END_USER, "item": SubjectKind.ITEM},
}
ERASED = "erased before, and not taken back (--erased-too)"
DUPLICATES = {
    ITEMS: "an earlier line has the same item",
    END_USERS: "an earlier line has the same end user",
    INTERACTIONS: "an earlier line has the same end user, item and moment",
}


@dataclass(frozen=True, slots=True)
class Cores:
    """Keep only end users and items with at least so many interactions among what is kept; 0 or 1 keeps everything."""

    end_users: int = 0
    items: int = 0


def select(
    plan: Plan,
    catalog: Catalog,
    report: Report,
    *,
    cores: Cores,
    rejecter: Callable[[Table], Reject],
    erased_too: bool = False,
) -> None:
    """Leave in the staging tables exactly what is to be written. `erased_too`: also who and what was erased before."""
    tables = {ITEMS: plan.items, END_USERS: plan.end_users, INTERACTIONS: plan.interactions}
    staging.analyze(tables)
    for name, table in tables.items():
        if table:
            _reject_duplicates(name, rejecter(table))
            _require_rows(name, table, report)
    if catalog.pk and not erased_too:
        _reject_erased(tables, catalog, rejecter)
    for name in (ITEMS, END_USERS):
        staging.change(f"CREATE INDEX {name}_key ON {name} (external_id)")
    if plan.interactions:
        _reject_unknown("item", ITEMS, Item, catalog, rejecter(plan.interactions))
        if plan.end_users:
            _reject_unknown("end_user", END_USERS, EndUser, catalog, rejecter(plan.interactions))
        _require_rows(INTERACTIONS, plan.interactions, report)
        if max(cores.end_users, cores.items) > 1:
            _keep_core(report, cores)


def _require_rows(name: str, table: Table, report: Report) -> None:
    if staging.count(name):
        return
    prefix = f"{table.name}: "
    reasons = [reason.removeprefix(prefix) for reason, _ in report.reasons.most_common() if reason.startswith(prefix)]
    if not reasons:
        raise ImportFailedError(f"{table.name} has no rows.", report)
    example = next((str(rejection) for rejection in report.examples if rejection.file == table.name), reasons[0])
    raise ImportFailedError(f"Every row of {table.name} was rejected, such as {example}.", report)


def _take_out(name: str, select: str, *parameters: object, reject: Reject, reason: str, found: str = "{}") -> None:
    """Reject and remove the staged rows that `select` gives as (line, found)."""
    with staging.result_of(select, *parameters) as out:
        if staging.count(out):
            for line, what in staging.stream(f"SELECT line, found FROM {out} ORDER BY line"):
                reject(line, reason, found.format(what))
            staging.change(f"DELETE FROM {name} WHERE line IN (SELECT line FROM {out})")


def _reject_duplicates(name: str, reject: Reject) -> None:
    """The first of equal rows stays."""
    first = f"SELECT line, min(line) OVER (PARTITION BY {KEYS[name]}) AS found FROM {name}"
    select = f"SELECT line, found FROM ({first}) AS firsts WHERE line <> found"
    _take_out(name, select, reject=reject, reason=DUPLICATES[name], found="line {}")


def _reject_unknown(
    column: str, staged: str, model: type[Item] | type[EndUser], catalog: Catalog, reject: Reject
) -> None:
    """Interactions whose item (or end user) is neither in its file nor in the catalog."""
    known = connection.ops.quote_name(model._meta.db_table)
    select = (
        f"SELECT line, {column} AS found FROM {INTERACTIONS} AS rows"
        f" WHERE NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.external_id = rows.{column})"
        f" AND NOT EXISTS (SELECT 1 FROM {known} AS known"
        f" WHERE known.catalog_id = %s AND known.external_id = rows.{column})"
    )
    _take_out(INTERACTIONS, select, catalog.pk or 0, reject=reject, reason=f"unknown {column.replace('_', ' ')}")


def _reject_erased(tables: Mapping[str, Table | None], catalog: Catalog, rejecter: Callable[[Table], Reject]) -> None:
    """Whoever was erased stays so; the report counts their rows and does not name them."""
    for name, columns in HOLDING.items():
        if (table := tables[name]) is None:
            continue
        for column, kind in columns.items():
            for external_id in staged_and_erased(name, column, kind, catalog):
                select = f"SELECT line, line AS found FROM {name} WHERE {column} = %s"
                _take_out(name, select, external_id, reject=rejecter(table), reason=ERASED, found="")


def staged_and_erased(name: str, column: str, kind: SubjectKind, catalog: Catalog) -> list[str]:
    """Ids in a staging table that were erased from the catalog."""
    if not Erasure.objects.standing(catalog, kind).exists():
        return []
    ids = (str(external_id) for (external_id,) in staging.stream(f"SELECT DISTINCT {column} FROM {name}"))
    return sorted(Erasure.objects.among(catalog, kind, ids))


def _keep_core(report: Report, cores: Cores) -> None:
    """Take away thin end users and items until none is left; then those that nothing refers to any more."""
    before = {name: staging.count(name) for name in (ITEMS, END_USERS, INTERACTIONS)}
    for column in ("end_user", "item"):
        staging.change(f"CREATE INDEX {INTERACTIONS}_{column} ON {INTERACTIONS} ({column})")
    removed = True
    while removed:
        removed = False
        for column, core in (("end_user", cores.end_users), ("item", cores.items)):
            thin = f"SELECT {column} FROM {INTERACTIONS} GROUP BY {column} HAVING count(*) < {core:d}"
            if core > 1 and staging.change(f"DELETE FROM {INTERACTIONS} WHERE {column} IN ({thin})"):
                removed = True
    for name, column in ((ITEMS, "item"), (END_USERS, "end_user")):
        staging.change(
            f"DELETE FROM {name} WHERE NOT EXISTS"
            f" (SELECT 1 FROM {INTERACTIONS} AS rows WHERE rows.{column} = {name}.external_id)"
        )
    after = {name: staging.count(name) for name in before}
    if not after[INTERACTIONS]:
        raise ImportFailedError(
            f"No end users with {cores.end_users} and items with {cores.items} interactions each exist "
            "in this file: choose a smaller core.",
            report,
        )
    report.filtered = {
        "items": before[ITEMS] - after[ITEMS],
        "end_users": before[END_USERS] - after[END_USERS],
        "interactions": before[INTERACTIONS] - after[INTERACTIONS],
    }

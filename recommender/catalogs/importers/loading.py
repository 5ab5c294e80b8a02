"""Write staged rows into a catalog: a few set-based statements inside one transaction, all of it or nothing."""

# ruff: noqa: S608 - only names of tables and columns, none of which come from a file, are put into SQL
from collections.abc import Iterator, Sequence

from django.db import IntegrityError, connection
from django.utils import timezone

from recommender.catalogs.changes import changed, lock
from recommender.catalogs.importers import staging
from recommender.catalogs.importers.plan import Plan
from recommender.catalogs.importers.report import Changes, ImportFailedError, Progress, Report
from recommender.catalogs.importers.selection import HOLDING, staged_and_erased
from recommender.catalogs.importers.staging import END_USERS, INTERACTIONS, ITEMS
from recommender.models import Catalog, EndUser, Erasure, Interaction, Item

CHUNKS = 20  # statements that write a large file's interactions: between them progress shows and Ctrl-C is heard
SMALLEST_CHUNK = 50_000  # lines


def write(
    plan: Plan,
    catalog: Catalog,
    report: Report,
    *,
    settings_changed: dict[str, str],
    attributes_chosen: Sequence[str],
    progress: Progress,
    erasures: int,
    erased_too: bool,
) -> None:
    """Call it inside a transaction. `erasures`: the catalog's number of them when the rows were selected."""
    _save(catalog, settings_changed, report)
    if Catalog.objects.values_list("erasures", flat=True).get(pk=catalog.pk) != erasures:
        raise ImportFailedError(f"Somebody was erased from {catalog} while it read the files: start the import again.")
    if erased_too:
        _lift_erasures(catalog)
    report.items = _write_described(Item, ITEMS, ("title", "attributes"), catalog)
    _require_attributes(catalog, attributes_chosen)
    if plan.end_users or not plan.interactions:
        report.end_users = _write_described(EndUser, END_USERS, ("attributes",), catalog)
    else:
        report.end_users = _write_end_users_of_interactions(catalog)
    staging.analyze(_table(model) for model in (Item, EndUser))
    report.interactions = _write_interactions(catalog, progress)
    if report.interactions.created:
        staging.analyze([_table(Interaction)])  # what is asked next, as the evidence of many, is planned by it
    if report.items.created or report.interactions.created:
        changed(catalog)
    report.items.total = Item.objects.filter(catalog=catalog).count()
    report.end_users.total = EndUser.objects.filter(catalog=catalog).count()
    report.interactions.total = Interaction.objects.filter(end_user__catalog=catalog).count()


def _save(catalog: Catalog, settings_changed: dict[str, str], report: Report) -> None:
    if catalog.pk:
        # The lock keeps two imports into one catalog apart; SQLite has only one writer anyway.
        lock(catalog)
        if settings_changed:
            catalog.save(update_fields=list(settings_changed))
        report.settings_changed = settings_changed
        return
    try:
        catalog.save(force_insert=True)
    except IntegrityError:
        raise ImportFailedError(f"Another import has just made catalog {catalog}: start this one again.") from None
    report.catalog_created = True


def _lift_erasures(catalog: Catalog) -> None:
    """Who and what is in the files may come back; what was written about them does not."""
    for name, columns in HOLDING.items():
        for column, kind in columns.items():
            for external_id in staged_and_erased(name, column, kind, catalog):
                if erased := Erasure.objects.named(catalog, kind, external_id):
                    Erasure.objects.filter(pk=erased.pk).update(lifted_at=timezone.now())


def _require_attributes(catalog: Catalog, names: Sequence[str]) -> None:
    """A misspelt name would silently leave the attribute out of every prompt."""
    for name in names:
        if not Item.objects.filter(catalog=catalog, attributes__has_key=name).exists():
            raise ImportFailedError(f"No item of catalog {catalog} has an attribute {name!r}.")


def _table(model: type[Item] | type[EndUser] | type[Interaction]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _differs(left: str, right: str) -> str:
    """Unequal, two NULLs being equal. SQLite before 3.39 does not know the standard's words."""
    return f"{left} {'IS NOT' if connection.vendor == 'sqlite' else 'IS DISTINCT FROM'} {right}"


def _write_described(
    model: type[Item] | type[EndUser], staged: str, columns: tuple[str, ...], catalog: Catalog
) -> Changes:
    """Items or end users from their staging table; those the catalog has get their new description."""
    table = _table(model)
    json = "CAST(staged.attributes AS jsonb)" if connection.vendor == "postgresql" else "staged.attributes"
    new = {column: json if column == "attributes" else f"staged.{column}" for column in columns}
    assignments = ", ".join(f"{column} = {expression}" for column, expression in new.items())
    different = " OR ".join(_differs(f"{table}.{column}", expression) for column, expression in new.items())
    updated = staging.change(
        f"UPDATE {table} SET {assignments} FROM {staged} AS staged"
        f" WHERE {table}.catalog_id = %s AND {table}.external_id = staged.external_id AND ({different})",
        catalog.pk,
    )
    created = staging.change(
        f"INSERT INTO {table} (catalog_id, external_id, {', '.join(columns)})"
        f" SELECT %s, staged.external_id, {', '.join(new.values())} FROM {staged} AS staged WHERE true"
        " ORDER BY staged.line ON CONFLICT (catalog_id, external_id) DO NOTHING",
        catalog.pk,
    )
    return Changes(created=created, updated=updated, unchanged=staging.count(staged) - created - updated)


def _write_end_users_of_interactions(catalog: Catalog) -> Changes:
    """No end users' file: everyone who did something is an end user, in the order of first appearance."""
    created = staging.change(
        f"INSERT INTO {_table(EndUser)} (catalog_id, external_id, attributes)"
        f" SELECT %s, end_user, '{{}}' FROM {INTERACTIONS} WHERE true GROUP BY end_user ORDER BY min(line)"
        " ON CONFLICT (catalog_id, external_id) DO NOTHING",
        catalog.pk,
    )
    present = staging.value(f"SELECT count(DISTINCT end_user) FROM {INTERACTIONS}")
    return Changes(created=created, unchanged=present - created)


def _write_interactions(catalog: Catalog, progress: Progress) -> Changes:
    table = _table(Interaction)
    # CROSS JOIN keeps SQLite on this order, looking ids up row by row; PostgreSQL joins as it likes.
    source = (
        f"{INTERACTIONS} AS staged"
        f" CROSS JOIN {_table(EndUser)} AS end_user CROSS JOIN {_table(Item)} AS item{{more}}"
        " WHERE end_user.catalog_id = %s AND end_user.external_id = staged.end_user"
        " AND item.catalog_id = %s AND item.external_id = staged.item AND staged.line BETWEEN %s AND %s"
    )
    insert = (
        f"INSERT INTO {table} (end_user_id, item_id, rating, label, moment)"
        f" SELECT end_user.id, item.id, staged.rating, staged.label, staged.moment FROM {source.format(more='')}"
        # The file's order breaks ties between equal moments: histories are read by moment, then id.
        " ORDER BY staged.line ON CONFLICT (end_user_id, moment, item_id) DO NOTHING"
    )
    changed = (
        f"SELECT known.id, staged.rating, staged.label FROM {source.format(more=f' CROSS JOIN {table} AS known')}"
        " AND known.end_user_id = end_user.id AND known.moment = staged.moment AND known.item_id = item.id"
        f" AND ({_differs('known.rating', 'staged.rating')} OR {_differs('known.label', 'staged.label')})"
    )
    had_some = Interaction.objects.filter(end_user__catalog=catalog).exists()
    total = staging.count(INTERACTIONS)
    changes = Changes()
    if had_some:
        staging.analyze([table])  # else a table filled minutes ago may count as empty, and be searched row by row
    for first, last, share in _line_ranges():
        bounds = (catalog.pk, catalog.pk, first, last)
        if had_some:
            changes.updated += _update(table, changed, bounds)
        changes.created += staging.change(insert, *bounds)
        progress("writing interactions", round(total * share), total)
    changes.unchanged = total - changes.created - changes.updated
    return changes


def _update(table: str, changed: str, bounds: tuple[int, ...]) -> int:
    """By way of a table of the few that changed: in one statement SQLite would search all for each."""
    with staging.result_of(changed, *bounds) as new:
        return staging.change(
            f"UPDATE {table} SET rating = new.rating, label = new.label FROM {new} AS new WHERE {table}.id = new.id"
        )


def _line_ranges() -> Iterator[tuple[int, int, float]]:
    """(first line, last line, share of all lines up to there)."""
    last = staging.value(f"SELECT coalesce(max(line), 0) FROM {INTERACTIONS}")
    size = max(SMALLEST_CHUNK, -(-last // CHUNKS))
    for first in range(1, last + 1, size):
        end = min(first + size - 1, last)
        yield first, end, end / last

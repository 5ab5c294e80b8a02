"""The triggers that draw a catalog's stamps: whoever writes, by whatever way, cannot forget them.

A stamp is drawn in the transaction that writes, so it is seen together with what was written. PostgreSQL draws it as
the transaction commits: until then no row is locked that another writer of the catalog could wait for while it holds
what this one needs. SQLite has one writer. A transaction that writes into several catalogs may meet another one that
writes into the same ones the other way round; PostgreSQL ends one of the two, as it does with rows.

Migrations make tables anew, which on SQLite takes their triggers: before they run all triggers and stamps go, and
afterwards they are there again, so that nothing is kept in between.
"""

from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

STAMPS, CATALOG = "recommender_catalogstamp", "recommender_catalog"
COLUMNS = ("items", "versions", "said", "rounds")
PREFIX = "r4_stamp_"
_DRAWN = {"sqlite": "random()", "postgresql": "hashtextextended(gen_random_uuid()::text, 0)"}
OF_ROW = "{row}.catalog_id"
OF_ROUND = "(SELECT o.catalog_id FROM recommender_round o WHERE o.id = {row}.round_id)"
OF_TURN = (
    "(SELECT o.catalog_id FROM recommender_turn t JOIN recommender_round o ON o.id = t.round_id "
    "WHERE t.id = {row}.turn_id)"
)
OF_STATEMENT = (  # of a text, or what an end user said themself
    f"COALESCE({OF_TURN}, (SELECT e.catalog_id FROM recommender_enduser e WHERE e.id = {{row}}.end_user_id))"  # noqa: S608
)
OF_SNAPSHOT = "(SELECT o.catalog_id FROM recommender_knowledgesnapshot o WHERE o.id = {row}.knowledgesnapshot_id)"


@dataclass(frozen=True, slots=True)
class Watched:
    """A table, the stamp that its writes draw, and where its rows say their catalog.

    `columns`: those that answers are made from; all unless told. A change of others draws nothing.
    """

    table: str
    stamp: str
    catalog: str = OF_ROW
    columns: tuple[str, ...] = ()


WATCHED = (
    Watched("recommender_item", "items", columns=("external_id", "title", "attributes", "erased_at")),
    Watched(
        "recommender_backboneversion",
        "versions",
        columns=("number", "snapshot_id", "architecture", "artifact", "manifest_hash", "state"),
    ),
    Watched("recommender_rollout", "versions"),
    Watched("recommender_knowledge", "said"),
    Watched("recommender_knowledgesnapshot_knowledge", "said", OF_SNAPSHOT),
    Watched("recommender_statement", "said", OF_STATEMENT),
    Watched("recommender_scoredlist", "said"),
    Watched("recommender_scoringrun", "said", columns=("config", "metrics")),
    Watched(
        "recommender_round",
        "rounds",
        columns=("as_of", "strategy", "state", "rejected_index", "approved_index"),
    ),
    Watched("recommender_turn", "rounds", OF_ROUND),
    Watched("recommender_dispute", "rounds", OF_TURN),
)


def install(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the triggers, where the tables are those of this release. Doing it again changes nothing."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if STAMPS not in connection.introspection.table_names(cursor) or are_there(using):
            return
        _remove(connection, cursor)
        for statement in _MADE[connection.vendor]():
            cursor.execute(statement)
        drawn = ", ".join(_DRAWN[connection.vendor] for _ in COLUMNS)
        cursor.execute(
            f"INSERT INTO {STAMPS} (catalog_id, {', '.join(COLUMNS)}) SELECT c.id, {drawn} FROM {CATALOG} c "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM {STAMPS} s WHERE s.catalog_id = c.id)"
        )


def remove(using: str = DEFAULT_DB_ALIAS) -> None:
    """Take the triggers away, and all stamps, so that meanwhile nothing is kept by any process."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if STAMPS in connection.introspection.table_names(cursor):
            cursor.execute(f"DELETE FROM {STAMPS}")  # noqa: S608 - our own table
        _remove(connection, cursor)


def are_there(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether all are: without them nothing that is kept can be trusted. One query."""
    with connections[using].cursor() as cursor:
        return _names(connections[using].vendor) <= {name for name, _ in _there(connections[using], cursor)}


def _names(vendor: str) -> set[str]:
    tables = [CATALOG, *(one.table for one in WATCHED)]
    if vendor == "postgresql":
        return {f"{PREFIX}{table}" for table in tables}
    made = {f"{PREFIX}{table}_{how}" for table in tables[1:] for how in ("insert", "update", "delete")}
    return made | {f"{PREFIX}{CATALOG}"}


def _there(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> list[tuple[str, str]]:
    """Names of our triggers that are there, and of their tables."""
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid) AND t.tgname LIKE %s",
            [f"{PREFIX}%"],
        )
    else:
        cursor.execute(
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{PREFIX}%"]
        )
    return [(str(name), str(table)) for name, table in cursor.fetchall()]


def _remove(connection: BaseDatabaseWrapper, cursor: CursorWrapper) -> None:
    for name, table in _there(connection, cursor):
        cursor.execute(f'DROP TRIGGER "{name}"' + (f' ON "{table}"' if connection.vendor == "postgresql" else ""))


def _of_sqlite() -> list[str]:
    drawn = ", ".join(_DRAWN["sqlite"] for _ in COLUMNS)
    begin = f"INSERT INTO {STAMPS} (catalog_id, {', '.join(COLUMNS)}) VALUES (NEW.id, {drawn});"  # noqa: S608 - ours
    made = [f"CREATE TRIGGER {PREFIX}{CATALOG} AFTER INSERT ON {CATALOG} BEGIN {begin} END"]
    for one in WATCHED:
        for how, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            of = f" OF {', '.join(one.columns)}" if one.columns and how == "UPDATE" else ""
            draw = _draw(one, _DRAWN["sqlite"], one.catalog.format(row=row))
            name = f"{PREFIX}{one.table}_{how.lower()}"
            made.append(f"CREATE TRIGGER {name} AFTER {how}{of} ON {one.table} BEGIN {draw} END")
    return made


def _draw(one: Watched, drawn: str, catalog: str) -> str:
    return f"UPDATE {STAMPS} SET {one.stamp} = {drawn} WHERE catalog_id = {catalog};"  # noqa: S608 - names of our own


def _of_postgresql() -> list[str]:
    drawn = ", ".join(_DRAWN["postgresql"] for _ in COLUMNS)
    # The catalog may be gone by the end of the transaction, and a restored one brings its stamps.
    begin = f"""
        INSERT INTO {STAMPS} (catalog_id, {", ".join(COLUMNS)})
        SELECT made.id, {drawn} FROM {CATALOG} made
        WHERE made.id = NEW.id AND NOT EXISTS (SELECT 1 FROM {STAMPS} s WHERE s.catalog_id = NEW.id);
    """  # noqa: S608 - names of our own
    made = [_function(CATALOG, begin), _constraint(CATALOG, "INSERT")]
    for one in WATCHED:
        # Once a transaction is enough: nobody else has seen anything of it.
        body = f"""
            IF TG_OP = 'DELETE' THEN changed := OLD; ELSE changed := NEW; END IF;
            its_catalog := {one.catalog.format(row="changed")};
            mark := txid_current()::text || ':' || its_catalog::text;
            IF mark IS NULL OR current_setting('r4.{one.stamp}', true) = mark THEN RETURN NULL; END IF;
            {_draw(one, _DRAWN["postgresql"], "its_catalog")}
            PERFORM set_config('r4.{one.stamp}', mark, true);
        """
        of = f" OF {', '.join(one.columns)}" if one.columns else ""
        made += [_function(one.table, body), _constraint(one.table, f"INSERT OR DELETE OR UPDATE{of}")]
    return made


def _function(table: str, body: str) -> str:
    return f"""
        CREATE OR REPLACE FUNCTION {PREFIX}{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE changed record; its_catalog bigint; mark text;
        BEGIN {body} RETURN NULL; END $$
    """


def _constraint(table: str, events: str) -> str:
    return (
        f"CREATE CONSTRAINT TRIGGER {PREFIX}{table} AFTER {events} ON {table} "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {PREFIX}{table}()"
    )


_MADE = {"sqlite": _of_sqlite, "postgresql": _of_postgresql}


def before_migrations(*, using: str, **_: Any) -> None:
    remove(using)


def after_migrations(*, using: str, **_: Any) -> None:
    install(using)

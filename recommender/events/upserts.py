"""Items, end users and interactions by their own ids: made where there are none, else given what was sent.

What an entry names takes the place of what was there, `attributes` as a whole; what it does not name stays.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from recommender.catalogs.changes import changed, lock
from recommender.events import rows, values
from recommender.events.names import Names
from recommender.events.refusals import ERASED, Code, RefusedError, Rejected
from recommender.events.service import AT_ONCE, KEY
from recommender.models import Catalog, EndUser, Erasure, Interaction, Item, SubjectKind


@dataclass(slots=True)
class Written:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


Entries = Sequence[tuple[int, object]]  # each with its index
Described = dict[str, Any]  # columns of an item or end user
Read = dict[int, tuple[str, Described]]  # by index: the id, and what was sent of it
Write = Callable[[Catalog, Entries, Written], None]

UNIQUE = ("catalog_id", "external_id")
NO_TITLE = RefusedError(Code.MISSING_FIELD, "`title` is missing: the catalog does not have this item yet.")


def write_all(write: Write, catalog: Catalog, entries: Sequence[object]) -> Written:
    """All entries of a call, AT_ONCE in a transaction. What was written before a failure stays."""
    written, numbered = Written(), list(enumerate(entries))
    for first in range(0, len(numbered), AT_ONCE):
        with transaction.atomic():
            lock(catalog)
            write(catalog, numbered[first : first + AT_ONCE], written)
    written.rejected.sort(key=lambda one: one.index)
    return written


def items(catalog: Catalog, entries: Entries, written: Written) -> None:
    """Call it with the catalog's lock. An item that is new needs a title."""
    read = _read(entries, written, _item)
    known = _known(catalog, Item, SubjectKind.ITEM, read, written, columns=("title", "attributes"))
    if _save(catalog, Item, _merged(known, read, written), ("title", "attributes")):
        changed(catalog)


def end_users(catalog: Catalog, entries: Entries, written: Written) -> None:
    """Call it with the catalog's lock."""
    read = _read(entries, written, _end_user)
    known = _known(catalog, EndUser, SubjectKind.END_USER, read, written, columns=("attributes",))
    _save(catalog, EndUser, _merged(known, read, written), ("attributes",))


def interactions(
    catalog: Catalog, entries: Entries, written: Written, *, created: Written | None, now: datetime | None = None
) -> None:
    """Call it with the catalog's lock. The same end user, item and moment is the same interaction, as in an import.

    `created`: where end users that the catalog does not have are counted, who are added then; None: they are not.
    """
    now = now or timezone.now()
    read = _read(entries, written, lambda raw: _interaction(raw, catalog=catalog, now=now))
    names = Names.of(
        catalog, ((user_id, item_id) for user_id, item_id, *_ in read.values()), create=created is not None
    )
    if created is not None:
        created.created += names.created
    meant: dict[tuple[int, int, int], tuple[float | None, int | None]] = {}
    for index, (user_id, item_id, moment, *said) in read.items():
        try:
            key = (names.end_user(user_id), moment, names.item(item_id))
        except RefusedError as why:
            written.rejected.append(Rejected.of(index, why))
            continue
        written.unchanged += key in meant
        meant[key] = (said[0], said[1])
    columns = (*KEY, "rating", "label")
    new = rows.insert(Interaction, columns, [(*key, *said) for key, said in meant.items()], unique=KEY)
    known = rows.find(Interaction, columns, [key for key in meant if key not in new], unique=KEY)
    other = [(*row[:3], *meant[row[:3]]) for row in known if row[3:] != meant[row[:3]]]
    rows.upsert(Interaction, columns, other, unique=KEY)
    written.created += len(new)
    written.updated += len(other)
    written.unchanged += len(known) - len(other)
    if new or other:
        changed(catalog)


def _read(entries: Entries, written: Written, read: Callable[[object], Any]) -> dict[int, Any]:
    """By index, what could be read."""
    found = {}
    for index, raw in entries:
        try:
            found[index] = read(raw)
        except RefusedError as why:
            written.rejected.append(Rejected.of(index, why))
    return found


def _item(raw: object) -> tuple[str, dict[str, Any]]:
    given = values.entry(raw, known=("item_id", "title", "attributes"), needed=("item_id",))
    named = {"title": values.title(given["title"]) if "title" in given else ""}  # empty: it keeps the one it has
    return values.identifier(given["item_id"], "item_id"), named | _attributes(given)


def _end_user(raw: object) -> tuple[str, dict[str, Any]]:
    given = values.entry(raw, known=("user_id", "attributes"), needed=("user_id",))
    return values.identifier(given["user_id"], "user_id"), _attributes(given)


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"attributes": values.attributes(given["attributes"])} if "attributes" in given else {}


def _interaction(raw: object, *, catalog: Catalog, now: datetime) -> tuple[str, str, int, float | None, int | None]:
    known = ("user_id", "item_id", "rating", "label", "time", "order")
    given = values.entry(raw, known=known, needed=("user_id", "item_id"))
    user_id, item_id = values.identifier(given["user_id"], "user_id"), values.identifier(given["item_id"], "item_id")
    rating = values.rating(given["rating"], catalog, "rating") if "rating" in given else None
    label = values.label(given["label"]) if "label" in given else None
    order = values.order(given["order"]) if "order" in given else None
    if order is None and "time" not in given and catalog.ordered:
        raise RefusedError(Code.MISSING_FIELD, "`time` is missing: when it happened.")
    at = values.time(given["time"], now=now) if "time" in given else now
    return user_id, item_id, values.moment(catalog, user_id, item_id, at=at, order=order), rating, label


def _known(
    catalog: Catalog, table: type[Any], kind: SubjectKind, read: Read, written: Written, *, columns: Sequence[str]
) -> dict[str, Described]:
    """What the catalog has, by id. Entries about the erased are rejected and leave `read`."""
    asked = {external_id for external_id, _ in read.values()}
    keys = [(catalog.pk, external_id) for external_id in asked]
    there = rows.find(table, ("external_id", "erased_at", *columns), keys, unique=UNIQUE)
    known = {row[0]: _described(columns, row[2:]) for row in there if row[1] is None}
    erased = {row[0] for row in there if row[1] is not None}
    if missing := asked - known.keys() - erased:
        erased |= Erasure.objects.among(catalog, kind, missing)
    for index in [index for index, (external_id, _) in read.items() if external_id in erased]:
        written.rejected.append(Rejected.of(index, ERASED))
        del read[index]
    return known


def _merged(known: Mapping[str, Described], read: Read, written: Written) -> dict[str, Described]:
    """What has to be written, by id: what was there with what was sent over it, in the order of sending."""
    there, different = dict(known), dict[str, Described]()
    for index, (external_id, given) in read.items():
        before = there.get(external_id)
        if before is None and given.get("title") == "":
            written.rejected.append(Rejected.of(index, NO_TITLE))
            continue
        after = {**(before or {}), **{name: value for name, value in given.items() if value != ""}}
        if before is None:
            written.created += 1
        elif after != before:
            written.updated += 1
        else:
            written.unchanged += 1
            continue
        there[external_id] = different[external_id] = after
    return different


def _described(columns: Sequence[str], row: Sequence[Any]) -> Described:
    return {
        name: json.loads(value) if name == "attributes" else value for name, value in zip(columns, row, strict=True)
    }


def _save(catalog: Catalog, table: type[Any], meant: Mapping[str, Described], columns: Sequence[str]) -> bool:
    """Write it in one statement; whether there was anything."""
    listed = []
    for external_id, described in meant.items():
        attributes = json.dumps(described.get("attributes", {}))
        listed.append((catalog.pk, external_id, *([described["title"]] if "title" in columns else []), attributes))
    rows.upsert(table, (*UNIQUE, *columns), listed, unique=UNIQUE)
    return bool(listed)

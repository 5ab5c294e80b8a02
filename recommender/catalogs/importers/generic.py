"""Items, end users and interactions from CSV, JSON lines or Parquet, their columns named by a mapping."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recommender.catalogs.importers import movielens, values
from recommender.catalogs.importers.files import Source, files_in, some_names
from recommender.catalogs.importers.plan import CatalogDefaults, Context, Plan, Request, Row, Table
from recommender.catalogs.importers.records import Dialect, Records, file_format, open_records
from recommender.catalogs.importers.report import ImportFailedError
from recommender.catalogs.importers.values import BadValueError
from recommender.models import Clock

MOMENTS = ("timestamp", "timestamp_ms", "order")
READ_MOMENT = {"timestamp": values.seconds, "timestamp_ms": values.milliseconds, "order": values.order}
NO_ORDER = "No order is known: of each user's interactions none counts as the earlier one."
INTERACTION_FIELDS = ("user_id", "item_id", "rating", "label", *MOMENTS)
ITEM_FIELDS = ("item_id", "title")
END_USER_FIELDS = ("user_id",)
TABLES = ("items", "end_users", "interactions")
MOVIELENS_FILES: Mapping[str, Callable[[str], Row]] = {
    "movies.dat": movielens.item_1m,
    "u.item": movielens.item_100k,
    "users.dat": movielens.end_user_1m,
    "u.user": movielens.end_user_100k,
}


def plan(request: Request, *, form: str) -> Plan:
    """`request.path`: the interactions file, or a folder with items, end_users and interactions (any may be absent)."""
    _dialect(request).check()
    paths = _paths(request, form)
    items = end_users = interactions = None
    attributes: list[str] = []
    clock = Clock.SECONDS
    notes: list[str] = []
    if path := paths.get("items"):
        items, attributes = _items(path, request, form, notes)
    if path := paths.get("end_users"):
        end_users = _end_users(path, request, form, notes)
    if path := paths.get("interactions"):
        interactions, clock = _interactions(open_records(path, form, _dialect(request)), request, notes)
    defaults = CatalogDefaults(prompt_attributes=tuple(attributes), clock=clock)
    return Plan(defaults, items, end_users, interactions, notes=tuple(filter(None, notes)))


def _dialect(request: Request) -> Dialect:
    return Dialect(request.delimiter, request.escape, request.encoding)


def _paths(request: Request, form: str) -> dict[str, Path]:
    path = request.path or Path()
    paths: dict[str, Path] = {}
    if path.is_dir():
        for name, (file, _) in files_in(path).items():
            table = name.split(".")[0]
            if table in TABLES and file_format(file) == form:
                if table in paths:
                    raise ImportFailedError(f"{path} has both {paths[table].name} and {name}: keep one of them.")
                paths[table] = file
        if not paths:
            raise ImportFailedError(
                f"{path} has no items, end_users or interactions file that ends in .{form}; "
                f"it has {some_names(files_in(path))}."
            )
    else:
        paths["interactions"] = path
    chosen = {"items": request.items, "end_users": request.end_users}
    return paths | {table: file for table, file in chosen.items() if file}


def _columns(records: Records, mapping: Mapping[str, str], fields: tuple[str, ...], needed: str) -> dict[str, str]:
    """Field → column, of the fields that this file has. A column that was named must be there."""
    header = records.header()
    for field, column in mapping.items():
        if column and column not in header:
            raise ImportFailedError(
                f"{records.name} has no column {column!r} (mapped to {field}); it has {some_names(header)}."
            )
    columns = {field: mapping.get(field, field) for field in fields}
    columns = {field: column for field, column in columns.items() if column and column in header}
    if needed not in columns:
        raise ImportFailedError(
            f"{records.name} has no column {needed!r}; it has {some_names(header)}. Map it: {needed}=COLUMN."
        )
    return columns


def _interactions(records: Records, request: Request, notes: list[str]) -> tuple[Table, Clock]:
    mapping = request.columns
    for field in mapping:
        if field not in INTERACTION_FIELDS:
            raise ImportFailedError(f"Interactions have no field {field!r}; they have {', '.join(INTERACTION_FIELDS)}.")
    columns = _columns(records, mapping, INTERACTION_FIELDS, "user_id")
    if "item_id" not in columns:
        _columns(records, mapping, INTERACTION_FIELDS, "item_id")
    if "rating" not in columns and "label" not in columns:
        raise ImportFailedError(
            f"{records.name} has neither a rating nor a label column; it has {some_names(records.header())}. "
            "Name one with a map: rating=COLUMN or label=COLUMN."
        )
    moments = [field for field in MOMENTS if field in columns]
    if request.no_order:
        if moments:
            raise ImportFailedError(f"{records.name} has a column {columns[moments[0]]!r}: {_left_out(moments[0])}")
        notes.append(NO_ORDER)
        return records.table(partial(_interaction_rows, records, columns, "")), Clock.NONE
    if named := [field for field in moments if mapping.get(field)]:
        moments = named
    if len(moments) != 1:
        raise ImportFailedError(
            f"{records.name} has {' and '.join(moments) or 'no time'} columns; it has {some_names(records.header())}. "
            "Name one with a map: timestamp=COLUMN (seconds or ISO 8601), timestamp_ms=COLUMN or order=COLUMN. "
            "Where nothing says what came first, add --no-order."
        )
    parse = partial(_interaction_rows, records, columns, moments[0])
    return records.table(parse), Clock.ORDER if moments[0] == "order" else Clock.SECONDS


def _left_out(field: str) -> str:
    return f"leave --no-order out, or the column ({field}= in the map) if it does not say what came first."


def _interaction_rows(records: Records, columns: dict[str, str], moment: str, context: Context) -> Iterator[Row]:
    ratings = values.Ratings(context.rating_min, context.rating_max)
    read_moment = READ_MOMENT.get(moment)
    has_rating, has_label = "rating" in columns, "label" in columns
    picked = [
        columns["user_id"],
        columns["item_id"],
        columns["rating"] if has_rating else columns["user_id"],
        columns["label"] if has_label else columns["user_id"],
        columns[moment] if moment else columns["user_id"],
    ]
    identifier = values.identifier
    for line, (end_user, item, rating, label, when) in records.rows(picked, context):
        try:
            rated = has_rating and rating is not None and rating != ""
            labelled = has_label and label is not None and label != ""
            if not rated and not labelled:
                raise BadValueError("neither a rating nor a label")
            who, what = identifier(end_user, "end user"), identifier(item, "item")
            row = (
                line,
                who,
                what,
                ratings[str(rating)] if rated else None,
                values.label(label) if labelled else None,
                read_moment(when) if read_moment else values.by_chance(who, what),
            )
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield row


def _items(path: Path, request: Request, form: str, notes: list[str]) -> tuple[Table, list[str]]:
    """The table and the names of its attributes."""
    if read := MOVIELENS_FILES.get(path.name):
        return movielens.table(Source(path), read, notes), ["genres", "year"]
    records = open_records(path, file_format(path) or form, _dialect(request))
    columns = _columns(records, request.item_columns, ITEM_FIELDS, "item_id")
    if "title" not in columns:
        _columns(records, request.item_columns, ITEM_FIELDS, "title")
    attributes = _attribute_columns(records, request.item_columns, columns)
    parse = partial(_described_rows, records, columns, attributes, request.lists)
    return records.table(parse), list(attributes)


def _end_users(path: Path, request: Request, form: str, notes: list[str]) -> Table:
    if read := MOVIELENS_FILES.get(path.name):
        return movielens.table(Source(path), read, notes)
    records = open_records(path, file_format(path) or form, _dialect(request))
    columns = _columns(records, request.end_user_columns, END_USER_FIELDS, "user_id")
    attributes = _attribute_columns(records, request.end_user_columns, columns)
    return records.table(partial(_described_rows, records, columns, attributes, request.lists))


def _attribute_columns(records: Records, mapping: Mapping[str, str], columns: dict[str, str]) -> dict[str, str]:
    """Attribute → column: every other column under its own name, or the name that the mapping gives it."""
    renamed = {column: field for field, column in mapping.items() if column}
    left_out = {field for field, column in mapping.items() if not column}
    others = [name for name in records.header() if name and name not in columns.values() and name not in left_out]
    return {renamed.get(name, name): name for name in others}


def _described_rows(
    records: Records, columns: dict[str, str], attributes: dict[str, str], lists: tuple[str, ...], context: Context
) -> Iterator[Row]:
    """Items (id, title, attributes) or end users (id, attributes)."""
    what = "item" if "title" in columns else "end user"
    read = _from_text if records.text_only else _as_it_is
    known = len(columns)
    for line, row in records.rows([*columns.values(), *attributes.values()], context):
        try:
            key = (values.identifier(row[0], what), *map(values.title, row[1:known]))
            pairs = ((name, read(raw, name in lists)) for name, raw in zip(attributes, row[known:], strict=False))
            ready = (line, *key, values.attributes(pairs))
        except BadValueError as bad:
            context.reject(line, bad.reason, bad.found)
        else:
            yield ready


def _as_it_is(raw: Any, _is_list: bool) -> Any:
    return raw


def _from_text(text: str, is_list: bool) -> Any:
    """A CSV attribute: "Drama|War" is a list, and so is "Drama" in a column of lists."""
    if is_list or "|" in text:
        return text.split("|")
    return values.number_or_text(text.strip())

"""What a format hands to the loader: where rows come from and what the catalog should look like.

Rows are plain tuples, in the order of the staging tables' columns:

    item         (line, external id, title, attributes as JSON text)
    end user     (line, external id, attributes as JSON text)
    interaction  (line, end user's external id, item's external id, rating, label, moment)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recommender.catalogs.importers.report import ImportFailedError
from recommender.models import Clock

Row = tuple[Any, ...]
Reject = Callable[[int, str, object], None]  # line, reason, what stood there


@dataclass(frozen=True, slots=True)
class Context:
    """What a parser needs to know while it reads."""

    rating_min: float
    rating_max: float
    reject: Reject


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind. `parse` streams them; `done` of `size` says how far it is, in the same unit."""

    name: str
    parse: Callable[[Context], Iterator[Row]]
    size: int
    done: Callable[[], int]


@dataclass(frozen=True, slots=True)
class CatalogDefaults:
    """A new catalog's settings where the caller names no others."""

    item_noun: str = "item"
    rating_min: float = 1.0
    rating_max: float = 5.0
    like_threshold: float = 3.0
    prompt_attributes: tuple[str, ...] = ()
    clock: Clock = Clock.SECONDS


@dataclass(frozen=True, slots=True)
class Plan:
    """A table that is None is not part of this import: its rows must already be in the catalog, or, for end users,
    are made from the interactions."""

    defaults: CatalogDefaults
    items: Table | None = None
    end_users: Table | None = None
    interactions: Table | None = None
    notes: tuple[str, ...] = ()  # what the report should say of how the files are read


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller asks for. Maps are field → column name; an empty column name means "there is none"."""

    path: Path | None = None
    items: Path | None = None
    end_users: Path | None = None
    columns: dict[str, str] = field(default_factory=dict)
    item_columns: dict[str, str] = field(default_factory=dict)
    end_user_columns: dict[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ("genres", "categories", "tags")  # attributes whose CSV text is a list, a|b
    delimiter: str = ""
    escape: str = ""
    encoding: str = ""
    no_order: bool = False  # of interactions without a time: none is claimed

    def require_only(self, form: str, *used: str) -> None:
        """Say so instead of ignoring what a format has no use for."""
        options = {
            "path": "PATH",
            "items": "--items",
            "end_users": "--end-users",
            "columns": "--map",
            "item_columns": "--item-map",
            "end_user_columns": "--end-user-map",
            "delimiter": "--delimiter",
            "escape": "--escape",
            "encoding": "--encoding",
            "no_order": "--no-order",
        }
        useless = [option for name, option in options.items() if getattr(self, name) and name not in used]
        if useless:
            raise ImportFailedError(f"--format {form} has no use for {', '.join(useless)}: leave it out.")

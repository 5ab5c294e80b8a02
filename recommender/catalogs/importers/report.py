"""What an import did: totals, what changed, and what was rejected and why."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

EXAMPLES_OF_REASON = 5  # rejections kept word for word; the rest is counted, so that memory stays flat
EXAMPLES = 100
LONGEST_QUOTE = 60
Progress = Callable[[str, int, int], None]  # step, how much is done, of how much (0: not known)


class ImportFailedError(Exception):
    """Nothing was imported. The message is one sentence for the person who asked."""

    def __init__(self, message: str, report: "Report | None" = None) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that was left out. `line` counts from 1, the header included; in Parquet it is the row's number."""

    file: str
    line: int
    reason: str
    found: str = ""

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.reason}" + (f": {self.found}" if self.found else "")


@dataclass(slots=True)
class Changes:
    """Rows of one kind: `total` in the catalog now, and what this import made of the rows it accepted."""

    total: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class Report:
    catalog: str
    items: Changes = field(default_factory=Changes)
    end_users: Changes = field(default_factory=Changes)
    interactions: Changes = field(default_factory=Changes)
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Rejection] = field(default_factory=list)
    filtered: dict[str, int] = field(default_factory=dict)  # kind → rows that k-core filtering left out
    settings_changed: dict[str, str] = field(default_factory=dict)  # setting → "old → new"
    notes: tuple[str, ...] = ()  # how files were read, where that is no matter of course
    catalog_created: bool = False
    seconds: float = 0.0
    log: TextIO | None = None  # every rejection goes there as a JSON line

    def reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        reason = f"{rejection.file}: {rejection.reason}"
        self.reasons[reason] += 1
        if self.reasons[reason] <= EXAMPLES_OF_REASON and len(self.examples) < EXAMPLES:
            self.examples.append(rejection)
        if self.log:
            self.log.write(json.dumps(asdict(rejection)) + "\n")

    def to_json(self) -> dict[str, Any]:
        kinds = {"items": self.items, "end_users": self.end_users, "interactions": self.interactions}
        return {
            "catalog": self.catalog,
            "catalog_created": self.catalog_created,
            "settings_changed": self.settings_changed,
            **{kind: changes.total for kind, changes in kinds.items()},
            **{
                what: {kind: getattr(changes, what) for kind, changes in kinds.items()}
                for what in ("created", "updated", "unchanged")
            },
            "filtered": self.filtered,
            "notes": list(self.notes),
            "rejected": self.rejected,
            "rejected_by_reason": dict(self.reasons.most_common()),
            "rejections": [asdict(rejection) for rejection in self.examples],
            "seconds": round(self.seconds, 3),
        }


def quote(found: object) -> str:
    """What stood in the file, short and printable in any terminal."""
    if found in ("", None):
        return ""
    text = ascii(found if isinstance(found, str) else str(found))
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"

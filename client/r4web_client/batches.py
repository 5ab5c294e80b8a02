"""Any number of entries in calls of a size that the server takes, and what became of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from r4web_client.answers import Imported, Line, Rejected
from r4web_client.calls import encoded
from r4web_client.errors import R4WebError

MOST_ENTRIES = 10_000  # of one call
MOST_BYTES = 16 * 2**20 - 1_000  # of one call's body, without its brackets
COUNTS = ("created", "updated", "unchanged")


@dataclass(slots=True)
class Report:
    """What became of the entries. `sent`: how many the server has answered. Indexes in `rejected` count from 0 in all
    that was given. Of events `accepted` and `duplicates`, of items and users `created`, `updated` and `unchanged`."""

    sent: int = 0
    calls: int = 0
    accepted: int = 0
    duplicates: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, answer: Mapping[str, Any], entries: int) -> None:
        for name in ("accepted", "duplicates", *COUNTS):
            setattr(self, name, getattr(self, name) + answer.get(name, 0))
        self.rejected += [
            {"index": each["index"] + self.sent, "code": each["code"], "detail": each["detail"]}
            for each in answer["rejected"]
        ]
        self.sent += entries
        self.calls += 1


@dataclass(slots=True)
class LinesReport:
    """What became of the lines of an import; `errors` has the first 100 of each call, by line from 1 in all."""

    lines: int = 0
    calls: int = 0
    items: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    users: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    interactions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected: int = 0
    errors: list[Line] = field(default_factory=list)

    def add(self, answer: Imported) -> None:
        for counted, came in (
            (self.items, answer["items"]),
            (self.users, answer["users"]),
            (self.interactions, answer["interactions"]),
        ):
            counted.update(
                created=counted["created"] + came["created"],
                updated=counted["updated"] + came["updated"],
                unchanged=counted["unchanged"] + came["unchanged"],
            )
        self.errors += [
            {"line": each["line"] + self.lines, "code": each["code"], "detail": each["detail"]}
            for each in answer["errors"]
        ]
        self.rejected += answer["rejected"]
        self.lines += answer["lines"]
        self.calls += 1


class PartlySentError(R4WebError):
    """A call of several failed for good. `report` says what became of those before it; what follows was not sent, and
    of the failed call itself some may be stored: send everything again, or from entry `report.sent` on. Both are safe.
    """

    def __init__(self, report: Report | LinesReport, why: R4WebError) -> None:
        done = report.sent if isinstance(report, Report) else report.lines
        super().__init__(f"{done:,} entries were sent, then: {why}")
        self.report = report


def parts(
    entries: Iterable[Mapping[str, Any]],
) -> Iterator[list[bytes]]:
    """Entries as JSON, as many together as one call may hold. One that is too large by itself goes alone."""
    part: list[bytes] = []
    size = 0
    for entry in entries:
        made = encoded(entry)
        if part and (len(part) == MOST_ENTRIES or size + len(made) + 1 > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(made)
        size += len(made) + 1
    if part:
        yield part

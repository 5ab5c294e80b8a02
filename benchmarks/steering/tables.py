"""Measured rows as a table on the terminal."""

from collections.abc import Mapping
from typing import Any


def show(title: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """One line for each row; all rows have the same columns."""
    print(f"\n{title}")
    if not rows:
        return
    columns = list(next(iter(rows.values())))
    width = max(map(len, rows))
    table = [[column.replace("_", " ") for column in columns]]
    table += [[_shown(row[column]) for column in columns] for row in rows.values()]
    widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
    for name, line in zip(["", *rows], table, strict=True):
        print(name.ljust(width), *(cell.rjust(size) for cell, size in zip(line, widths, strict=True)), sep="  ")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)

"""What an evaluation under way has scored: a file with a line for each block, so that one that was stopped goes on.

Lines have numbers only: primary keys of ratings or traces, scores, measures. The file goes when the run is done, when
somebody of the catalog is erased, and when what the lines stand on has changed.
"""

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from recommender.models import Catalog, ScoringRun

_PREFIX = ".evaluation-"


class Kept:
    """The lines of a run's file. `about`: all that they stand on; lines that stand on something else are dropped."""

    def __init__(self, run: ScoringRun, about: str) -> None:
        self.path = _path(run)
        self.lines: list[dict[str, Any]] = []
        if self.path.is_file():
            self.lines = [line for line in map(_read, self.path.read_text().splitlines()) if line is not None]
        if not self.lines or self.lines[0] != {"about": about}:
            self.lines = [{"about": about}]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")  # without a line that was cut off
        part.write_text("".join(f"{json.dumps(line)}\n" for line in self.lines))
        part.replace(self.path)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The lines that have this key."""
        return [line for line in self.lines if kind in line]

    def add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        with self.path.open("a") as file:
            file.write(f"{json.dumps(line)}\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def has_scored(run: ScoringRun) -> bool:
    """Whether anything is kept of an evaluation that did not end well."""
    path = _path(run)
    return path.is_file() and path.read_text().count("\n") > 1  # behind what the lines stand on


def clear_of(catalog: Catalog) -> None:
    """Remove what the catalog's evaluations under way have kept: they begin again."""
    for path in _folder(catalog).glob(f"{_PREFIX}*"):
        path.unlink(missing_ok=True)


def _path(run: ScoringRun) -> Path:
    return _folder(run.catalog) / f"{_PREFIX}{run.pk}.jsonl"


def _folder(catalog: Catalog) -> Path:
    return Path(settings.VAR_DIR) / "thinkrec" / catalog.name


def _read(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found

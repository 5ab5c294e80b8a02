"""What, how far, how long: one line in place on a terminal, else a new line now and then. Standard library only."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

IN_PLACE_EVERY = 0.2  # seconds
LINE_EVERY = 10.0


class Progress:
    """One step. Use as `with Progress("Import") as progress: … progress.show("3 of 10")`."""

    def __init__(self, what: str, *, out: TextIO | None = None) -> None:
        self.what = what
        self.out = out or sys.stdout
        self.in_place = self.out.isatty()
        self.how_far = ""
        self._begun = time.monotonic()
        self._shown = 0.0

    def __enter__(self) -> Self:
        self._print("…")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._print("… done," if kind is None else "… stopped after")
        if self.in_place:
            self.out.write("\n")

    def show(self, how_far: str) -> None:
        self.how_far = how_far
        if time.monotonic() - self._shown >= (IN_PLACE_EVERY if self.in_place else LINE_EVERY):
            self._print("…")

    def _print(self, state: str) -> None:
        self._shown = time.monotonic()
        far = f"{self.how_far}, " if self.how_far else ""
        line = f"{self.what} {state} {far}{self._shown - self._begun:.0f} s"
        self.out.write(f"\r\033[K{line}" if self.in_place else f"{line}\n")
        self.out.flush()

"""What, how far, how long: one line in place on a terminal, else a new line now and then.

Standard library only: the installer shows its steps before anything else is there.
"""

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TextIO

IN_PLACE_EVERY = 0.2  # seconds
LINE_EVERY = 10.0
ESTIMATE_AFTER = 5.0  # seconds, before which the time that is left is not said


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

    def count(self, done: int, of: int, note: str = "") -> None:
        """Show `done` of `of`, where there are several, and how long the rest will take at the same pace."""
        parts = [f"{done:,} of {of:,}"] if of > 1 else []
        seconds = time.monotonic() - self._begun
        if 0 < done < of and seconds > ESTIMATE_AFTER:
            parts.append(f"about {(of - done) * seconds / done:.0f} s left")
        self.show(", ".join([*parts, *([note] if note else [])]))

    def say(self, text: str) -> None:
        """Write a line that stays, above the one in place."""
        self.out.write(f"\r\033[K{text}\n" if self.in_place else f"{text}\n")
        self._shown = 0.0 if self.in_place else self._shown  # shown again at the next occasion
        self.out.flush()

    def _print(self, state: str) -> None:
        self._shown = time.monotonic()
        far = f"{self.how_far}, " if self.how_far else ""
        line = f"{self.what} {state} {far}{self._shown - self._begun:.0f} s"
        if self.in_place:  # a line that wraps could not be written over
            line = f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}"
        self.out.write(line if self.in_place else f"{line}\n")
        self.out.flush()


class Stages(ExitStack):
    """Steps of which each begins when it is first shown, and ends when the next one begins.

    `words`: what a stage is called. Use as `with Stages() as stages: … stages.at("reading", 3, 10)`.
    """

    def __init__(self, *, words: Callable[[str], str] = str, out: TextIO | None = None) -> None:
        super().__init__()
        self.words, self.out = words, out
        self.stage = ""
        self.step: Progress | None = None

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        if self.step is None or stage != self.stage:
            self.close()
            self.stage, self.step = stage, self.enter_context(Progress(self.words(stage), out=self.out))
        self.step.count(done, of, note)

    def say(self, text: str) -> None:
        """Write a line that stays. Call once a stage has begun."""
        if self.step is not None:
            self.step.say(text)

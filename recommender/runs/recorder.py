"""What a run is doing, written into its row: what the browser shows, and the worker's sign of life."""

import time
from typing import Any

from recommender.models import Run
from recommender.runs import leases
from recommender.runs.observer import Epoch, Observer, Quiet

WRITE_EVERY = 1.0  # seconds


class Recorder:
    """An Observer that keeps `Run.progress` and the lease up to date, about once a second, and tells another one.

    progress: {"attempt", "stage", "done", "of", "note", "epochs": [observer.Epoch as JSON, …]}
    """

    def __init__(self, run: Run, also: Observer | None = None) -> None:
        self.run, self.also = run, also or Quiet()
        self.progress: dict[str, Any] = {**run.progress, "epochs": []}
        self.written = 0.0

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        changed = self.progress.get("stage") != stage
        self.progress.update(stage=stage, done=done, of=of, note=note)
        self.also.at(stage, done, of, note)
        self._write(now=changed)

    def alive(self) -> None:
        self.also.alive()
        self._write(now=False)

    def epoch(self, epoch: Epoch) -> None:
        self.progress["epochs"].append(epoch.to_json())
        self.also.epoch(epoch)
        self._write(now=True)

    def _write(self, *, now: bool) -> None:
        if not now and time.monotonic() - self.written < WRITE_EVERY:
            return
        leases.renew(self.run, self.progress)
        self.written = time.monotonic()

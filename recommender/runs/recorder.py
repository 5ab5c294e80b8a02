"""What a run is doing, written into its row: what the browser shows, and the worker's sign of life."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from recommender.models import Run
from recommender.runs import leases

if TYPE_CHECKING:
    from recommender.runs.observer import Epoch, Observer

LEASE = timedelta(seconds=300)  # longer than any stretch without a sign of life: loading an encoder, exporting
WRITE_EVERY = 1.0  # seconds


class Recorder:
    """An Observer that keeps `Run.progress` and the lease up to date, about once a second.

    progress: {"attempt", "stage", "done", "of", "epochs": [observer.Epoch as JSON, …]}
    """

    def __init__(self, run: Run, also: "Observer | None" = None) -> None:
        self.run, self.also = run, also
        self.progress: dict[str, Any] = {**run.progress, "epochs": []}
        self.written = 0.0

    def at(self, stage: str, done: int, of: int) -> None:
        changed = self.progress.get("stage") != stage
        self.progress.update(stage=stage, done=done, of=of)
        if self.also:
            self.also.at(stage, done, of)
        self._write(now=changed)

    def alive(self) -> None:
        if self.also:
            self.also.alive()
        self._write(now=False)

    def epoch(self, epoch: "Epoch") -> None:
        self.progress["epochs"].append(epoch.to_json())
        if self.also:
            self.also.epoch(epoch)
        self._write(now=True)

    def _write(self, *, now: bool) -> None:
        if not now and time.monotonic() - self.written < WRITE_EVERY:
            return
        leases.renew(self.run, self.progress, lease=LEASE)
        self.written = time.monotonic()

"""Commands that carry a run out in their own process, without a worker."""

import sys

from recommender.models import RunState
from recommender.progress import Stages
from recommender.runs import service
from recommender.runs.kinds import AnyRun, kind_of
from recommender.runs.observer import Epoch


def carry_out_here(run: AnyRun, carry_out: service.CarryOut[AnyRun], *, resumes: bool = False) -> None:
    """Carry a run out with its stages on stderr, and read its row again. Ctrl-C cancels it.

    `resumes`: whether the command has --resume, to go on with what is there by then.
    """
    kind = kind_of(run)
    try:
        with ShownStages(words=kind.words, out=sys.stderr) as shown:
            service.run(kind, run.pk, carry_out, observer=shown)
    except KeyboardInterrupt:
        service.cancel(run)
        goes_on = f" `--resume {run.pk}` goes on where it was." if resumes else ""
        sys.stderr.write(f"The {kind_of(run).label} is cancelled.{goes_on}\n")
        raise
    run.refresh_from_db()


def why_not_done(run: AnyRun) -> str:
    """One sentence; empty where the run is done."""
    if run.state == RunState.DONE:
        return ""
    if run.state == RunState.WAITING:  # an erasure, or somebody who resumed it, took it from this process
        return f"The {kind_of(run).label} begins again: it waits for a worker, without what was erased meanwhile."
    if run.state in service.UNFINISHED:
        return f"A worker is at the {kind_of(run).label} already."
    return run.error or f"The {kind_of(run).label} ended as {run.state}."


class ShownStages(Stages):
    """An Observer that shows stages, and a line for each epoch."""

    def alive(self) -> None:
        pass

    def epoch(self, epoch: Epoch) -> None:
        valid = epoch.valid
        auc = "–" if valid.auc is None else f"{valid.auc:.4f}"
        self.say(
            f"epoch {epoch.number}/{epoch.of}: loss {epoch.train_loss:.4f}, valid AUC {auc}, "
            f"LogLoss {valid.logloss:.4f}, {epoch.samples_per_second:,.0f} samples/s"
        )

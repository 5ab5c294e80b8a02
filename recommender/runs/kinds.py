"""The kinds of runs: everything in which two kinds of long computations differ, but for the computation itself.

What carries a kind out is named in `worker.tasks`, which may import from everywhere. A new kind is a table that
inherits from `models.Run` and has a catalog, an entry here, and the function that carries it out in `worker.tasks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from recommender.jobs import Job, Queue
from recommender.models import (
    Evaluation,
    Examination,
    Grouping,
    Run,
    RunState,
    ScoringRun,
    ThinkrecRun,
    TrainingRun,
    TuningRun,
)

AnyRun = TypeVar("AnyRun", bound=Run)

FIVE_MINUTES = timedelta(minutes=5)  # longer than any stretch without a sign of life: loading an encoder, exporting


@dataclass(frozen=True)
class Kind(Generic[AnyRun]):
    """One kind of runs.

    `job`: the message that names a run to a worker; kwargs: run_id: int. `lease`: how long a worker may be silent
    before its run counts as lost. `label` names one run in a sentence. `failed`: what is said before an unexpected
    error. `stages`: words for the stages that a run tells its observer; one without words is shown as it is told.
    """

    name: str
    table: type[AnyRun]
    job: Job
    lease: timedelta
    label: str
    failed: str
    stages: Mapping[str, str] = field(default_factory=dict)

    def words(self, stage: str) -> str:
        return self.stages.get(stage) or stage[:1].upper() + stage[1:]


READ = {"reading": "Reading ratings", "encoding": "Reading texts"}

TRAINING = Kind(
    name="training",
    table=TrainingRun,
    job=Job("backbone.train", Queue.TRAINING),
    lease=FIVE_MINUTES,
    label="training run",
    failed="Training stopped at an unexpected error.",
    stages={
        **READ,
        "without_knowledge": "Training without texts",
        "with_knowledge": "Training with texts",
        "exporting": "Exporting and checking",
    },
)
EXAMINATION = Kind(
    name="examination",
    table=Examination,
    job=Job("backbone.examine", Queue.TRAINING),
    lease=FIVE_MINUTES,
    label="examination",
    failed="The gates could not be measured.",
    stages={"gates": "Checking", "lists": "Comparing lists"},
)
TUNING = Kind(
    name="tuning",
    table=TuningRun,
    job=Job("adapter.tune", Queue.TRAINING),
    lease=timedelta(minutes=15),  # loading a large model shows no sign of life
    label="tuning run",
    failed="Tuning stopped at an unexpected error.",
    stages={"loading": "Loading the model", "tuning": "Tuning"},
)
THINKREC = Kind(
    name="thinkrec",
    table=ThinkrecRun,
    job=Job("thinkrec.tune", Queue.TRAINING),
    lease=timedelta(minutes=15),  # loading a large model shows no sign of life
    label="ThinkRec tuning",
    failed="Tuning ThinkRec stopped at an unexpected error.",
    stages={
        "reading": "Reading ratings",
        "loading": "Loading the model",
        "global": "Tuning for everybody",
        "projector": "Training the projector",
    },
)
EVALUATION = Kind(
    name="evaluation",
    table=Evaluation,
    job=Job("catalog.evaluate", Queue.TRAINING),
    lease=FIVE_MINUTES,
    label="evaluation",
    failed="The evaluation stopped at an unexpected error.",
    stages=READ,
)
SCORING = Kind(
    name="scoring",
    table=ScoringRun,
    job=Job("thinkrec.score", Queue.TRAINING),
    lease=timedelta(minutes=15),  # loading a large model shows no sign of life
    label="scoring run",
    failed="Scoring stopped at an unexpected error.",
    stages={
        "loading": "Loading the model",
        "calibrating": "Comparing scores with what people liked",
        "scoring": "Scoring lists",
        "reading": "Reading ratings",
        "rating": "Scoring what was liked or not",
        "explaining": "Writing explanations",
    },
)
GROUPING = Kind(
    name="grouping",
    table=Grouping,
    job=Job("catalog.group", Queue.TRAINING),
    lease=FIVE_MINUTES,
    label="grouping",
    failed="Making groups stopped at an unexpected error.",
    stages={**READ, "fitting": "Learning who likes the same", "grouping": "Making groups"},
)

KINDS: Mapping[str, Kind[Any]] = {
    kind.name: kind for kind in (TRAINING, EXAMINATION, TUNING, THINKREC, EVALUATION, SCORING, GROUPING)
}


def kind_of(run: AnyRun) -> Kind[AnyRun]:
    return next(kind for kind in KINDS.values() if isinstance(run, kind.table))


@dataclass(frozen=True, slots=True)
class Stage:
    """What a run is at, in words, and how far; `of` is 0 where that is not known."""

    label: str
    done: int
    of: int


def stage_of(run: Run) -> Stage:
    kind, progress = kind_of(run), run.progress
    if run.state == RunState.WAITING:
        return Stage(f"Waiting for a {kind.job.queue} worker", 0, 0)
    label = kind.words(progress.get("stage", "")) or "Starting"
    return Stage(label, progress.get("done", 0), progress.get("of", 0))

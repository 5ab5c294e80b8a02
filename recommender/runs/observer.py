"""How a run tells what it is doing, to a row in the database or a terminal."""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from recommender.measures.scores import Scores

WITH, WITHOUT = "with_knowledge", "without_knowledge"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One finished epoch. `model`: WITH or WITHOUT; `valid`: its scores on the valid part."""

    model: str
    number: int
    of: int
    train_loss: float
    valid: Scores
    samples_per_second: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Observer(Protocol):
    """Called often, so cheap. Each may raise StoppedError: the run was cancelled, or is no longer this worker's."""

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        """`done` of `of` steps of a stage are finished; `runs.kinds` has words for stages. `note`: a few words more."""

    def alive(self) -> None:
        """Still computing, with nothing new to say."""

    def epoch(self, epoch: Epoch) -> None: ...


class Quiet:
    """An observer that nobody reads: of a process that helps another."""

    def at(self, stage: str, done: int, of: int, note: str = "") -> None:
        pass

    def alive(self) -> None:
        pass

    def epoch(self, epoch: Epoch) -> None:
        pass

"""How to tune: R4ec's settings as defaults (METHODS.md 1.4)."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from recommender.runs.errors import CannotRunError

TunedRole = Literal["actor", "reflector"]
TunedSubjects = Literal["end-users", "items", "all"]
SETS_OF: dict[TunedRole, tuple[str, ...]] = {"actor": ("reason", "refine"), "reflector": ("reflect",)}


class CannotTuneError(CannotRunError):
    """Nothing can be tuned on what was asked for."""


@dataclass(frozen=True, slots=True)
class TuneConfig:
    """One adapter's settings. Raises ValueError for values that cannot work.

    `base`: a folder or hub name that transformers loads. `cutoff`: tokens of prompt and answer; longer rows are left
    out. `validation`: the share of subjects held out. `batch_size`: rows of one optimizer step, computed `micro_batch`
    at a time: what fits in memory, without any effect on the result. `warm_up`: the share of optimizer steps.
    `merge`: also save base and adapter as one model, for servers that take no adapters.
    """

    base: str
    subjects: TunedSubjects = "all"
    rank: int = 8
    alpha: int = 16
    dropout: float = 0.0
    learning_rate: float = 1e-4
    epochs: int = 3
    batch_size: int = 16
    micro_batch: int = 4
    warm_up: float = 0.1
    cutoff: int = 2048
    validation: float = 0.05
    seed: int = 0
    threads: int = 1
    merge: bool = False

    def __post_init__(self) -> None:
        rules = (
            ("subjects", self.subjects in get_args(TunedSubjects), f"one of {', '.join(get_args(TunedSubjects))}"),
            ("learning_rate", 0 < self.learning_rate < 1, "above 0 and below 1"),
            ("dropout", 0 <= self.dropout < 1, "at least 0 and below 1"),
            ("warm_up", 0 <= self.warm_up < 1, "at least 0 and below 1"),
            ("validation", 0 < self.validation <= 0.5, "above 0 and at most 0.5"),
            ("cutoff", self.cutoff >= 16, "at least 16"),
            *(
                (name, getattr(self, name) >= 1, "at least 1")
                for name in ("rank", "alpha", "epochs", "batch_size", "micro_batch", "threads")
            ),
        )
        for name, holds, expected in rules:
            if not holds:
                raise ValueError(f"{name} must be {expected}; it is {getattr(self, name)!r}.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

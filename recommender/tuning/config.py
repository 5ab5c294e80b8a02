"""How to tune: R4ec's settings as defaults (METHODS.md 1.4)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from recommender.rounds.config import SUBJECTS, Subjects
from recommender.runs.errors import CannotRunError
from recommender.setting import OneOf, Settings

TunedRole = Literal["actor", "reflector"]
HalfPrecision = Annotated[
    bool,
    Field(
        title="Half precision",
        description="Weights and products in bfloat16, as a GPU always has them: several times as fast on a processor "
        "with AMX, and slower on others.",
    ),
]
SETS_OF: dict[TunedRole, tuple[str, ...]] = {"actor": ("reason", "refine"), "reflector": ("reflect",)}


class CannotTuneError(CannotRunError):
    """Nothing can be tuned on what was asked for."""


class TuneConfig(Settings):
    """One adapter's settings."""

    of: ClassVar = "tuning"

    base: str = Field(
        title="Base",
        description="A folder or hub name that transformers loads, smollm2, or a .gguf file; with a chat template.",
    )
    subjects: Annotated[Subjects, OneOf(SUBJECTS)] = Field(
        default="all", title="Subjects", description="Whose rows it learns."
    )
    rank: int = Field(default=8, gt=0, title="Rank", description="LoRA's.")
    alpha: int = Field(default=16, gt=0, title="Alpha", description="LoRA's.")
    dropout: float = Field(default=0.0, ge=0, lt=1, title="Dropout", description="LoRA's.")
    learning_rate: float = Field(default=1e-4, gt=0, lt=1, title="Learning rate")
    epochs: int = Field(default=3, gt=0, title="Epochs")
    batch_size: int = Field(default=16, gt=0, title="Batch size", description="Rows of one optimizer step.")
    micro_batch: int = Field(
        default=4,
        gt=0,
        title="Micro-batch",
        description="Rows computed at once: what fits in memory, with no effect on the result.",
    )
    warm_up: float = Field(default=0.1, ge=0, lt=1, title="Warm-up", description="The share of optimizer steps.")
    cutoff: int = Field(
        default=2048, ge=16, title="Cutoff", description="Tokens of prompt and answer; longer rows are left out."
    )
    validation: float = Field(
        default=0.05, gt=0, le=0.5, title="Validation", description="The share of subjects held out."
    )
    seed: int = Field(default=0, title="Seed")
    threads: int = Field(default=1, gt=0, title="Threads", description="That torch computes on.")
    half_precision: HalfPrecision = False
    merge: bool = Field(
        default=False,
        title="Merge",
        description="Also save base and adapter as one model, for servers that take no adapters.",
    )

"""How to tune ThinkRec: the published settings as defaults (METHODS.md 2.5), and what differs from them.

On purpose otherwise than published: the learning rate falls by optimizer steps, so that it ends at its floor however
many epochs there are, and in stage 3 it falls from its peak too, where the released code lets it rise.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from recommender.dataset.named import ALONE, GIVEN
from recommender.runs.errors import CannotRunError
from recommender.setting import Choice, OneOf, Settings
from recommender.thinkrec.ablation import Without, left_out
from recommender.tuning.config import HalfPrecision

ADAPTER, PROJECTOR, GROUPS = "adapter", "projector", "groups"  # folders of what is made
StageName = Literal["global", "projector", "groups"]
STAGES: Mapping[str, Choice] = {
    "global": Choice("Global", "one adapter for everybody, on texts alone"),
    "projector": Choice("Projector", "after it what turns collaborative vectors into tokens"),
    "groups": Choice("Groups", "after the global one an adapter for each group of end users"),
    "all": Choice("All", "global, projector and groups"),
    "new-groups": Choice("New groups", "an adapter for each group that an earlier run has none for, and no other"),
}
STAGES_OF: Mapping[str, tuple[StageName, ...]] = {
    "global": ("global",),
    "projector": ("global", "projector"),
    "groups": ("global", "groups"),
    "all": ("global", "projector", "groups"),
    "new-groups": ("global", "groups"),
}
PART_OF: Mapping[StageName, str] = {"projector": "vectors", "groups": "experts"}  # by what an ablation calls it
TARGETS: Mapping[str, Choice] = {
    "query-value": Choice("Query and value", "as published"),
    "attention": Choice("Attention", "query, key, value and output"),
    "all-linear": Choice("All", "every linear layer but the output"),
}
MODULES_OF: Mapping[str, tuple[str, ...] | str] = {
    "query-value": ("q_proj", "v_proj"),
    "attention": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "all-linear": "all-linear",
}
TAGS: Mapping[str, Choice] = {
    "first_try": Choice("first try", "the model found the label by itself"),
    "hinted": Choice("hinted", "the model was told that it had been wrong"),
    "human": Choice("human", "a person wrote or changed it"),
}


class CannotTuneThinkrecError(CannotRunError):
    """Nothing can be tuned on what was asked for."""


def expert_name(adapter: str, group: str) -> str:
    """What a group's adapter is called where it is served, given what the global one is called."""
    return f"{adapter}-{group}"


def _weight(title: str, default: float, description: str) -> float:
    return Field(default=default, ge=0, le=1, title=title, description=description)


class ThinkrecConfig(Settings):
    """One tuning's settings."""

    of: ClassVar = "ThinkRec tuning"

    base: str = Field(title="Base", description="smollm2, a GGUF, or a folder or hub name that transformers loads.")
    stage: Annotated[str, OneOf(STAGES)] = Field(
        default="global", title="Stage", description="What is tuned; the global adapter first, unless a run has it."
    )
    split: Annotated[str, OneOf(ALONE, GIVEN)] = Field(
        default="global-time", title="Split", description="Its train part is learnt, its valid part chooses."
    )
    without: Without = ()
    traces: tuple[Annotated[str, OneOf(TAGS)], ...] = Field(
        default=tuple(TAGS),
        strict=False,
        title="Traces",
        description="Which reasoning traces are learnt, by how they came about.",
    )
    reason_share: float = _weight("Reasoning share", 0.2, "How probable a step on traces is; others are on labels.")
    reason_rec: float = _weight("Yes/no loss of traces", 0.1, "Its weight in a step on traces.")
    reason_think: float = _weight("Text loss of traces", 0.9, "Its weight in a step on traces.")
    recommend_rec: float = _weight("Yes/no loss of labels", 0.9, "Its weight in a step on labels.")
    recommend_think: float = _weight("Text loss of labels", 0.1, "Its weight in a step on labels.")
    contrast: bool = Field(
        default=False, title="Contrast", description="Score by the logit of Yes minus that of No; else by Yes alone."
    )
    rank: int = Field(default=8, gt=0, title="Rank", description="LoRA's.")
    alpha: int = Field(default=16, gt=0, title="Alpha", description="LoRA's.")
    dropout: float = Field(default=0.05, ge=0, lt=1, title="Dropout", description="LoRA's.")
    targets: Annotated[str, OneOf(TARGETS)] = Field(
        default="query-value", title="Targets", description="Which linear layers get an adapter."
    )
    expert_share: float = Field(
        default=0.25, gt=0, le=1, title="Expert share", description="The last layers that groups tune (8 of 32)."
    )
    learning_rate: float = Field(default=1e-4, gt=0, lt=1, title="Learning rate", description="The peak.")
    group_rate: float = Field(default=1e-5, gt=0, lt=1, title="Group rate", description="The groups' peak.")
    warm_up_from: float = Field(
        default=0.1, ge=0, le=1, title="Warm-up from", description="The first learning rate, as a share of the peak."
    )
    warm_up_steps: int = Field(default=200, ge=0, title="Warm-up steps", description="At most a tenth of all steps.")
    floor: float = Field(
        default=0.8, ge=0, le=1, title="Floor", description="The last learning rate, as a share of the peak."
    )
    weight_decay: float = Field(default=1e-3, ge=0, lt=1, title="Weight decay", description="AdamW's.")
    batch_size: int = Field(
        default=1,
        gt=0,
        title="Batch size",
        description="Rows of one optimizer step, of one kind, or so many of an end user's at once (grows).",
    )
    grows: int = Field(
        default=0,
        ge=0,
        title="Grows",
        description="Rows of an end user that follow each other are learnt at once, what their prompts share is read "
        "once, and a history may grow so far beyond ten; 0: each row by itself, as published.",
    )
    steps: int = Field(default=800, gt=0, title="Steps", description="Optimizer steps of an epoch.")
    epochs: int = Field(default=50, gt=0, title="Epochs", description="At most, of the first two stages.")
    group_epochs: int = Field(default=30, gt=0, title="Group epochs", description="At most, of each group.")
    patience: int = Field(default=15, gt=0, title="Patience", description="Epochs without a better valid score.")
    auc_weight: float = _weight("AUC weight", 1 / 4, "In the valid score.")
    uauc_weight: float = _weight("UAUC weight", 1 / 3, "In the valid score.")
    valid_rows: int = Field(
        default=1000, gt=0, title="Valid rows", description="Drawn once by the seed; scored after each epoch."
    )
    cutoff: int = Field(
        default=2048, ge=64, title="Cutoff", description="Tokens of a prompt; the oldest of a history give way."
    )
    answer_cutoff: int = Field(
        default=409, ge=2, title="Answer cutoff", description="Tokens of an answer; the rest is cut off."
    )
    checkpoint: int = Field(
        default=200, gt=0, title="Checkpoint", description="Steps after which a lost run loses nothing before."
    )
    seed: int = Field(default=42, ge=0, title="Seed")
    threads: int = Field(default=1, gt=0, title="Threads", description="That torch computes on.")
    half_precision: HalfPrecision = False

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The stages to carry out, without those that are left out."""
        out = left_out(self.without)
        return tuple(name for name in STAGES_OF[self.stage] if PART_OF.get(name) not in out)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the traces to learn."""
        return () if "thinking" in left_out(self.without) else self.traces


def require_given(config: ThinkrecConfig, *, vectors: bool, groups: bool, earlier: bool) -> None:
    """Raises CannotTuneThinkrecError for a stage that lacks what it learns from."""
    if "projector" in config.stages and not vectors:
        raise CannotTuneThinkrecError(
            "The projector needs collaborative vectors: take the catalog's own (--grouping), or name their file "
            "(--vectors)."
        )
    if "groups" in config.stages and not groups:
        raise CannotTuneThinkrecError(
            "Groups need to know who is in which: take the catalog's own (--grouping), or name their file (--groups)."
        )
    if config.stage == "new-groups" and not earlier:
        raise CannotTuneThinkrecError("New groups are added to an earlier run: name it (--after).")

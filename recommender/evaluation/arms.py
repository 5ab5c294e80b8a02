"""What an evaluation compares: arms, each trained with the same seeds. Pure: web processes read and write it too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from recommender.recipe import CONTROLS, KNOWLEDGE, SIGNALS, Backbone, TrainConfig
from recommender.setting import OneOf, SettingError, Settings

SEEDS = 5  # that a claim takes
BASE = "base"
SCORED = "scored"
BY_THE_STUDY = ("backbone", "seed", "knowledge_source", "llm_scores")  # settings of a fit


@dataclass(frozen=True, slots=True)
class Arm:
    """`source`: what stands where knowledge enters, empty for nothing at all. `settings`: on top of the study's."""

    label: str
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.label[0].upper() + self.label[1:]


PLAIN, PUBLISHED = "plain", "published"
OF_R4EC = dict.fromkeys(("match", "demographics", "metadata_text", "statements", "knowledge_gate", *SIGNALS), False) | {
    "history": 5,
    "first_attribute": True,
}
ARMS: Mapping[str, Arm] = {
    PLAIN: Arm("R4ec's plain inputs: ids, the first attribute, five interactions", settings=OF_R4EC),
    PUBLISHED: Arm("R4ec as published: its plain inputs and knowledge as a field", KNOWLEDGE, OF_R4EC),
    "strong": Arm(
        "ids, all attributes, demographics, statistics, drift and the match",
        settings=dict.fromkeys(("collaborative", "metadata", "knowledge_signal", "metadata_text"), False),
    ),
    BASE: Arm("without knowledge"),
    SCORED: Arm("without knowledge, with what an LLM answered", settings={"llm_scores": True}),
    KNOWLEDGE: Arm("with knowledge", KNOWLEDGE),
    "field": Arm("knowledge as a field only", KNOWLEDGE, {"knowledge_signal": False, "statements": False}),
    "signal": Arm("knowledge as a history signal only", KNOWLEDGE, {"knowledge_field": False, "statements": False}),
    "claims": Arm("knowledge as statements only", KNOWLEDGE, {"knowledge_field": False, "knowledge_signal": False}),
    **{name: Arm(f"control: {control.help}", name) for name, control in CONTROLS.items()},
}
DEFAULT_ARMS = (BASE, KNOWLEDGE, *CONTROLS)


class Study(Settings):
    """One evaluation's choices."""

    of: ClassVar = "evaluation"

    backbones: tuple[Backbone, ...] = Field(
        default=(TrainConfig().backbone,), strict=False, min_length=1, title="Backbones", description="One or several."
    )
    arms: tuple[Annotated[str, OneOf(ARMS)], ...] = Field(
        default=DEFAULT_ARMS,
        strict=False,
        min_length=1,
        title="What is compared",
        description="Without something else in their place nobody can say that it is the texts which help.",
    )
    seeds: int = Field(
        default=SEEDS,
        ge=1,
        le=100,
        title="Trainings of each",
        description=f"With another seed each time. {SEEDS} or more: conclusive. Fewer: only a hint.",
    )
    users: float = Field(
        default=1.0,
        gt=0,
        le=1,
        title="Share of the users",
        description="Drawn at random, once for all. Fewer are quicker and give wider intervals.",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, title="Settings", description="Of a training run: split, history, epochs, …"
    )
    knowledge_file: str = Field(
        default="", title="Knowledge file", description="Texts (JSON lines) in place of the catalog's knowledge."
    )
    proposals: bool = Field(
        default=False,
        title="Take open proposals as approved",
        description="What would texts do that nobody has reviewed yet? The report says that they are unreviewed.",
    )
    refinements: int | None = Field(
        default=None,
        ge=0,
        le=100,
        title="Refinements",
        description="Of proposals: what the models alone would have proposed with at most so many.",
    )
    ranking: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        title="Ranking",
        description="Whole catalogs are ranked for so many end users: NDCG, MAP and Recall at 10. 0: no list figures.",
    )

    @field_validator("backbones", "arms")
    @classmethod
    def _different(cls, chosen: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(chosen)) < len(chosen):
            raise ValueError(chosen)
        return chosen

    @model_validator(mode="after")
    def _one_whole(self) -> Self:
        if self.proposals and self.knowledge_file:
            raise SettingError("proposals", "exclude knowledge_file: texts come from the one or from the other.")
        if self.refinements is not None and not self.proposals:
            raise SettingError("refinements", f"belong to proposals; it is {self.refinements!r} without them.")
        for own in BY_THE_STUDY:
            if own in self.settings:
                raise SettingError(own, "is set by the evaluation itself: leave it out of the settings.")
        for arm in self.arms:
            self.config(self.backbones[0], arm, 1)
        return self

    def config(self, backbone: str, arm: str, seed: int) -> TrainConfig:
        """The settings of one fit. Raises SettingError when the study's are out of range."""
        base = TrainConfig.from_json(self.settings)
        source = ARMS[arm].source or KNOWLEDGE
        own = {"llm_scores": False, **ARMS[arm].settings}
        return base.but(backbone=backbone, seed=seed, knowledge_source=source, **own)

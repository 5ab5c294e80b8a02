"""What an evaluation compares: arms, each trained with the same seeds. Pure: web processes read and write it too."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from recommender.recipe import BACKBONES, CONTROLS, KNOWLEDGE, SIGNALS, TrainConfig

SEEDS = 5  # that a claim takes
MOST_SEEDS = 100
MOST_REFINEMENTS = 100
BASE = "base"


@dataclass(frozen=True, slots=True)
class Arm:
    """`source`: what stands where knowledge enters, empty for nothing at all. `settings`: on top of the study's."""

    label: str
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


ARMS: Mapping[str, Arm] = {
    "plain": Arm(
        "R4ec's plain inputs: ids, the first attribute, five interactions",
        settings=dict.fromkeys(("match", "demographics", "metadata_text", *SIGNALS), False)
        | {"history": 5, "first_attribute": True},
    ),
    "strong": Arm(
        "ids, all attributes, demographics, statistics, mood and the match",
        settings=dict.fromkeys(("collaborative", "metadata", "knowledge_signal", "metadata_text"), False),
    ),
    BASE: Arm("without knowledge"),
    KNOWLEDGE: Arm("with knowledge", KNOWLEDGE),
    "field": Arm("knowledge as a field only", KNOWLEDGE, {"knowledge_signal": False, "knowledge_claims": False}),
    "signal": Arm(
        "knowledge as a history signal only", KNOWLEDGE, {"knowledge_field": False, "knowledge_claims": False}
    ),
    "claims": Arm(
        "knowledge as claims about items only", KNOWLEDGE, {"knowledge_field": False, "knowledge_signal": False}
    ),
    **{name: Arm(f"control: {meaning}", name) for name, meaning in CONTROLS.items()},
}
DEFAULT_ARMS = (BASE, KNOWLEDGE, *CONTROLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One evaluation's choices. Raises ValueError, naming the field, when one is out of range."""

    backbones: tuple[str, ...] = (TrainConfig().backbone,)
    arms: tuple[str, ...] = DEFAULT_ARMS
    seeds: int = SEEDS  # how many: 1, 2, …
    users: float = 1.0  # share of the end users, drawn at random once for all
    settings: Mapping[str, Any] = field(default_factory=dict)  # of TrainConfig: split, history, epochs, …
    knowledge_file: str = ""  # texts (JSON lines) that are evaluated instead of the catalog's knowledge
    proposals: bool = False  # what would be in force were every open proposal approved, instead of what is
    refinements: int | None = None  # of proposals: what the models alone would have proposed with at most so many
    ranking: int = 0  # for how many end users, at most, whole catalogs are ranked; 0: no list figures

    def __post_init__(self) -> None:
        for name, allowed in (("backbones", tuple(BACKBONES)), ("arms", tuple(ARMS))):
            chosen = getattr(self, name)
            if not chosen or len(set(chosen)) < len(chosen) or set(chosen) - set(allowed):
                raise ValueError(f"{name} must be different ones of {', '.join(allowed)}; it is {', '.join(chosen)!r}.")
        for name, low, high in (("seeds", 1, MOST_SEEDS), ("ranking", 0, 1_000_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}; it is {value!r}.")
        if isinstance(self.users, bool) or not 0 < self.users <= 1:
            raise ValueError(f"users must be a share above 0, at most 1; it is {self.users!r}.")
        if not isinstance(self.proposals, bool) or (self.proposals and self.knowledge_file):
            raise ValueError("Texts come from a file or from proposals, not from both.")
        if self.refinements is not None and not (self.proposals and 0 <= self.refinements <= MOST_REFINEMENTS):
            raise ValueError(
                f"refinements belong to proposals and must be from 0 to {MOST_REFINEMENTS}; it is {self.refinements!r}."
            )
        for own in ("backbone", "seed", "knowledge_source"):
            if own in self.settings:
                raise ValueError(f"{own} is set by the evaluation itself: leave it out of the settings.")
        for arm in self.arms:
            self.config(self.backbones[0], arm, 1)

    def config(self, backbone: str, arm: str, seed: int) -> TrainConfig:
        """The settings of one fit. Raises ValueError when the study's are out of range."""
        base = TrainConfig.from_json(dict(self.settings))
        source = ARMS[arm].source or KNOWLEDGE
        return replace(base, backbone=backbone, seed=seed, knowledge_source=source, **ARMS[arm].settings)

    def to_json(self) -> dict[str, Any]:
        lists = {"backbones": list(self.backbones), "arms": list(self.arms), "settings": dict(self.settings)}
        return asdict(self) | lists

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Missing keys take their defaults; an unknown key or a bad value raises ValueError."""
        if unknown := sorted(set(data) - {one.name for one in fields(cls)}):
            raise ValueError(f"Unknown evaluation settings: {', '.join(unknown)}.")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**values)

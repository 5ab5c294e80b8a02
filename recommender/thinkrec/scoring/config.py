"""Settings of a scoring run: which model scores whose first items, and how. No torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from recommender.dataset.split import ALONE
from recommender.setting import Choice, OneOf, OnlyWith, SettingError, Settings
from recommender.thinkrec.ablation import Without

WHERE: Mapping[str, Choice] = {
    "here": Choice("here", "in the training worker, by torch"),
    "endpoint": Choice("endpoint", "through the endpoint that R4_SCORER_BASE_URL names"),
}
SCORES: Mapping[str, Choice] = {
    "log_odds": Choice("log odds", "of Yes against No"),
    "yes": Choice("Yes alone", "the logit of Yes, as ThinkRec scores"),
}
DEFAULT_BASE = "smollm2"
CALIBRATIONS: Mapping[str, Choice] = {
    "platt": Choice("Platt", "slope and intercept"),
    "temperature": Choice("temperature", "a slope alone"),
    "none": Choice("none", "probabilities as the score gives them"),
}


class ScoringConfig(Settings):
    """One scoring run's settings."""

    of: ClassVar = "scoring"

    where: Annotated[str, OneOf(WHERE)] = Field(default="here", title="Where", description="The model computes.")
    tuned: int | None = Field(
        default=None,
        title="Tuned",
        description="The number of a finished ThinkRec tuning: its adapters, experts and vectors score.",
    )
    without: Without = ()
    by_expert: bool = Field(
        default=False,
        title="By expert",
        description="Score each list by every adapter alone too: the page Groups shows what each changes.",
    )
    base: Annotated[str, OnlyWith("where", "here")] = Field(
        default="",
        title="Base",
        description="A folder or hub name that transformers loads, a .gguf file, or smollm2. Left empty: what the "
        "tuning named, else smollm2.",
    )
    adapter: Annotated[str, OnlyWith("where", "here")] = Field(
        default="", title="Adapter", description="The folder of a LoRA adapter for it."
    )
    top: int = Field(default=20, ge=1, le=100, title="Top", description="Items of each list that are scored.")
    sample: int = Field(default=0, ge=0, title="Sample", description="Score so many users, drawn by chance; 0: all.")
    score: Annotated[str, OneOf(SCORES)] = Field(default="log_odds", title="Score", description="What lists go by.")
    preference: bool = Field(
        default=False,
        title="Preference",
        description="Show the approved text about the person too, where there is one.",
    )
    reasoning: int = Field(
        default=0,
        ge=0,
        le=1024,
        title="Reasoning",
        description="Tokens in which the model reasons before each answer, at most; 0: it answers at once.",
    )
    seconds: float = Field(
        default=0, ge=0, title="Seconds", description="For one list; items not scored by then come last. 0: no limit."
    )
    calibration: Annotated[str, OneOf(CALIBRATIONS)] = Field(
        default="platt", title="Calibration", description="Of scores to probabilities, on the valid part."
    )
    split: Annotated[str, OneOf(ALONE)] = Field(
        default="r4ec", title="Split", description="Which parts of the ratings are valid and test."
    )
    held_out: int = Field(
        default=200,
        ge=0,
        title="Held out",
        description="Ratings of the valid part to calibrate on, and of the test part to measure on; 0: neither.",
    )
    seed: int = Field(default=0, title="Seed")
    threads: Annotated[int, OnlyWith("where", "here")] = Field(
        default=1, gt=0, title="Threads", description="That torch computes on."
    )

    @model_validator(mode="after")
    def _one_adapter(self) -> Self:
        if self.tuned is not None and self.adapter:
            raise SettingError("adapter", "is not taken with a tuned run, which has its own: leave one of them out.")
        if self.by_expert and self.tuned is None:
            raise SettingError("by_expert", "needs a tuned run, whose experts score apart: name one (tuned).")
        return self

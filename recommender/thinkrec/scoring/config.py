"""Settings of a scoring run: which model scores whose first items, and how. No torch."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from recommender.dataset.named import ALONE, GIVEN
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


NOT_OF_THE_SCORER = (  # settings that change no answer
    "top",
    "sample",
    "seconds",
    "calibration",
    "held_out",
    "seed",
    "threads",
    "by_expert",
)
ABOUT = "thinkrec.json"  # what recommender.thinkrec.tuning leaves beside an adapter's folder
WEIGHTS = "adapter_model.safetensors"


class ModelConfig(Settings):
    """Which model scores, of lists and of evaluations alike."""

    where: Annotated[str, OneOf(WHERE)] = Field(default="here", title="Where", description="The model computes.")
    tuned: int | None = Field(
        default=None,
        title="Tuned",
        description="The number of a finished ThinkRec tuning: its adapters, experts and vectors score.",
    )
    without: Without = ()
    base: Annotated[str, OnlyWith("where", "here")] = Field(
        default="",
        title="Base",
        description="A folder or hub name that transformers loads, a .gguf file, or smollm2. Left empty: what the "
        "tuning named, else smollm2.",
    )
    adapter: Annotated[str, OnlyWith("where", "here")] = Field(
        default="", title="Adapter", description="The folder of a LoRA adapter for it."
    )
    threads: Annotated[int, OnlyWith("where", "here")] = Field(
        default=1, gt=0, title="Threads", description="That torch computes on."
    )

    @model_validator(mode="after")
    def _one_adapter(self) -> Self:
        if self.tuned is not None and self.adapter:
            raise SettingError("adapter", "is not taken with a tuned run, which has its own: leave one of them out.")
        return self


class ScoringConfig(ModelConfig):
    """One scoring run's settings."""

    of: ClassVar = "scoring"

    by_expert: bool = Field(
        default=False,
        title="By expert",
        description="Score each list by every adapter alone too: the page Groups shows what each changes.",
    )
    top: int = Field(
        default=20,
        ge=0,
        le=100,
        title="Top",
        description="Items of each list that are scored; 0: no lists, the held-out opinions alone.",
    )
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
    split: Annotated[str, OneOf(ALONE, GIVEN)] = Field(
        default="r4ec", title="Split", description="Which parts of the opinions are valid and test."
    )
    held_out: int = Field(
        default=200,
        ge=0,
        title="Held out",
        description="Opinions of the valid part to calibrate on, and of the test part to measure on; 0: neither.",
    )
    seed: int = Field(default=0, title="Seed")

    @model_validator(mode="after")
    def _experts(self) -> Self:
        if self.by_expert and self.tuned is None:
            raise SettingError("by_expert", "needs a tuned run, whose experts score apart: name one (tuned).")
        if not (self.top or self.held_out):
            raise SettingError("top", "is 0 and no opinions are held out: nothing would be scored.")
        return self


def tuned_on(config: ScoringConfig) -> str | None:
    """The split whose train part the adapter was tuned on; empty for a base alone, None where nobody knows."""
    if not config.adapter:
        return ""
    try:
        return str(json.loads((Path(config.adapter).parent / ABOUT).read_text(encoding="utf-8"))["config"]["split"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def scorer_key(config: ScoringConfig, *, model: str, prompt_hash: str) -> str:
    """SHA-256, hexadecimal, of all that an answer depends on, and of the split that it is out of sample for.

    Empty for an adapter of which nobody knows what it was tuned on: its scores are no evidence about ratings.
    """
    if tuned_on(config) is None:
        return ""
    told = {name: value for name, value in config.to_json().items() if name not in NOT_OF_THE_SCORER}
    weights = Path(config.adapter) / WEIGHTS
    told |= {"model": model, "prompt": prompt_hash}
    if config.adapter and weights.is_file():  # tuned anew under the same name it is another scorer
        told["adapter"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

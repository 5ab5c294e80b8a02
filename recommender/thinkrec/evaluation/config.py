"""Settings of an evaluation of ThinkRec, which is a scoring run that stores figures and no lists. No torch."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from recommender.dataset.named import ALONE, GIVEN
from recommender.setting import Choice, OneOf
from recommender.thinkrec.scoring.config import SCORES, ModelConfig, ScoringConfig

PARTS: Mapping[str, Choice] = {
    "valid": Choice("valid", "as often as you like"),
    "test": Choice("test", "once, when all else is chosen"),
}


class EvaluationConfig(ModelConfig):
    """One evaluation's settings."""

    of: ClassVar = "ThinkRec evaluation"

    part: Annotated[str, OneOf(PARTS)] = Field(default="valid", title="Part", description="Whose opinions are scored.")
    split: Annotated[str, OneOf(ALONE, GIVEN)] = Field(
        default="r4ec", title="Split", description="Which opinions are valid and test; by default the tuning's."
    )
    score: Annotated[str, OneOf(SCORES)] = Field(
        default="log_odds", title="Score", description="What opinions are ranked by; by default what was tuned."
    )
    rows: int = Field(
        default=0,
        ge=0,
        title="Rows",
        description="Score about so many opinions, of whole users drawn by chance; 0: all.",
    )
    grows: int = Field(
        default=10,
        ge=0,
        le=100,
        title="Grows",
        description="By so many opinions a history of ten grows before it is cut to ten again; 0: always ten.",
    )
    explanations: int = Field(
        default=80, ge=0, title="Explanations", description="Approved traces set apart for tests, at most."
    )
    tokens: int = Field(default=256, ge=1, le=4096, title="Tokens", description="Of each explanation, at most.")
    seed: int = Field(default=0, ge=0, title="Seed")

    @property
    def scoring(self) -> ScoringConfig:
        """How the same model scores lists."""
        return ScoringConfig(split=self.split, **{name: getattr(self, name) for name in ModelConfig.model_fields})

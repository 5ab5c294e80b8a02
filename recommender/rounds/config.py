"""What rounds are opened with: which subjects, which part of their histories, by which strategy."""

from typing import Annotated, ClassVar, Literal, Self

from django.conf import settings
from pydantic import Field, model_validator

from recommender.models import Strategy
from recommender.rounds.evidence import MOST_WINDOWS, SLIDING, WindowName, Windows
from recommender.setting import Choice, OneOf, OnlyWith, SettingError, Settings, settings_of

Subjects = Literal["end-users", "items", "all"]
SUBJECTS: dict[Subjects, Choice] = {
    "all": Choice("End users and items"),
    "end-users": Choice("End users"),
    "items": Choice("Items"),
}
WINDOWS: dict[WindowName, Choice] = {
    "prefix": Choice("The first half of each history"),
    "latest": Choice("The end of each history"),
    "sliding": Choice("Windows of ten interactions along each history"),
}
STRATEGIES = {
    Strategy.REFINE.value: Choice("Refine a draft until it is reasonable"),
    Strategy.FILTER.value: Choice("Judge several drafts, keep the reasonable"),
}


class OpenConfig(Settings):
    """What one batch of rounds is asked for."""

    of: ClassVar = "opening"

    subjects: Annotated[Subjects, OneOf(SUBJECTS)] = Field(default="all", title="About")
    limit: int | None = Field(
        default=None,
        gt=0,
        title="At most",
        description="So many end users, and so many items: those without a round and with the most interactions first.",
    )
    window: Annotated[WindowName, OneOf(WINDOWS)] = Field(
        default="prefix",
        title="Evidence",
        description="The first half leaves later interactions to learn from; the end describes people as they are now; "
        "windows give an end user several texts, each for what came after it. Windows of items are the first half.",
    )
    windows: Annotated[int, OnlyWith("window", "sliding")] = Field(
        default=MOST_WINDOWS, ge=1, le=100, title="Windows of each end user", description="The latest ones."
    )
    stride: Annotated[int, OnlyWith("window", "sliding")] = Field(
        default=SLIDING, ge=1, le=1000, title="Interactions from window to window"
    )
    strategy: Annotated[str, OneOf(STRATEGIES)] = Field(default=Strategy.REFINE.value, title="Strategy")
    drafts: Annotated[int, OnlyWith("strategy", "filter")] = Field(
        default_factory=lambda: settings.ROUND_DRAFTS, ge=2, le=20, title="Drafts to sample"
    )
    low_activity: int = Field(
        default_factory=lambda: settings.LOW_ACTIVITY,
        ge=0,
        le=1000,
        title="Leave out end users with fewer interactions than",
        description="They get no text of their own; training can give them the knowledge of their items instead.",
    )

    @model_validator(mode="after")
    def _counts(self) -> Self:
        for name, told in settings_of(type(self)).items():
            needed, changed = told.only_with, getattr(self, name) != told.default
            if needed and changed and getattr(self, needed.setting) != needed.value:
                raise SettingError(name, f"counts only with {needed.value}: add --{needed.setting} {needed.value}.")
        return self

    @property
    def shown(self) -> Windows:
        """Which part of a history each round shows."""
        return Windows(self.window, stride=self.stride, most=self.windows)

"""What rounds are opened with: which subjects, which part of their histories, by which strategy."""

from typing import Annotated, ClassVar, Literal, Self

from django.conf import settings
from pydantic import Field, model_validator

from recommender.models import Catalog, ListedBy, Strategy
from recommender.rounds.evidence import MOST_WINDOWS, SLIDING, WindowName, Windows
from recommender.setting import Choice, OneOf, OnlyWith, SettingError, Settings, settings_of

Subjects = Literal["end-users", "items", "all"]
SUBJECTS: dict[Subjects, Choice] = {
    "all": Choice("Users and items"),
    "end-users": Choice("Users"),
    "items": Choice("Items"),
}
WINDOWS: dict[WindowName, Choice] = {
    "prefix": Choice("The first half of each user's history"),
    "latest": Choice("The latest part of each user's history"),
    "sliding": Choice("Ten entries at a time along each history"),
}
KNOWLEDGE = "knowledge"
HALF_BY_CHANCE = "Half of each user's history, drawn by chance"  # what "prefix" is where no order is known
STRATEGIES = {
    Strategy.REFINE.value: Choice("Rewrite a text until it passes the AI check"),
    Strategy.FILTER.value: Choice("Write several drafts, keep those that pass the AI check"),
}


PURPOSES = {
    KNOWLEDGE: Choice("What users like, what items are like"),
    Strategy.KEYWORDS.value: Choice("Keywords of items"),
    Strategy.TRACE.value: Choice("Reasons for Yes or No", "traces to train a model that reasons"),
}
LISTERS = {
    ListedBy.NOBODY.value: Choice("Read by the app"),
    ListedBy.WITH_TEXT.value: Choice("Listed by the AI with its text"),
    ListedBy.AFTERWARDS.value: Choice("Asked of the AI afterwards"),
}


class OpenConfig(Settings):
    """What one batch of rounds is asked for."""

    of: ClassVar = "opening"

    purpose: Annotated[str, OneOf(PURPOSES)] = Field(
        default=KNOWLEDGE,
        title="For",
        description="Keywords are always about items, traces about users; then only what is asked for here counts.",
    )
    subjects: Annotated[Subjects, OneOf(SUBJECTS)] = Field(default="all", title="About")
    limit: int | None = Field(
        default=None,
        gt=0,
        title="At most",
        description="Up to N users and N items (so 2 N texts): without a text and with the longest history first.",
    )
    window: Annotated[WindowName, OneOf(WINDOWS)] = Field(
        default="prefix",
        title="Evidence",
        description="The first half leaves what came later for the model to learn from; the latest describe people as "
        "they are now; ten at a time give a user several texts. Items always use the first half then.",
    )
    windows: Annotated[int, OnlyWith("window", "sliding")] = Field(
        default=MOST_WINDOWS, ge=1, le=100, title="Texts for each user, at most", description="The latest ones."
    )
    stride: Annotated[int, OnlyWith("window", "sliding")] = Field(
        default=SLIDING, ge=1, le=1000, title="Entries from text to text"
    )
    strategy: Annotated[str, OneOf(STRATEGIES)] = Field(default=Strategy.REFINE.value, title="How")
    drafts: Annotated[int, OnlyWith("strategy", "filter")] = Field(
        default_factory=lambda: settings.ROUND_DRAFTS, ge=2, le=20, title="How many drafts"
    )
    points: Annotated[str, OneOf(LISTERS)] = Field(
        default_factory=lambda: settings.POINTS,
        title="Points",
        description="Who says what a text states. An AI's list is held against the app's own reading, and the card "
        "shows where they differ. An endpoint that holds no JSON schema is asked afterwards in any case.",
    )
    keywords: bool = Field(
        default=False,
        title="Show approved keywords",
        description="With each item of a history, where people approved some.",
    )
    retries: Annotated[int, OnlyWith("purpose", "trace")] = Field(
        default=2, ge=0, le=10, title="Hints after a wrong answer, at most"
    )
    held_out: Annotated[int, OnlyWith("purpose", "trace")] = Field(
        default=0,
        ge=0,
        le=100_000,
        title="Set apart for tests",
        description="So many further rows, of ten judged items, five of them liked, that no training set gets.",
    )
    seed: Annotated[int, OnlyWith("purpose", "trace")] = Field(
        default=0, ge=0, le=2**31 - 1, title="Draw", description="A number: the same one draws the same rows."
    )
    low_activity: int = Field(
        default_factory=lambda: settings.LOW_ACTIVITY,
        ge=0,
        le=1000,
        title="Leave out users with a history shorter than",
        description="They get no text of their own; the model can use the texts about their items instead.",
    )

    most_tokens: int | None = Field(
        default=None,
        gt=0,
        title="Stop at so many tokens",
        description="What the AI reads and writes. The texts that are not done by then wait until you raise it.",
    )

    @model_validator(mode="after")
    def _counts(self) -> Self:
        for name, told in settings_of(type(self)).items():
            needed, changed = told.only_with, getattr(self, name) != told.default
            if needed and changed and getattr(self, needed.setting) != needed.value:
                raise SettingError(name, f"counts only with {needed.value}: add --{needed.setting} {needed.value}.")
        if self.purpose == Strategy.KEYWORDS and self.subjects == "end-users":
            raise SettingError("subjects", "must be items or all: keywords are about items.")
        if self.purpose == Strategy.TRACE and self.subjects == "items":
            raise SettingError("subjects", "must be end-users or all: traces are about users.")
        return self

    @property
    def stored_strategy(self) -> str:
        """What rounds and their batch have as their strategy."""
        return self.strategy if self.purpose == KNOWLEDGE else self.purpose

    def require_order(self, catalog: Catalog) -> None:
        """Raises SettingError for a part of histories that is told by order, in a catalog that has none."""
        if self.purpose == Strategy.TRACE and not catalog.ordered:
            raise SettingError(
                "purpose",
                f"cannot be trace: traces ask what came next, and catalog {catalog} was imported without an order.",
            )
        if self.window != "prefix" and not catalog.ordered:
            raise SettingError(
                "window",
                f"needs to know what came first, and catalog {catalog} was imported without an order: choose "
                "prefix, which is a half drawn by chance there.",
            )

    @property
    def shown(self) -> Windows:
        """Which part of a history each round shows."""
        return Windows(self.window, stride=self.stride, most=self.windows)

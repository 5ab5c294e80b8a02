"""What a catalog's guards hold served models to (docs/after-activation.md)."""

from typing import Annotated, ClassVar

from pydantic import Field

from recommender.models import Catalog
from recommender.setting import Choice, OneOf, Settings

PASSED = {
    "offer": Choice("Offer it", "its page asks a lead to activate it"),
    "activate": Choice("Activate it", "if its checks still stand"),
}
ACTIVE = {
    "warn": Choice("Warn", "on its page and in the log"),
    "roll_back": Choice("Go back", "to the model before it"),
}


class GuardSettings(Settings):
    """A watch keeps those it began with: a change counts from the next canary, or the next day of the active model."""

    of: ClassVar = "guard"

    watch: bool = Field(default=True, title="Watch served models")
    false_alarm: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        title="False alarms",
        description="The chance that a model that breaks no guard is ever said to, however long it is watched.",
    )
    least_people: int = Field(
        default=100,
        ge=1,
        le=10**6,
        title="People at least",
        description="Nothing is decided before so many got a list of it, and so many one of the model beside it.",
    )
    most_failed: float = Field(
        default=0.01, ge=0, le=1, title="Lists that could not be ranked", description="The highest share; 1: any."
    )
    more_fallback: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="More lists from the fallback",
        description="The share may be higher by that than beside it; 1: any.",
    )
    click_drop: float = Field(
        default=0.2,
        ge=0,
        le=1,
        title="Fewer clicks",
        description="The click rate may be lower by this part of the one beside it; 1: any.",
    )
    click_minutes: int = Field(
        default=60,
        ge=1,
        le=10_080,
        title="Clicks within",
        description="Minutes after a list in which a click has to arrive to count.",
    )
    score_shift: float = Field(
        default=0.2,
        ge=0,
        le=1,
        title="Other scores",
        description="The mean score may be off by that from the one beside it; 1: any.",
    )
    crowding: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="One item for everybody",
        description="An item may be in this much more of its lists than of those beside it; 1: any.",
    )
    canary_hours: float = Field(
        default=24.0,
        gt=0,
        le=2160,
        title="Time of a try",
        description="Hours after which a model that is tried with some users and broke no guard has passed.",
    )
    when_passed: Annotated[str, OneOf(PASSED)] = Field(default="offer", title="When a tried model has passed")
    when_active_breaks: Annotated[str, OneOf(ACTIVE)] = Field(
        default="warn",
        title="When the active model breaks a guard",
        description="Days differ without a model's fault, so going back by itself has to be asked for.",
    )
    window_hours: int = Field(
        default=24, ge=1, le=720, title="Figures of the last", description="Hours that pages and metrics count over."
    )


def settings_of_catalog(catalog: Catalog) -> GuardSettings:
    return GuardSettings.from_json(catalog.guard_settings)

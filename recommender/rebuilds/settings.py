"""When a catalog's model is trained anew by itself, and what becomes of it (docs/after-activation.md)."""

import zoneinfo
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from recommender.models import Catalog
from recommender.setting import Choice, OneOf, OnlyWith, SettingError, Settings

WHEN = {
    "off": Choice("Never", "only people and commands train"),
    "texts": Choice("After new texts", "once so many are approved that no model was trained with"),
    "schedule": Choice("At a time", "every day or week, where anything has changed"),
    "either": Choice("After new texts or at a time", "whichever comes first"),
}
EVERY = {"daily": Choice("Every day"), "weekly": Choice("Every week")}
WEEKDAYS = {
    name: Choice(name.capitalize())
    for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
POLICIES = {
    "never": Choice("It waits as a candidate", "people activate it"),
    "canary": Choice("It is tried with some users", "if no check failed; guards and a lead decide about more"),
    "activate": Choice("It is activated", "when it passes all checks"),
}


SINCE = "since"  # beside the settings in their row: when they were set


class RebuildSettings(Settings):
    of: ClassVar = "rebuild"

    when: Annotated[str, OneOf(WHEN)] = Field(default="off", title="Train anew")
    texts: int = Field(
        default=50, ge=1, le=10**6, title="New texts", description="Approved since the last model was trained."
    )
    every: Annotated[str, OneOf(EVERY)] = Field(default="daily", title="How often")
    weekday: Annotated[str, OneOf(WEEKDAYS), OnlyWith("every", "weekly")] = Field(default="monday", title="On")
    hour: int = Field(default=3, ge=0, le=23, title="At", description="The hour by the clock of that time zone.")
    time_zone: str = Field(default="UTC", title="Time zone", description="As in Europe/Berlin.")
    policy: Annotated[str, OneOf(POLICIES)] = Field(default="never", title="What becomes of it")
    canary_percent: Annotated[float, OnlyWith("policy", "canary")] = Field(
        default=5.0, gt=0, le=100, title="Share of users, in %", description="Who get its lists while it is tried."
    )

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.time_zone not in _zones():
            raise SettingError("time_zone", "must be a name of the IANA time zones, as Europe/Berlin or UTC.")
        return self

    @property
    def by_texts(self) -> bool:
        return self.when in ("texts", "either")

    @property
    def by_time(self) -> bool:
        return self.when in ("schedule", "either")


@cache
def _zones() -> Any:
    return zoneinfo.available_timezones()


def settings_of_catalog(catalog: Catalog) -> RebuildSettings:
    stored = {name: value for name, value in catalog.rebuild_settings.items() if name != SINCE}
    return RebuildSettings.from_json(stored)

"""What a page and a command say of a catalog's schedule: when the next training is, and what came of the last ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from recommender.models import Catalog, Rebuild
from recommender.rebuilds import service, slots
from recommender.rebuilds.service import Changed
from recommender.rebuilds.settings import WHEN, RebuildSettings, settings_of_catalog
from recommender.times import written

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """`at`: the next time of the schedule, by its own clock; None where it goes by texts alone, or is off.

    `held_up`: what the next one has to wait for, in words. `last`: the latest, newest first.
    """

    settings: RebuildSettings
    at: datetime | None
    changed: Changed
    held_up: str
    last: list[Rebuild]

    @property
    def is_on(self) -> bool:
        return self.settings.when != "off"

    @property
    def texts_missing(self) -> int | None:
        """How many more texts start one; None where texts start none."""
        return max(0, self.settings.texts - self.changed.new_texts) if self.settings.by_texts else None

    @property
    def lines(self) -> list[str]:
        """For a terminal."""
        said = [WHEN[self.settings.when].label + "."]
        if self.at:
            said.append(f"Next time: {self.at:%a %Y-%m-%d %H:%M %Z}.")
        if self.texts_missing is not None:
            said.append(f"Texts: {self.changed.new_texts} of {self.settings.texts}.")
        said.append(self.changed.words)
        said += [self.held_up] if self.is_on and self.held_up else []
        said += [f"{one.created_at:%Y-%m-%d %H:%M} UTC: {one.outcome or 'under way'}" for one in self.last]
        return said

    def to_json(self) -> dict[str, Any]:
        return {
            "settings": self.settings.to_json(),
            "next": written(self.at),
            "new_texts": self.changed.new_texts,
            "changed": self.changed.words,
            "held_up": self.held_up,
            "last": [
                {
                    "at": written(one.created_at),
                    "reason": one.reason,
                    "run": one.run_id,
                    "outcome": one.outcome,
                }
                for one in self.last
            ],
        }


def plan(catalog: Catalog, now: datetime) -> Plan:
    settings = settings_of_catalog(catalog)
    at = None
    if settings.by_time:
        at = slots.following(settings, now).at.astimezone(ZoneInfo(settings.time_zone))
    last = list(Rebuild.objects.filter(catalog=catalog).select_related("run").order_by("-pk")[:SHOWN])
    return Plan(settings, at, service.changed(catalog), service.held_up(catalog, now), last)

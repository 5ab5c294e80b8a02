"""The days and hours of a schedule. Pure: settings and a moment in, moments out.

A slot is a local day: each has one start, whatever clocks do. Where clocks jump over its hour it starts when they have
jumped; where the hour comes twice, at its first time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recommender.rebuilds.settings import WEEKDAYS, RebuildSettings

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """`day`: the local one; `at`: when it starts, in UTC."""

    day: date
    at: datetime

    @property
    def name(self) -> str:
        return self.day.isoformat()


def latest(settings: RebuildSettings, now: datetime) -> Slot:
    """The last slot that has started."""
    return _first(settings, now, step=-DAY)


def following(settings: RebuildSettings, now: datetime) -> Slot:
    """The first slot that has not started."""
    return _first(settings, now, step=DAY)


def _first(settings: RebuildSettings, now: datetime, *, step: timedelta) -> Slot:
    zone = ZoneInfo(settings.time_zone)
    day = now.astimezone(zone).date() - step  # one to the other side: a jump may move a start over midnight
    while True:
        slot = Slot(day, start_of(day, settings.hour, zone))
        if _has(settings, day) and (slot.at <= now if step < timedelta() else slot.at > now):
            return slot
        day += step


def _has(settings: RebuildSettings, day: date) -> bool:
    return settings.every == "daily" or day.weekday() == list(WEEKDAYS).index(settings.weekday)


def start_of(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """When that hour of a day begins, in UTC. `fold=0`: the first of two; in a gap, by the clock before the jump, so
    that it lies behind the gap."""
    return datetime.combine(day, time(hour, fold=0), tzinfo=zone).astimezone(UTC)

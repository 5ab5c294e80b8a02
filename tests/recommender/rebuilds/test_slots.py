"""Each local day has one start, whatever its clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recommender.rebuilds import slots
from recommender.rebuilds.settings import RebuildSettings
from recommender.setting import SettingError

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hour", "start"),
    [
        (date(2026, 3, 28), 2, "2026-03-28T01:00"),  # UTC+1
        (date(2026, 3, 29), 2, "2026-03-29T01:00"),  # there is no 2:00: clocks jump to 3:00, which is this moment
        (date(2026, 3, 29), 3, "2026-03-29T01:00"),
        (date(2026, 3, 30), 2, "2026-03-30T00:00"),  # UTC+2
        (date(2026, 10, 25), 2, "2026-10-25T00:00"),  # 2:00 comes twice: the first one
        (date(2026, 10, 26), 2, "2026-10-26T01:00"),
    ],
)
def test_a_day_starts_at_its_hour_by_the_local_clock(day: date, hour: int, start: str) -> None:
    assert slots.start_of(day, hour, BERLIN) == utc(start)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize("hour", [0, 2, 23])
def test_over_a_year_every_local_day_has_one_slot_and_no_moment_lies_between(zone: str, hour: int) -> None:
    settings = RebuildSettings(when="schedule", hour=hour, time_zone=zone)
    now, seen = utc("2026-01-01T12:00"), []
    while now < utc("2027-01-02T12:00"):
        slot, after = slots.latest(settings, now), slots.following(settings, now)
        assert slot.at <= now < after.at
        assert after.day == slot.day + timedelta(days=1)
        seen.append(slot.day)
        now += timedelta(hours=12)
    assert len(set(seen)) in (366, 367, 368)
    assert seen == sorted(seen)


def test_a_weekly_one_starts_on_its_weekday() -> None:
    settings = RebuildSettings(when="schedule", every="weekly", weekday="sunday", hour=2, time_zone="Europe/Berlin")
    assert slots.latest(settings, utc("2026-03-29T00:59")).day == date(2026, 3, 22)
    assert slots.latest(settings, utc("2026-03-29T01:00")).day == date(2026, 3, 29)
    assert slots.following(settings, utc("2026-03-29T01:00")).at == utc("2026-04-05T00:00")


def test_a_time_zone_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="IANA time zones"):
        RebuildSettings(time_zone="Europe/Atlantis")

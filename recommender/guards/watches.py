"""Watches: which there are in a stretch of time, whose list belongs to which, and when one is over."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Count, Q

from recommender.guards.settings import GuardSettings, settings_of_catalog
from recommender.guards.tallies import Side
from recommender.models import Activation, Catalog, Rollout, RolloutMode, VersionState, Watch, WatchedList

DAY = timedelta(days=1)
REFERENCE_DAYS = 7  # of the version before it that the active one is held against
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when a version served, as the active one or as a canary. `until`: None where it still does."""

    version: int
    since: datetime
    until: datetime | None
    rollout: int | None = None

    def has(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What served in a catalog when. `watches`: open ones, by rollout or by version and day."""

    active: tuple[Stretch, ...]
    canaries: tuple[Stretch, ...]
    watches: dict[int | tuple[int, date], int]

    def active_at(self, at: datetime) -> Stretch | None:
        return next((one for one in self.active if one.has(at)), None)

    def place(self, canary: int | None, at: datetime) -> tuple[int, bool, datetime] | None:
        """Where a list is counted: version, whether as a canary, hour. None before any version was active."""
        if canary is not None:
            tried = next((one for one in self.canaries if one.rollout == canary), None)
            return (tried.version, True, hour_of(at)) if tried else None
        active = self.active_at(at)
        return (active.version, False, hour_of(at)) if active else None

    def watches_of(self, canary: int | None, at: datetime) -> Iterator[tuple[int, bool]]:
        """The watches that a list counts for, and whether it is one of the version that is watched."""
        if canary is not None:
            if canary in self.watches:
                yield self.watches[canary], True
            return
        for one in self.canaries:
            if one.has(at) and one.rollout in self.watches:
                yield self.watches[one.rollout], False
        active = self.active_at(at)
        if active and (of_day := self.watches.get((active.version, day_of(at)))):
            yield of_day, True


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def timeline(catalog: Catalog, *, since: datetime, until: datetime) -> Timeline:
    """What served from `since` to `until`; a watch is begun for each stretch that has none yet."""
    active, canaries = _active(catalog), _canaries(catalog, since=since, until=until)
    for one in canaries:
        _begin_canary(catalog, one)
    for one in active:
        _begin_days(catalog, one, since=since, until=until)
    rows = Watch.objects.filter(version__catalog=catalog, closed_at=None).values_list("pk", "rollout", "version", "day")
    open_ones: dict[int | tuple[int, date], int] = {}
    for pk, rollout, version, day in rows:
        if day is not None:
            open_ones[version, day] = pk
        else:
            open_ones[rollout] = pk
    return Timeline(active, canaries, open_ones)


def _active(catalog: Catalog) -> tuple[Stretch, ...]:
    taken = list(catalog.activations.order_by("pk").values_list("version", "created_at"))
    now_active = catalog.backbone_versions.filter(state=VersionState.ACTIVE).first()
    if now_active and (not taken or taken[-1][0] != now_active.pk):  # activated by a release that kept no rows
        taken.append((now_active.pk, now_active.created_at))
    ends = [at for _, at in taken[1:]]
    return tuple(Stretch(version, at, end) for (version, at), end in zip(taken, [*ends, None], strict=True))


def _canaries(catalog: Catalog, *, since: datetime, until: datetime) -> tuple[Stretch, ...]:
    ran = Rollout.objects.filter(catalog=catalog, mode=RolloutMode.CANARY, created_at__lt=until)
    rows = ran.filter(Q(ended_at=None) | Q(ended_at__gt=since)).order_by("pk")
    return tuple(Stretch(one.version_id, one.created_at, one.ended_at, one.pk) for one in rows)


def _begin_canary(catalog: Catalog, one: Stretch) -> None:
    if one.rollout is None or Watch.objects.filter(rollout=one.rollout).exists():
        return
    settings = settings_of_catalog(catalog)
    beside = next((stretch for stretch in _active(catalog) if stretch.has(one.since)), None)
    Watch.objects.get_or_create(
        rollout_id=one.rollout,
        defaults={
            "version_id": one.version,
            "against_id": beside.version if beside else None,
            "settings": settings.to_json(),
            "level": settings.false_alarm,
            "sums": {"tried": Side().to_json(), "reference": Side().to_json()},
            "started_at": one.since,
        },
    )


def _begin_days(catalog: Catalog, one: Stretch, *, since: datetime, until: datetime) -> None:
    """A watch for each day that the active version served in, of those days that are looked at."""
    first, last = max(one.since, since), min(one.until or until, until)
    day = day_of(first)
    while first < last and day <= day_of(last - timedelta.resolution):
        if not Watch.objects.filter(version=one.version, day=day, rollout=None).exists():
            _begin_day(catalog, one, day)
        day += DAY


def _begin_day(catalog: Catalog, one: Stretch, day: date) -> None:
    """Its level is a part of the promised one, so that all days together keep it: 6 / π² (1 + 1/4 + 1/9 + …) is 1."""
    settings = settings_of_catalog(catalog)
    number = (day - day_of(one.since)).days + 1
    taken = Activation.objects.filter(version=one.version, created_at__lte=one.since).order_by("pk").last()
    Watch.objects.get_or_create(
        version_id=one.version,
        day=day,
        rollout=None,
        defaults={
            "against_id": taken.previous_id if taken else None,
            "settings": settings.to_json(),
            "level": settings.false_alarm * 6 / (math.pi * number) ** 2,
            "sums": {"tried": Side().to_json()},
            "started_at": max(one.since, datetime.combine(day, time(), tzinfo=UTC)),
        },
    )


def counted(watch: Watch) -> tuple[Side, Side | None]:
    """What its own lists add up to: of the watched version, and of the one beside a canary."""
    beside = watch.sums.get("reference")
    return Side.from_json(watch.sums["tried"]), Side.from_json(beside) if beside else None


def sides_of(watch: Watch) -> tuple[Side, Side | None]:
    """The watched version's, and what it is held against: for a day of the active version, the last days of the one
    before it, where there are any."""
    tried, reference = counted(watch)
    if watch.is_canary or watch.against_id is None:
        return tried, reference
    days = Watch.objects.filter(version=watch.against_id, rollout=None, day__lte=watch.day).order_by("-day")
    total = Side()
    for sums in days.values_list("sums", flat=True)[:REFERENCE_DAYS]:
        total.add(Side.from_json(sums["tried"]))
    return tried, total if total.people else None


def settings_of(watch: Watch) -> GuardSettings:
    return GuardSettings.from_json(watch.settings)


def mark_clicks(watch: Watch, clicks: Collection[tuple[UUID, datetime]]) -> None:
    """Lists of which an item was opened in time. `clicks`: the list, and when the click arrived."""
    within, wanted = timedelta(minutes=settings_of(watch).click_minutes), list(clicks)
    for first in range(0, len(wanted), AT_ONCE):
        some = wanted[first : first + AT_ONCE]
        asked = WatchedList.objects.filter(watch=watch, clicked=False, recommendation__in={one for one, _ in some})
        made = {recommendation: (pk, at) for pk, recommendation, at in asked.values_list("pk", "recommendation", "at")}
        in_time = [made[one][0] for one, came in some if one in made and came <= made[one][1] + within]
        WatchedList.objects.filter(pk__in=in_time).update(clicked=True)


def settle(watch: Watch, sides: tuple[Side, Side | None], start: datetime, end: datetime) -> None:
    """Count the lists whose time to be clicked ran out in this stretch: from now on they change no more."""
    within = timedelta(minutes=settings_of(watch).click_minutes)
    made = WatchedList.objects.filter(watch=watch, at__gte=start - within, at__lt=end - within)
    counted = made.order_by().values("tried").annotate(many=Count("pk"), opened=Count("pk", filter=Q(clicked=True)))
    for row in counted:
        side = sides[0] if row["tried"] else sides[1]
        if side is not None:
            side.settled += row["many"]
            side.clicked += row["opened"]


def over_at(watch: Watch) -> datetime | None:
    """When nothing more can come; None while that is not known."""
    if watch.rollout:
        return watch.rollout.ended_at
    assert watch.day is not None, "a database constraint gives every other watch a day"
    end = datetime.combine(watch.day + DAY, time(), tzinfo=UTC)
    return end + timedelta(minutes=settings_of(watch).click_minutes)


def close(watch: Watch, now: datetime) -> None:
    """Forget who was counted; the sums stay."""
    listed = WatchedList.objects.filter(watch=watch)
    while some := list(listed.values_list("pk", flat=True)[:AT_ONCE]):
        WatchedList.objects.filter(pk__in=some).delete()
    Watch.objects.filter(pk=watch.pk, closed_at=None).update(closed_at=now)

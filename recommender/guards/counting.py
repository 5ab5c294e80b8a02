"""Lists and events, counted once each, in slices of time.

A slice is read outside any transaction and written in one that moves `GuardProgress.counted_until` from the slice's
start to its end: of two that count the same slice one writes, and a killed one leaves nothing. So a row of the log is
read once, by an index, whatever the length of the log; what pages and guards read are sums.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from recommender.events import rows
from recommender.guards import watches
from recommender.guards.tallies import Counts, Listed, Side, listed
from recommender.guards.watches import Timeline
from recommender.models import (
    Catalog,
    Event,
    EventType,
    GuardProgress,
    Item,
    Recommendation,
    ServedHour,
    Watch,
    WatchedList,
)

LAG = timedelta(seconds=30)  # a row gets its time before its transaction commits, which takes less
SLICE = timedelta(minutes=10)
MOST_SLICES = 50  # in one go; the next one goes on
FIRST = timedelta(hours=24)  # how far back counting begins
AT_ONCE = 2_000  # rows in one statement
HOLDS = (EventType.LIKE, EventType.DISLIKE, EventType.RATING, EventType.PURCHASE)
Place = tuple[int, bool, datetime]  # version, whether as a canary, hour


@dataclass(slots=True)
class Slice:
    """What a stretch of time adds. `first`: by watch, the lists that may be a person's first, in order."""

    start: datetime
    end: datetime
    counts: dict[Place, Counts] = field(default_factory=lambda: defaultdict(Counts))
    items: dict[Place, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    first: dict[int, list[tuple[Listed, bool]]] = field(default_factory=lambda: defaultdict(list))
    item_pks: dict[str, int] = field(default_factory=dict)
    clicks: list[tuple[UUID, datetime]] = field(default_factory=list)


def count(catalog: Catalog, now: datetime) -> bool:
    """Count what came until LAG ago. False: not all of it, or somebody else counts; the next call goes on."""
    start = _counted_until(catalog, now)
    for _ in range(MOST_SLICES):
        end = min(now - LAG, _first_row(catalog, start, now) + SLICE)
        if end <= start:
            return True
        timeline = watches.timeline(catalog, since=start, until=end)
        found = _read(catalog, timeline, start, end)
        if not _write(catalog, found):
            return False
        start = end
    return False


def _counted_until(catalog: Catalog, now: datetime) -> datetime:
    progress, _ = GuardProgress.objects.get_or_create(catalog=catalog, defaults={"counted_until": now - FIRST})
    return progress.counted_until


def _first_row(catalog: Catalog, start: datetime, now: datetime) -> datetime:
    """When the first list or event came from `start` on; `now` where none has. Quiet hours are one slice."""
    made = Recommendation.objects.filter(catalog=catalog, created_at__gte=start).order_by("created_at")
    came = Event.objects.filter(catalog=catalog, created_at__gte=start).order_by("created_at")
    found = [rows_.values_list("created_at", flat=True).first() for rows_ in (made, came)]
    return min([at for at in found if at is not None], default=now)


def _read(catalog: Catalog, timeline: Timeline, start: datetime, end: datetime) -> Slice:
    found = Slice(start, end)
    log = Recommendation.objects.filter(catalog=catalog, created_at__gte=start, created_at__lt=end)
    columns = ("pk", "end_user", "canary", "source", "degraded_code", "created_at", "items")
    asked_now = log.filter(as_of=None, scenario="backbone", experiment=None).order_by("created_at", "pk")
    read = [one for row in asked_now.values_list(*columns).iterator(chunk_size=AT_ONCE) if (one := listed(*row))]
    found.item_pks = _pks(catalog, {item for one in read for item in one.items})
    for one in read:
        place = timeline.place(one.canary, one.at)
        if place is None:
            continue
        found.counts[place].count(one)
        found.items[place].update(found.item_pks[item] for item in one.items if item in found.item_pks)
        if one.end_user is not None:
            for watch, tried in timeline.watches_of(one.canary, one.at):
                found.first[watch].append((one, tried))
    _read_events(catalog, timeline, found)
    return found


def _pks(catalog: Catalog, external_ids: set[str]) -> dict[str, int]:
    keys = [(catalog.pk, external_id) for external_id in external_ids]
    return dict(rows.find(Item, ("external_id", "id"), keys, unique=("catalog_id", "external_id")))


def _read_events(catalog: Catalog, timeline: Timeline, found: Slice) -> None:
    """Clicks, and opinions beside the score that the item had in its list."""
    came = Event.objects.filter(created_at__gte=found.start, created_at__lt=found.end, catalog=catalog)
    about = came.filter(type__in=[EventType.CLICK, *HOLDS]).exclude(recommendation=None)
    events = list(about.values_list("type", "recommendation", "item__external_id", "value", "created_at"))
    lists = _lists({recommendation for _, recommendation, *_ in events if recommendation is not None})
    for kind, recommendation, item, value, at in events:
        if recommendation is None or recommendation not in lists:
            continue
        canary, made_at, scores = lists[recommendation]
        place = timeline.place(canary, made_at)
        if place is None:
            continue
        counts = found.counts[place[0], place[1], watches.hour_of(at)]
        if kind == EventType.CLICK:
            counts.clicks += 1
            found.clicks.append((recommendation, at))
        elif (score := scores.get(item)) is not None:
            counts.opinions += 1
            counts.liked += _liked(kind, value, catalog)
            counts.expected += score


def _lists(pks: set[UUID]) -> dict[UUID, tuple[int | None, datetime, dict[str, float]]]:
    """By id: canary, time, and the probabilities of a like by item, of a version whose scores are that."""
    found: dict[UUID, tuple[int | None, datetime, dict[str, float]]] = {}
    wanted = list(pks)
    for first in range(0, len(wanted), AT_ONCE // 4):
        some = Recommendation.objects.filter(pk__in=wanted[first : first + AT_ONCE // 4], experiment=None)
        columns = some.values_list("pk", "canary", "created_at", "source", "backbone__drawn", "items")
        for pk, canary, at, source, drawn, items in columns:
            scored = items if source == "backbone" and not drawn else ()
            scores = {item["item_id"]: item["score"] for item in scored if item.get("score") is not None}
            found[pk] = (canary, at, scores)
    return found


def _liked(kind: str, value: float | None, catalog: Catalog) -> bool:
    if kind == EventType.RATING:
        return value is not None and value > catalog.like_threshold
    return kind != EventType.DISLIKE


@transaction.atomic
def _write(catalog: Catalog, found: Slice) -> bool:
    """False: the slice was counted by another, and nothing is written."""
    mine = GuardProgress.objects.filter(catalog=catalog, counted_until=found.start)
    if not mine.update(counted_until=found.end):
        return False
    _add_hours(found)
    open_watches = Watch.objects.filter(version__catalog=catalog, closed_at=None).select_for_update(of=("self",))
    for watch in open_watches:
        sides = watches.counted(watch)
        _add_first(watch, sides, found.first.get(watch.pk, ()), found.item_pks)
        watches.mark_clicks(watch, found.clicks)
        watches.settle(watch, sides, found.start, found.end)
        watch.sums = {
            name: side.to_json() for name, side in zip(("tried", "reference"), sides, strict=True) if side is not None
        }
        watch.save(update_fields=["sums"])
    return True


def _add_hours(found: Slice) -> None:
    for place, counts in found.counts.items():
        version, is_canary, hour = place
        row, _ = ServedHour.objects.get_or_create(
            version_id=version, is_canary=is_canary, hour=hour, defaults={"counts": {}, "items": {}}
        )
        total, items = Counts.from_json(row.counts), Counter(row.items)
        total.add(counts)
        items.update({str(pk): many for pk, many in found.items.get(place, {}).items()})
        row.counts, row.items = total.to_json(), items
        row.save(update_fields=["counts", "items"])


def _add_first(
    watch: Watch,
    sides: tuple[Side, Side | None],
    lists: Sequence[tuple[Listed, bool]],
    item_pks: dict[str, int],
) -> None:
    """Those of people who are new to the watch. Nobody is counted twice: the table has each person once."""
    by_person: dict[int, tuple[Listed, bool]] = {}
    for one, tried in lists:
        if one.end_user is not None and one.at >= watch.started_at:
            by_person.setdefault(one.end_user, (one, tried))
    people = sorted(by_person)
    for first in range(0, len(people), AT_ONCE):
        some = people[first : first + AT_ONCE]
        for person in _insert(watch, [(person, *by_person[person]) for person in some]):
            one, tried = by_person[person]
            if (side := sides[0] if tried else sides[1]) is not None:
                side.count(one, (item_pks[item] for item in one.items if item in item_pks))


def _insert(watch: Watch, lists: Iterable[tuple[int, Listed, bool]]) -> list[int]:
    columns = ("watch_id", "end_user_id", "recommendation", "tried", "at", "clicked")
    wanted = [(watch.pk, person, one.pk.hex, tried, rows.written(one.at), False) for person, one, tried in lists]
    new = rows.insert(WatchedList, columns, wanted, unique=("watch_id", "end_user_id"))
    return sorted(person for _, person in new)

"""Take events: each once, whatever is sent again; opinions become interactions that the next request has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from recommender.catalogs.changes import changed, lock
from recommender.counters import EVENTS, NONE
from recommender.events import reading, rows
from recommender.events.names import Names
from recommender.events.opinions import Opinion, together
from recommender.events.reading import Sent
from recommender.events.refusals import Code, RefusedError, Rejected
from recommender.models import OPINIONS, Catalog, Event, Interaction, Recommendation

AT_ONCE = 2_000  # events in one transaction: SQLite has one writer, and a catalog has one
COLUMNS = (
    *("catalog_id", "event_id", "type", "end_user_id", "item_id"),
    *("recommendation", "position", "value", "moment", "at", "created_at"),
)
KEY = ("end_user_id", "moment", "item_id")  # of an interaction
Key = tuple[int, int, int]

NO_SUCH_LIST = RefusedError(
    Code.UNKNOWN_RECOMMENDATION, "No list of this `recommendation_id` is in the catalog's serving log."
)
NOT_THEIRS = RefusedError(Code.NOT_THEIR_LIST, "The list of this `recommendation_id` was made for another end user.")


@dataclass(slots=True)
class Taken:
    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def take(catalog: Catalog, entries: Sequence[object], *, create: bool = False, now: datetime | None = None) -> Taken:
    """Take the entries that can be taken; the others are told with the reason. The same call again changes nothing.

    `create`: end users that the catalog does not have are added. What was stored before a failure stays, so whoever
    meets one sends all of them again.
    """
    now, taken = now or timezone.now(), Taken()
    for first in range(0, len(entries), AT_ONCE):
        sent = []
        for index, raw in enumerate(entries[first : first + AT_ONCE], start=first):
            try:
                sent.append(reading.event(index, raw, catalog=catalog, now=now))
            except RefusedError as why:
                taken.rejected.append(Rejected.of(index, why))
                EVENTS.labels(_type_of(raw), "rejected").inc()
        if sent:
            _take(catalog, sent, taken, create=create, now=now)
    taken.rejected.sort(key=lambda one: one.index)
    return taken


def _take(catalog: Catalog, sent: Sequence[Sent], taken: Taken, *, create: bool, now: datetime) -> None:
    with transaction.atomic():
        lock(catalog)
        names = Names.of(catalog, ((one.user_id, one.item_id) for one in sent), create=create)
        lists = _lists(catalog, sent)
        kept: dict[str, tuple[Sent, int | None, int]] = {}
        became: Counter[tuple[str, str]] = Counter()
        for one in sent:
            try:
                item, end_user = names.item(one.item_id), names.end_user(one.user_id) if one.user_id else None
                _check_list(one, end_user, lists)
            except RefusedError as why:
                taken.rejected.append(Rejected.of(one.index, why))
                became[one.type, "rejected"] += 1
                continue
            became[one.type, "duplicate"] += 1  # unless it is stored as a new one below
            taken.duplicates += one.event_id in kept
            kept.setdefault(one.event_id, (one, end_user, item))
        new = _store(catalog, kept.values(), now=now)
        taken.accepted += len(new)
        taken.duplicates += len(kept) - len(new)
        opinions: dict[Key, list[Opinion]] = defaultdict(list)
        for event_id in new:
            one, end_user, item = kept[event_id]
            became[one.type, "accepted"] += 1
            became[one.type, "duplicate"] -= 1
            if one.moment is not None and end_user is not None:
                opinions[end_user, one.moment, item].append(Opinion(one.type, one.value, one.at, one.event_id))
        if opinions:
            _interact(opinions)
            changed(catalog)
        transaction.on_commit(partial(_count, became))


def _type_of(raw: object) -> str:
    """Of an entry that cannot be read, which may say anything."""
    kind = raw.get("type") if isinstance(raw, dict) else None
    return kind if isinstance(kind, str) and kind in reading.TYPES else NONE


def _count(became: Mapping[tuple[str, str], int]) -> None:
    for (kind, outcome), many in became.items():
        EVENTS.labels(kind, outcome).inc(many)


def _lists(catalog: Catalog, sent: Iterable[Sent]) -> Mapping[UUID, int | None]:
    """The end user of each list that the events are about."""
    asked = {one.recommendation for one in sent if one.recommendation}
    if not asked:
        return {}
    return dict(Recommendation.objects.filter(catalog=catalog, pk__in=asked).values_list("pk", "end_user"))


def _check_list(one: Sent, end_user: int | None, lists: Mapping[UUID, int | None]) -> None:
    if one.recommendation is None:
        return
    if one.recommendation not in lists:
        raise NO_SUCH_LIST
    if None not in (end_user, lists[one.recommendation]) and end_user != lists[one.recommendation]:
        raise NOT_THEIRS


def _store(catalog: Catalog, kept: Iterable[tuple[Sent, int | None, int]], *, now: datetime) -> list[str]:
    """The ids of the events that were new, in the order of time."""
    came = rows.written(now)
    listed = [
        (
            *(catalog.pk, one.event_id, one.type, end_user, item, one.recommendation and one.recommendation.hex),
            *(one.position, one.value, one.moment, rows.written(one.at), came),
        )
        for one, end_user, item in kept
    ]
    new = rows.insert(Event, COLUMNS, listed, unique=("catalog_id", "event_id"))
    return [event_id for _, event_id, *_ in listed if (catalog.pk, event_id) in new]


def _interact(opinions: Mapping[Key, list[Opinion]]) -> None:
    """Write an interaction for each end user, item and moment; where there is one it says what all events say."""
    columns = (*KEY, "rating", "label")
    listed = [(*key, *together(said)) for key, said in sorted(opinions.items(), key=lambda one: one[1][0].at)]
    new = rows.insert(Interaction, columns, listed, unique=KEY)
    there = [key for key in opinions if key not in new]
    if not there:
        return
    said = _said_before(there)
    known = {row[:3]: row[3:] for row in rows.find(Interaction, columns, there, unique=KEY)}
    meant = {key: together(said[key], rating=known[key][0], label=known[key][1]) for key in there}
    rows.upsert(Interaction, columns, [(*key, *now) for key, now in meant.items() if now != known[key]], unique=KEY)


def _said_before(keys: Sequence[Key]) -> Mapping[Key, list[Opinion]]:
    """All opinions of these end users, items and moments that are kept as events, the present ones included."""
    said: dict[Key, list[Opinion]] = defaultdict(list)
    events = Event.objects.filter(end_user__in={key[0] for key in keys}, item__in={key[2] for key in keys})
    found = events.filter(type__in=OPINIONS).values_list(*KEY, "type", "value", "at", "event_id")
    for end_user, moment, item, *opinion in found.iterator(chunk_size=5_000):
        said[end_user, moment or 0, item].append(Opinion(*opinion))
    return said

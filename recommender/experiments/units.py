"""What each end user of an experiment did: one row an end user, the unit of everything that is said of it.

An end user is observed for the experiment's hours from the first list on. What was shown in that time and what was done
with it in that time counts, by the `recommendation_id` of the event; the end user counts once the time is over. So
what counts of somebody never changes afterwards, and the end users come one after the other as the theory of the
intervals wants them, however often somebody looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recommender import replica
from recommender.models import Event, EventType, Experiment, Item, Metric, Recommendation

COUNTED = (EventType.CLICK, EventType.LIKE, EventType.PURCHASE, EventType.RATING, EventType.EXPLANATION_HELPFUL)
AT_ONCE = 5_000
Values = NDArray[np.float64]


@dataclass(slots=True)
class _Person:
    variant: str
    until: datetime
    lists: dict[UUID, datetime] = field(default_factory=dict)
    clicked: set[UUID] = field(default_factory=set)
    likes: int = 0
    bought: int = 0
    ratings: list[float] = field(default_factory=list)
    judged: list[float] = field(default_factory=list)  # whether reasons helped
    sides: list[tuple[UUID, int]] = field(default_factory=list)  # clicked: list and item


@dataclass(frozen=True, slots=True)
class Units:
    """End users whose time is over, in the order in which it was (n). `people`: primary keys. `variant`: names.

    `lists`, `clicked`: lists shown, and of those the clicked ones. `likes`, `bought`: events. `ratings`, `stars`: how
    many ratings, and their sum. `judged`, `helpful`: how often they said whether reasons helped, and that these did.
    `sides`: of mixed lists, (clicks for the first side, for the second) of each.
    `shown`: everybody who got a list, by variant, whether or not their time is over; `twice`: those who got lists of
    several variants, which count for none. `lists_shown`: all lists so far.
    """

    people: NDArray[np.int64]
    variant: NDArray[np.str_]
    lists: Values
    clicked: Values
    likes: Values
    bought: Values
    ratings: Values
    stars: Values
    judged: Values
    helpful: Values
    sides: Values
    shown: Mapping[str, int]
    twice: int
    lists_shown: int

    def of(self, metric: Metric, rows: NDArray[np.bool_]) -> tuple[Values, Values]:
        """The sums (n), (n) whose ratio is the metric, of the end users at `rows`."""
        one = np.ones(int(rows.sum()))
        match metric:
            case Metric.CLICKING:
                return (self.clicked[rows] > 0).astype(np.float64), one
            case Metric.CLICKED_LISTS:
                return self.clicked[rows], self.lists[rows]
            case Metric.LIKING:
                return (self.likes[rows] > 0).astype(np.float64), one
            case Metric.BUYING:
                return (self.bought[rows] > 0).astype(np.float64), one
            case Metric.RATING:
                return self.stars[rows], self.ratings[rows]
            case Metric.HELPFUL:
                return self.helpful[rows], self.judged[rows]


def read(experiment: Experiment, *, now: datetime) -> Units:
    """As of `now`. Of erased end users there is nothing. `experiment.catalog` is loaded; it has been started."""
    return replica.counted(experiment.catalog, lambda using: _read(experiment, now, using))


def _read(experiment: Experiment, now: datetime, using: str) -> Units:
    people, twice, shown = _exposed(experiment, using)
    until = min(now, experiment.stopped_at) if experiment.stopped_at else now
    over = sorted((pk for pk, one in people.items() if one.until <= until), key=lambda pk: (people[pk].until, pk))
    _add_events(experiment, people, using)
    names = sorted({one.variant for one in people.values()})
    counted = [people[pk] for pk in over]
    return Units(
        people=np.array(over, dtype=np.int64),
        variant=np.array([one.variant for one in counted], dtype=np.str_),
        lists=_column(len(one.lists) for one in counted),
        clicked=_column(len(one.clicked) for one in counted),
        likes=_column(one.likes for one in counted),
        bought=_column(one.bought for one in counted),
        ratings=_column(len(one.ratings) for one in counted),
        stars=_column(sum(one.ratings) for one in counted),
        judged=_column(len(one.judged) for one in counted),
        helpful=_column(sum(one.judged) for one in counted),
        sides=_sides(experiment, counted, using),
        shown={name: sum(one.variant == name for one in people.values()) for name in names},
        twice=twice,
        lists_shown=shown,
    )


def _column(values: Iterable[float]) -> Values:
    return np.fromiter(values, dtype=np.float64)


def _exposed(experiment: Experiment, using: str) -> tuple[dict[int, _Person], int, int]:
    """Who got lists, with those of their time; how many got lists of several variants; how many lists there were."""
    window = timedelta(hours=experiment.window_hours)
    rows = Recommendation.objects.using(using).filter(
        experiment=experiment.pk, end_user__erased_at=None, end_user__isnull=False, as_of=None
    )  # one as of an earlier moment was shown to nobody
    people: dict[int, _Person] = {}
    twice: set[int] = set()
    shown = 0
    found = rows.order_by("created_at", "pk").values_list("end_user", "pk", "variant", "created_at")
    for end_user, listed, variant, at in found.iterator(chunk_size=AT_ONCE):
        shown += 1
        one = people.setdefault(end_user, _Person(variant, at + window))
        if one.variant != variant:
            twice.add(end_user)
        if at < one.until:
            one.lists[listed] = at
    for end_user in twice:
        del people[end_user]
    return people, len(twice), shown


def _add_events(experiment: Experiment, people: Mapping[int, _Person], using: str) -> None:
    """An event counts for the end user of its list, whoever is said to have sent it."""
    whose = {listed: one for one in people.values() for listed in one.lists}
    threshold = experiment.catalog.like_threshold
    # Nothing came before the experiment began: the index of arrival leaves the rest unread.
    events = (
        Event.objects.using(using)
        .filter(
            catalog=experiment.catalog_id,
            created_at__gte=experiment.started_at,
            type__in=COUNTED,
            recommendation__in=Recommendation.objects.using(using).filter(experiment=experiment.pk).values("pk"),
        )
        .values_list("recommendation", "type", "item", "value", "at")
    )
    for listed, kind, item, value, at in events.order_by("pk").iterator(chunk_size=AT_ONCE):
        one = whose.get(listed) if listed else None
        if listed is None or one is None or at >= one.until:
            continue
        if kind == EventType.CLICK:
            one.clicked.add(listed)
            one.sides.append((listed, item))
        elif kind == EventType.PURCHASE:
            one.bought += 1
        elif kind == EventType.LIKE:
            one.likes += 1
        elif kind == EventType.EXPLANATION_HELPFUL:
            one.judged.append(value or 0.0)
        elif value is not None:
            one.ratings.append(value)
            one.likes += value > threshold


def _sides(experiment: Experiment, counted: list[_Person], using: str) -> Values:
    """Clicks for each side (n, 2): of an item once a list."""
    made = np.zeros((len(counted), 2))
    if experiment.kind != "interleaved":
        return made
    names = [each["name"] for each in experiment.variants]
    clicked = sorted({listed for one in counted for listed, _ in one.sides})
    put: dict[UUID, dict[str, int]] = {}
    for first in range(0, len(clicked), 500):
        some = Recommendation.objects.using(using).filter(pk__in=clicked[first : first + 500])
        for listed, items in some.values_list("pk", "items"):
            put[listed] = {each["item_id"]: names.index(each["side"]) for each in items if "side" in each}
    of_catalog = Item.objects.using(using).filter(catalog=experiment.catalog_id)
    ids = dict(of_catalog.values_list("pk", "external_id"))
    for row, one in enumerate(counted):
        for listed, item in set(one.sides):
            side = put.get(listed, {}).get(ids.get(item, ""))
            if side is not None:
                made[row, side] += 1
    return made

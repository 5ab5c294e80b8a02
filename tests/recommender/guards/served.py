"""A catalog with an active version and a canary beside it, and rows of its log as serving writes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from recommender.guards import service
from recommender.guards.settings import GuardSettings
from recommender.models import (
    BackboneVersion,
    Catalog,
    EndUser,
    Event,
    Item,
    Recommendation,
    Rollout,
    RolloutMode,
    VersionState,
    Watch,
)
from recommender.promotion import activation, rollouts
from tests import builders
from tests.recommender.promotion.versions import examined, make_version

PASSING = {"least_people": 20, "canary_hours": 1.0}


@dataclass
class Served:
    """`start`: when the canary began, two hours ago."""

    catalog: Catalog
    active: BackboneVersion
    canary: BackboneVersion
    rollout: Rollout
    start: datetime
    now: datetime
    made: int = 0

    def within_a_day(self) -> None:
        """The active version is watched day by day: behind midnight the two hours are those of the new day."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.start < midnight:
            self.start, self.now = midnight, midnight + timedelta(hours=2)

    def lists(
        self,
        many: int,
        *,
        canary: bool,
        code: str = "",
        score: float = 0.6,
        clicked: int = 0,
        minutes: float = 10.0,
        same: bool = False,
    ) -> list[EndUser]:
        """So many lists of new people, the first `clicked` of them clicked a minute later; one item of ten."""
        at = self.start + timedelta(minutes=minutes)
        people = EndUser.objects.bulk_create(
            EndUser(catalog=self.catalog, external_id=f"p{self.made + n}") for n in range(many)
        )
        items = list(Item.objects.filter(catalog=self.catalog).order_by("pk"))
        shown = [items[0 if same else (self.made + n) % len(items)] for n in range(many)]
        rows = self.log(list(zip(people, shown, strict=True)), canary=canary, code=code, score=score, at=at)
        self.events("click", rows[:clicked], shown[:clicked], at + timedelta(minutes=1))
        self.made += many
        return people

    def log(
        self, pairs: list[tuple[EndUser, Item]], *, canary: bool, code: str, score: float, at: datetime
    ) -> list[Recommendation]:
        """A list of one item for each of the people."""
        version = self.canary if canary else self.active
        rows = Recommendation.objects.bulk_create(
            Recommendation(
                catalog=self.catalog,
                end_user=person,
                backbone=None if code else version,
                canary=self.rollout if canary else None,
                source="popular" if code else "backbone",
                degraded_code=code,
                scenario="backbone",
                items=[{"item_id": item.external_id, "title": item.title, "rank": 1, "score": score}],
            )
            for person, item in pairs
        )
        Recommendation.objects.filter(pk__in=[row.pk for row in rows]).update(created_at=at)
        return rows

    def events(
        self, kind: str, rows: list[Recommendation], items: list[Item], at: datetime, value: float | None = None
    ) -> None:
        Event.objects.bulk_create(
            Event(
                catalog=self.catalog, event_id=f"{kind} {row.pk} {at}", type=kind, end_user_id=row.end_user_id,
                item=item, recommendation=row.pk, value=value, at=at, created_at=at,
            )
            for row, item in zip(rows, items, strict=True)
        )  # fmt: skip

    def look(self) -> Watch:
        """As the periodic task does; the canary's watch afterwards."""
        service.look(self.now)
        return Watch.objects.get(rollout=self.rollout)


def served(**settings: Any) -> Served:
    catalog = builders.make_catalog(guard_settings=GuardSettings(**PASSING | settings).to_json())
    for _ in range(10):
        builders.make_item(catalog)
    first, active, canary = (make_version(catalog) for _ in range(3))
    for version in (first, active):
        examined(version)
        activation.activate(version, by=None)
    examined(canary)
    rollout = rollouts.start(canary, mode=RolloutMode.CANARY, share=0.5, by=None)
    now = timezone.now()
    start = now - timedelta(hours=2)
    catalog.activations.update(created_at=start - timedelta(hours=1))
    Rollout.objects.filter(pk=rollout.pk).update(created_at=start)
    active.refresh_from_db()
    assert active.state == VersionState.ACTIVE
    return Served(catalog, active, canary, rollout, start, now)

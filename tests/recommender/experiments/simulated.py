"""An experiment that is lived through: lists served to everybody, and events of people who click by a known chance."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from recommender.events import service as events
from recommender.experiments import service
from recommender.experiments.service import Plan
from recommender.models import Catalog, EndUser, Event, Experiment, Recommendation
from recommender.serving.recommend import recommend
from recommender.serving.variants import Variant
from tests.builders import make_catalog, make_end_user, make_item

AB = (Variant("a"), Variant("b"))
Chance = Callable[[str, EndUser], float]


def shop(name: str = "", *, people: int, items: int = 6) -> Catalog:
    """A catalog without a model: everybody gets the newest items. End users are old or young by turns."""
    catalog = make_catalog(name)
    for number in range(items):
        make_item(catalog, external_id=f"i{number}")
    for number in range(people):
        make_end_user(catalog, f"u{number:05}", attributes={"age": "young" if number % 2 else "old"})
    return catalog


def running(catalog: Catalog, *, key: str = "try", variants: tuple[Variant, ...] = AB, **plan: object) -> Experiment:
    made = service.create(catalog, Plan(key=key, variants=variants, **plan), by=None)  # type: ignore[arg-type]
    made.salt = "salt"  # so that everybody gets the same variant in every run of a test
    made.save(update_fields=["salt"])
    service.start(made, by=None)
    catalog.refresh_from_db()
    return made


def lived(catalog: Catalog, chance: Chance, *, seed: int, lists: int = 1, limit: int = 3, kind: str = "click") -> None:
    """Serve everybody so many lists; each is clicked, at its first item, by the chance of the variant and person."""
    rng = np.random.default_rng(seed)
    sent = []
    for end_user in catalog.end_users.order_by("pk"):
        end_user.catalog = catalog
        for _ in range(lists):
            served = recommend(end_user, limit=limit)
            if rng.random() < chance(served.variant, end_user):
                sent.append(
                    {
                        "event_id": str(served.recommendation_id),
                        "type": kind,
                        "user_id": end_user.external_id,
                        "item_id": served.items[0].item_id,
                        "recommendation_id": str(served.recommendation_id),
                    }
                )
    taken = events.take(catalog, sent)
    assert not taken.rejected, taken.rejected[:2]


def two_days_ago(experiment: Experiment, per_hundred: dict[str, int]) -> None:
    """It started then, and everybody got one list at once; of each hundred users so many of a variant clicked."""
    catalog, started = experiment.catalog, timezone.now() - timedelta(days=2)
    Experiment.objects.filter(pk=experiment.pk).update(started_at=started)
    names = list(per_hundred)
    served = [
        Recommendation(
            catalog=catalog,
            end_user=one,
            source="newest",
            items=[],
            experiment=experiment,
            variant=names[place // 2 % len(names)],
        )
        for place, one in enumerate(catalog.end_users.order_by("pk"))
    ]
    Recommendation.objects.bulk_create(served)
    Recommendation.objects.filter(experiment=experiment).update(created_at=started)
    item, at = catalog.items.earliest("pk"), started + timedelta(minutes=1)
    Event.objects.bulk_create(
        Event(
            catalog=catalog, event_id=str(one.pk), type="click", end_user=one.end_user, item=item,
            recommendation=one.pk, at=at, created_at=at,
        )
        for place, one in enumerate(served)
        if place % 100 < per_hundred[one.variant]
    )  # fmt: skip
    experiment.refresh_from_db()


def afterwards(experiment: Experiment) -> datetime:
    """When everybody's time is over."""
    last = Recommendation.objects.filter(experiment=experiment).latest("created_at").created_at
    return last + timedelta(hours=experiment.window_hours, seconds=1)

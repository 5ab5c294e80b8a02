"""A canary that serves people worse is rolled back by the real task of a real worker: lists by real models, logged and
clicked as a shop would, and the next request has the active model again."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import Celery
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from recommender import jobs
from recommender.artifacts import files, verified
from recommender.events.service import take
from recommender.guards.settings import GuardSettings
from recommender.models import (
    AuditEntry,
    AuditEvent,
    Catalog,
    EndUser,
    Event,
    Interaction,
    Recommendation,
    Rollout,
    RolloutMode,
)
from recommender.promotion import rollouts
from recommender.serving import catalog_index
from recommender.serving.recommend import recommend
from recommender.serving.rollout import place_of
from tests.recommender.promotion.versions import examined, make_version
from tests.recommender.serving.ranked import ranked_catalog, trained
from tests.servers import wait_until

AGO = timedelta(hours=2)
MORE = 50  # end users beside the 30 of the catalog, with histories like theirs
SETTINGS = {"least_people": 20, "false_alarm": 0.1}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    catalog_index.KEPT.clear()
    yield
    verified.LOADED.clear()
    catalog_index.KEPT.clear()


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("harm", ["fallback", "clicks"])
def test_a_canary_that_does_worse_is_rolled_back_by_the_worker(
    live_worker: Celery, settings: Settings, harm: str
) -> None:
    catalog = ranked_catalog()
    Catalog.objects.filter(pk=catalog.pk).update(guard_settings=GuardSettings(**SETTINGS).to_json())
    people = _more_people(catalog)
    canary = make_version(catalog)
    shutil.copytree(trained(), files.folder_of(canary), dirs_exist_ok=True)
    examined(canary)
    rollout = rollouts.start(canary, mode=RolloutMode.CANARY, share=0.5, by=None)
    theirs = {person.pk for person in people if place_of(person, rollout.salt) < 0.5}
    if harm == "fallback":  # nothing is left to rank by, for the canary's people alone
        Interaction.objects.filter(end_user__in=theirs).delete()
    for person in people:
        served = recommend(person, limit=3)
        if harm == "clicks" and person.pk not in theirs:
            sent = {"event_id": f"c{person.pk}", "type": "click", "item_id": served.items[0].item_id}
            assert take(catalog, [sent | {"recommendation_id": str(served.recommendation_id)}]).accepted == 1
    assert Recommendation.objects.filter(canary=rollout).count() == len(theirs)
    _let_time_pass(catalog, rollout)

    for _ in range(2):  # it may arrive twice
        live_worker.send_task(jobs.WATCH_MODELS.name, queue=jobs.WATCH_MODELS.queue)
    wait_until(lambda: Rollout.objects.get(pk=rollout.pk).ended_at is not None, seconds=60, what="the roll back")
    wait_until(lambda: not jobs.waiting(jobs.WATCH_MODELS.queue), seconds=60, what="the second look")

    (entry,) = AuditEntry.objects.filter(event=AuditEvent.GUARD_BROKEN)
    assert entry.about == str(canary)
    said = "Lists from the fallback: 100 % (beside it 0 %)"
    assert (said if harm == "fallback" else "Click rate: 0 % (beside it 100 %)") in entry.details
    one = EndUser.objects.select_related("catalog").filter(pk__in=theirs, interactions__isnull=False).first()
    if one:
        again = recommend(one, limit=3)
        assert again.backbone is not None
        assert again.backbone.number == 1


def _more_people(catalog: Catalog) -> list[EndUser]:
    known = list(catalog.end_users.order_by("pk"))
    new = EndUser.objects.bulk_create(EndUser(catalog=catalog, external_id=f"x{n}") for n in range(MORE))
    rows = Interaction.objects.filter(end_user__in=known).values_list("end_user", "item", "rating", "moment")
    by_person: dict[int, list[tuple[int, float | None, int]]] = {}
    for end_user, *row in rows:
        by_person.setdefault(end_user, []).append(tuple(row))
    Interaction.objects.bulk_create(
        Interaction(end_user=person, item_id=item, rating=rating, moment=moment)
        for n, person in enumerate(new)
        for item, rating, moment in by_person[known[n % len(known)].pk]
    )
    return list(catalog.end_users.select_related("catalog").order_by("pk"))


def _let_time_pass(catalog: Catalog, rollout: Rollout) -> None:
    """As if all that had happened two hours ago: clicks have had their time."""
    before = timezone.now() - AGO
    catalog.backbone_versions.update(created_at=before - timedelta(hours=1))
    Rollout.objects.filter(pk=rollout.pk).update(created_at=F("created_at") - AGO)
    Recommendation.objects.update(created_at=F("created_at") - AGO)
    Event.objects.update(created_at=F("created_at") - AGO)

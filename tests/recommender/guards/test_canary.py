"""A canary that does worse is rolled back, once, in words; one that does not is left alone, and passes."""

from datetime import timedelta

import pytest
from django.db import connection

from recommender.guards import counting, service
from recommender.models import (
    AuditEntry,
    AuditEvent,
    GuardProgress,
    Recommendation,
    Rollout,
    ServedHour,
    VersionState,
    Watch,
    WatchedList,
    WatchOutcome,
)
from recommender.serving.rollout import active_in
from tests.recommender.guards.served import Served, served

pytestmark = pytest.mark.django_db


def ended(one: Served) -> Rollout:
    return Rollout.objects.get(pk=one.rollout.pk)


def test_a_canary_whose_lists_come_from_the_fallback_is_rolled_back_at_once_and_says_why() -> None:
    one = served()
    one.lists(60, canary=False)
    one.lists(20, canary=True)
    one.lists(30, canary=True, code="no_history")
    watch = one.look()

    assert watch.outcome == WatchOutcome.BROKEN
    back, said = "It was rolled back: its users get the active model again.", "Lists from the fallback: 60 % (beside"
    assert watch.said.startswith(f"{back} {said} it 0 %) of the lists came from the fallback")
    assert active_in(one.catalog).rollout is None
    assert ended(one).end_reason == watch.said.replace(back, "Rolled back by its guards.")
    entry = AuditEntry.objects.get(event=AuditEvent.GUARD_BROKEN)
    assert (entry.name, entry.about, entry.details) == ("", str(one.canary), watch.said[:300])


def test_a_canary_that_is_clicked_less_is_rolled_back_once_the_clicks_had_their_time() -> None:
    one = served(click_minutes=30)
    one.lists(400, canary=False, clicked=200)
    one.lists(150, canary=True, clicked=15)
    soon = one.start + timedelta(minutes=25)
    service.look(soon)
    assert Watch.objects.get(rollout=one.rollout).outcome == WatchOutcome.WATCHED
    watch = one.look()

    assert watch.outcome == WatchOutcome.BROKEN
    assert "Click rate: 10 % (beside it 50 %) of the people clicked; it may be 20 % less." in watch.said
    assert ended(one).ended_at is not None


@pytest.mark.parametrize(
    ("harm", "said"),
    [({"score": 0.05}, "Mean score"), ({"same": True}, "The same item for everybody")],
)
def test_other_scores_and_one_item_for_everybody_are_guards_too(harm: dict[str, object], said: str) -> None:
    one = served()
    one.lists(150, canary=False)
    one.lists(100, canary=True, **harm)

    watch = one.look()
    assert (watch.outcome, [each["name"] for each in watch.judged if each["state"] == "broken"]) == (
        WatchOutcome.BROKEN,
        ["score" if "score" in harm else "crowding"],
    )
    assert said in watch.said


def test_nothing_is_decided_before_there_are_enough_people_of_both() -> None:
    one = served(least_people=31)
    one.lists(60, canary=False)
    one.lists(30, canary=True, code="cannot_rank")
    watch = one.look()

    assert (watch.outcome, {each["state"] for each in watch.judged}) == (WatchOutcome.WATCHED, {"waiting"})


def test_a_person_counts_once_however_often_they_come() -> None:
    one = served(least_people=2)
    (person,) = one.lists(1, canary=True)
    item = one.catalog.items.order_by("pk")[0]
    later = one.start + timedelta(minutes=20)
    one.log([(person, item)] * 50, canary=True, code="no_history", score=0.5, at=later)
    watch = one.look()

    assert (watch.sums["tried"]["people"], watch.sums["tried"]["fell_back"]) == (1, 0)
    assert sum(row.counts["lists"] for row in ServedHour.objects.filter(is_canary=True)) == 51
    assert sum(row.counts["codes"].get("no_history", 0) for row in ServedHour.objects.filter(is_canary=True)) == 50


def test_an_equal_canary_passes_after_its_time_and_is_offered() -> None:
    one = served(canary_hours=1.5)
    one.lists(60, canary=False, clicked=20)
    one.lists(60, canary=True, clicked=20)
    service.look(one.start + timedelta(hours=1))
    assert Watch.objects.get(rollout=one.rollout).outcome == WatchOutcome.WATCHED
    watch = one.look()

    assert (watch.outcome, watch.said) == (WatchOutcome.PASSED, "It had its time, and broke no guard.")
    assert ended(one).ended_at is None
    one.now += timedelta(minutes=5)
    one.lists(200, canary=True, code="no_history", minutes=121)
    assert one.look().outcome == WatchOutcome.BROKEN


def test_a_canary_that_passed_is_activated_where_that_was_asked_for() -> None:
    one = served(when_passed="activate")
    one.lists(60, canary=False)
    one.lists(60, canary=True)
    watch = one.look()
    one.canary.refresh_from_db()

    assert watch.said == "It had its time, and broke no guard. It was activated."
    assert (one.canary.state, ended(one).end_reason) == (VersionState.ACTIVE, "Version 3 was activated.")
    one.now += timedelta(minutes=5)
    again = one.look()
    assert (again.outcome, again.closed_at is not None, WatchedList.objects.filter(watch=again).count()) == (
        WatchOutcome.PASSED,
        True,
        0,
    )


def test_looking_twice_or_after_a_kill_counts_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    one = served()
    one.lists(60, canary=False, clicked=30)
    one.lists(40, canary=True, clicked=20)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(counting.watches, "settle", killed)  # the last step of a slice's transaction
        with pytest.raises(SystemExit):
            service.look(one.now)
    assert not ServedHour.objects.filter(is_canary=True).exists()
    first = one.look().sums
    GuardProgress.objects.update(counted_until=one.start - timedelta(minutes=1))  # as if another had not moved it
    people = {side: sums["people"] for side, sums in one.look().sums.items()}

    assert (first["tried"]["people"], first["tried"]["clicked"], first["reference"]["clicked"]) == (40, 20, 30)
    assert people == {"tried": 40, "reference": 60}


def test_of_two_that_count_the_same_stretch_one_writes() -> None:
    one = served()
    one.lists(30, canary=True)
    start = one.start
    GuardProgress.objects.create(catalog=one.catalog, counted_until=start)
    timeline = counting.watches.timeline(one.catalog, since=start, until=one.now)
    first, second = (counting._read(one.catalog, timeline, start, one.now) for _ in range(2))

    assert counting._write(one.catalog, first)
    assert not counting._write(one.catalog, second)
    assert ServedHour.objects.get(is_canary=True).counts["lists"] == 30


def test_pages_of_a_list_and_empty_ones_say_nothing_of_a_model() -> None:
    one = served()
    one.lists(3, canary=True)
    page, empty, past = Recommendation.objects.order_by("created_at", "pk")
    page.items[0]["rank"] = 11
    empty.items, past.as_of = [], 5
    for row in (page, empty, past):
        row.save(update_fields=["items", "as_of"])
    assert one.look().sums["tried"]["people"] == 0


def test_a_slice_is_found_by_the_index_of_catalog_and_time() -> None:
    one = served()
    log = Recommendation.objects.filter(
        catalog=one.catalog, created_at__gte=one.start, created_at__lt=one.now, as_of=None, scenario="backbone"
    )
    if connection.vendor == "sqlite":
        assert "recommendation_catalog" in log.order_by("created_at", "pk").explain()


def test_where_guards_are_switched_off_nothing_is_counted() -> None:
    one = served(watch=False)
    one.lists(60, canary=True, code="cannot_rank")
    service.look(one.now)
    assert (Watch.objects.count(), ServedHour.objects.count()) == (0, 0)

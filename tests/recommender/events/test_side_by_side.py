"""Calls at the same time: an event counts once, and opinions of one second are put together whoever is faster."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from recommender.events.service import Taken, take
from recommender.models import Catalog, Event, Interaction
from tests.builders import make_catalog, make_end_user, make_item

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
AT = "2026-03-01T12:00:00Z"


def at_once(catalog: Catalog, calls: Sequence[list[dict[str, Any]]]) -> list[Taken]:
    taken: list[Taken] = []
    ready = threading.Barrier(len(calls))

    def send(events: list[dict[str, Any]]) -> None:
        try:
            ready.wait(timeout=20)
            taken.append(take(catalog, events, now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[events]) for events in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(taken) == len(calls)
    return taken


def test_the_same_events_in_calls_at_the_same_time_count_once() -> None:
    catalog = make_catalog()
    for n in range(4):
        make_end_user(catalog, f"u{n}")
        make_item(catalog, external_id=f"i{n}")
    events = [
        {"event_id": f"e{n}", "type": "like", "user_id": f"u{n % 4}", "item_id": f"i{n // 4 % 4}", "time": AT}
        for n in range(120)
    ]
    taken = at_once(catalog, [events, events[::-1], events[60:], events[:60]])
    assert sum(one.accepted for one in taken) == Event.objects.count() == 120
    assert sum(one.duplicates for one in taken) == 360 - 120
    assert Interaction.objects.count() == 16
    catalog.refresh_from_db()
    assert catalog.changes >= 1


def test_opinions_of_one_second_in_calls_at_the_same_time_are_put_together() -> None:
    catalog = make_catalog(clock="none")
    make_end_user(catalog, "u")
    make_item(catalog, external_id="i")
    same = {"user_id": "u", "item_id": "i"}
    rated = {"event_id": "rated", "type": "rating", "value": 4.5, "time": "2026-03-01T12:00:01Z"} | same
    disliked = {"event_id": "disliked", "type": "dislike", "time": "2026-03-01T12:00:02Z"} | same
    at_once(catalog, [[rated], [disliked]])
    assert Interaction.objects.values_list("rating", "label").get() == (4.5, 0)

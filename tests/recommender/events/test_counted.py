"""What `/metrics` says of events."""

from typing import Any

import pytest
from django.db import transaction

from recommender.counters import REGISTRY
from recommender.events import service
from recommender.models import Catalog
from tests import builders

KINDS, OUTCOMES = ("like", "click", "none"), ("accepted", "duplicate", "rejected")
KNOWN = {"user_id": "u1", "item_id": "f1"}
LIKE = {"event_id": "1", "type": "like", **KNOWN}


@pytest.fixture
def films(db: None) -> Catalog:
    catalog = builders.make_catalog("films")
    builders.make_end_user(catalog, "u1")
    builders.make_item(catalog, external_id="f1")
    return catalog


def counted() -> list[list[float]]:
    """By type, by what became of them."""
    found = [[{"type": kind, "outcome": outcome} for outcome in OUTCOMES] for kind in KINDS]
    return [[REGISTRY.get_sample_value("r4web_events_total", labels) or 0.0 for labels in row] for row in found]


def more_than(before: list[list[float]]) -> list[list[float]]:
    return [[new - old for new, old in zip(*rows, strict=True)] for rows in zip(counted(), before, strict=True)]


def test_events_are_counted_by_type_and_by_what_became_of_each(
    films: Catalog, django_capture_on_commit_callbacks: Any
) -> None:
    before = counted()
    events = [
        LIKE,
        LIKE,
        {"event_id": "2", "type": "click", **KNOWN, "item_id": "gone"},
        {"event_id": "3", "type": "click"},
        {"event_id": "4", "type": "u1@example.org", **KNOWN},
        {"event_id": "5", "type": ["like"], **KNOWN},
        "no event",
    ]
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            service.take(films, events)

    assert more_than(before) == [[1, 3, 0], [0, 0, 4], [0, 0, 6]]


def test_what_was_taken_back_is_not_counted(films: Catalog, django_capture_on_commit_callbacks: Any) -> None:
    before = counted()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        service.take(films, [LIKE])
        transaction.set_rollback(True)

    assert more_than(before) == [[0] * 3] * 3

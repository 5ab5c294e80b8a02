"""However the same events are split into calls, and in whatever order they come and are sent again: one outcome."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.catalogs.importers.values import by_chance
from recommender.events.service import take
from recommender.models import Catalog, Event, Interaction
from tests.builders import make_catalog, make_end_user, make_interaction, make_item

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = START + timedelta(days=1)

said = st.tuples(
    st.sampled_from(["like", "dislike", "rating", "purchase", "impression"]),
    st.sampled_from(["u1", "u2", "nobody"]),
    st.sampled_from(["i1", "i2"]),
    st.integers(0, 3).map(lambda half: timedelta(seconds=half / 2)),
    st.sampled_from([1, 3.5, 5]),
)


def as_sent(number: int, one: tuple[str, str, str, timedelta, float]) -> dict[str, Any]:
    kind, user, item, later, rating = one
    value = {"value": rating} if kind == "rating" else {}
    at = (START + later).isoformat()
    return {"event_id": f"e{number}", "type": kind, "user_id": user, "item_id": item, "time": at} | value


def outcome(catalog: Catalog, calls: list[list[dict[str, Any]]]) -> Any:
    """What is there after these calls, and nothing of it left behind."""
    with transaction.atomic():
        accepted = sum(take(catalog, call, now=NOW).accepted for call in calls)
        columns = ("end_user", "item", "moment", "rating", "label")
        told = sorted(Event.objects.values_list("event_id", "type", "end_user", "item", "value", "moment", "at"))
        met = sorted(Interaction.objects.values_list(*columns), key=repr)
        transaction.set_rollback(True)
    assert accepted == len(told)
    return told, met


@pytest.mark.parametrize("clock", ["seconds", "none"])
def test_any_split_and_any_order_of_retries_end_in_the_same_state(clock: str) -> None:
    catalog = make_catalog(clock=clock)
    end_users = [make_end_user(catalog, name) for name in ("u1", "u2")]
    items = [make_item(catalog, external_id=name) for name in ("i1", "i2")]
    moment = by_chance("u1", "i1") if clock == "none" else int(START.timestamp())
    make_interaction(end_users[0], items[0], rating=4.0, moment=moment)

    @settings(max_examples=30, deadline=None)
    @given(st.lists(said, max_size=9), st.data())
    def any_split(events: list[Any], data: st.DataObject) -> None:
        sent = [as_sent(number, one) for number, one in enumerate(events)]
        order = data.draw(st.permutations(sent))
        again = data.draw(st.lists(st.sampled_from(sent), max_size=5)) if sent else []
        cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=3)))
        bounds = [0, *cuts, len(order)]
        calls = [order[start:end] for start, end in pairwise(bounds)]
        assert outcome(catalog, [*calls, again]) == outcome(catalog, [sent])

    any_split()

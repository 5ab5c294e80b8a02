"""What is approved about an end user is kept by a process, and read anew at the next list after any change of it."""

from typing import Any

import pytest
from django.db import connection

from recommender.knowledge import service as knowledge
from tests.recommender.api import test_kept

pytestmark = pytest.mark.django_db(transaction=True)
world = test_kept.world


def test_what_is_approved_of_somebody_is_read_once_and_anew_at_the_next_list_after_a_change(
    world: test_kept.World,
) -> None:
    def reads(**query: Any) -> set[str]:
        asked: list[str] = []

        def noted(execute: Any, sql: str, *rest: Any) -> Any:
            asked.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(noted):
            world.get(**query)
        return {table for table in ("knowledge", "statement") if f'"recommender_{table}"' in " ".join(asked)}

    assert reads(limit=1) == {"knowledge", "statement"}
    assert reads(limit=2) == set()
    world.event()
    assert reads(limit=1) == set()  # the list is made anew, of a longer history
    for change in (test_kept._say, test_kept._strike, lambda world: knowledge.reject(world.turn)):
        change(world)
        assert reads(limit=1) == {"knowledge", "statement"}
        assert reads(limit=2) == set()

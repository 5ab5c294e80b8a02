"""Two web processes over one PostgreSQL, with a real streaming replica beside it that lags as far as it is told to.

What one of them writes the other one answers by in its next request, however far the replica is behind, and also while
there is none.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
import pytest

from tests import servers
from tests.recommender.api.test_bad_days import LIST, PREPARE, Shop, answers, done, served
from tests.servers import Server, free_port, wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow]
STRANGER = LIST.replace("u1", "somebody-new")  # gets what is popular, so the scores are counts
EVENTS = "/api/v1/catalogs/films/events:batch"
READS = re.compile(r'^r4web_replica_reads_total\{outcome="(\w+)"\} (\S+)$', re.MULTILINE)


@dataclass
class Two:
    one: Shop
    other: Shop
    primary: Server
    replica: Server

    def lag(self) -> None:
        """The replica stays as it is now."""
        with psycopg.connect(self.replica.url, autocommit=True) as at:
            at.execute("SELECT pg_wal_replay_pause()")
            wait_until(lambda: _told(at, "SELECT pg_get_wal_replay_pause_state()") == "paused")

    def catch_up(self) -> None:
        with psycopg.connect(self.primary.url) as at:
            written = _told(at, "SELECT pg_current_wal_insert_lsn()")
        with psycopg.connect(self.replica.url, autocommit=True) as at:
            at.execute("SELECT pg_wal_replay_resume()")
            wait_until(lambda: _told(at, f"SELECT pg_last_wal_replay_lsn() >= '{written}'") is True)

    def erase(self, name: str) -> None:
        """Somebody who did nothing: after it a process counts the whole catalog anew."""
        said = self.one.ask("POST", "/api/v1/catalogs/films/users:batch", {"users": [{"user_id": name}]})
        assert said[0] == 200, said
        assert self.one.ask("DELETE", f"/api/v1/catalogs/films/users/{name}")[0] == 200

    def like(self, item: str, *, by: str) -> None:
        event = {"event_id": f"{by} {item}", "type": "like", "user_id": by, "item_id": item}
        said = self.one.ask("POST", f"{EVENTS}?create=true", {"events": [event]})
        assert said[2]["accepted"] == 1, said


def _told(at: "psycopg.Connection[tuple[object, ...]]", asked: str) -> object:
    row = at.execute(asked.encode()).fetchone()
    assert row
    return row[0]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    (folder / "static").mkdir()
    with ExitStack() as stack:
        primary = stack.enter_context(servers.postgres_server())
        broker = stack.enter_context(servers.valkey_server())
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "r4web.settings",
            "DATABASE_URL": primary.url,
            "REDIS_URL": broker.url,
            "R4_VAR": str(folder),
            "R4_SECRET_KEY": "two",
            "R4_LOG_LEVEL": "ERROR",
        }
        key, text = json.loads(done(environment, PREPARE))
        replica = stack.enter_context(servers.replica_server(primary))
        environment["DATABASE_REPLICA_URL"] = replica.url
        shops = [Shop(free_port(), key, text, broker, primary) for _ in range(2)]
        for shop in shops:
            stack.enter_context(served(environment, shop.port))
        for shop in shops:
            wait_until(lambda port=shop.port: answers(port), seconds=120, what="granian")  # type: ignore[misc]
        yield Two(*shops, primary, replica)


def items(shop: Shop, path: str) -> list[tuple[str, float]]:
    status, _, told = shop.ask("GET", path)
    assert status == 200, told
    return [(item["item_id"], item["score"]) for item in told["items"]]


def reads(shop: Shop) -> dict[str, int]:
    """How often each answered where a whole catalog was counted."""
    return {outcome: int(float(count)) for outcome, count in READS.findall(shop.ask("GET", "/metrics")[2])}


def test_both_answer_alike_and_go_on_with_what_the_other_began(two: Two) -> None:
    for path in (LIST, STRANGER, f"{LIST}?explain=full&limit=3"):
        first, second = (shop.ask("GET", path)[2] for shop in (two.one, two.other))
        for answer in (first, second):
            answer["generated_at"] = answer["next_cursor"] = None
        assert first == second
    assert first["user_explanation"]["text"] == "They adore dramas."
    begun = two.one.ask("POST", LIST, {"limit": 2})[2]
    page = two.other.ask("POST", LIST, {"limit": 2, "cursor": begun["next_cursor"]})[2]
    assert page["items"][0]["rank"] == 3
    assert not {item["item_id"] for item in page["items"]} & {item["item_id"] for item in begun["items"]}
    again = two.other.ask("GET", f"/api/v1/recommendations/{begun['recommendation_id']}")[2]
    assert again["items"] == begun["items"]


def test_what_one_writes_is_in_the_other_s_next_answer_however_far_the_replica_is_behind(two: Two) -> None:
    two.erase("gone-before")
    two.catch_up()
    two.lag()
    for number, item in enumerate(("f5", "f5", "f5", "f4", "f4")):
        two.like(item, by=f"crowd-{number}")  # after all that the replica knows
    before = reads(two.other)
    popular = items(two.other, STRANGER)
    assert reads(two.other)["replica"] > before.get("replica", 0)  # counted there, and added to from here
    assert [name for name, _ in popular[:2]] == ["f5", "f4"]
    assert popular == items(two.one, STRANGER)

    two.like("f5", by="u1")
    assert "f5" not in [name for name, _ in items(two.other, LIST)]
    bury = {"rules": [{"kind": "out_of_stock", "item_id": "f4"}]}
    assert two.one.ask("POST", "/api/v1/catalogs/films/rules", bury)[0] == 200
    assert "f4" not in [name for name, _ in items(two.other, STRANGER)]
    new = {"items": [{"item_id": "f7", "title": "Film 7", "attributes": {"genres": ["Drama"]}}]}
    assert two.one.ask("POST", "/api/v1/catalogs/films/items:batch", new)[0] == 200
    assert "f7" in [name for name, _ in items(two.other, LIST)]

    behind = reads(two.other).get("behind", 0)
    two.erase("gone-meanwhile")  # of which the replica knows nothing
    assert items(two.other, STRANGER) == items(two.one, STRANGER)
    assert reads(two.other)["behind"] > behind
    assert two.one.ask("DELETE", "/api/v1/catalogs/films/items/f7")[0] == 200
    assert "f7" not in [name for name, _ in items(two.other, LIST)]
    two.catch_up()


def test_without_the_replica_nothing_is_missing(two: Two) -> None:
    """One of the two, since it leaves the replica alone for a while afterwards."""
    two.replica.end()
    two.erase("gone-afterwards")
    status, _, told = two.one.ask("GET", STRANGER)
    assert (status, told["source"]) == (200, "popular")
    assert reads(two.one)["away"] >= 1
    assert two.one.ready() == (200, set())
    two.replica.start()

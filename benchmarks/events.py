"""How fast are events and data taken over REST?

    python -m benchmarks.events [--events N]
    python -m tests.servers python -m benchmarks.events        # the same on PostgreSQL

Sends calls of 10,000 entries to the API inside this process, with a token and as JSON, to a catalog of 6,000 end users
and 4,000 items in a database of its own (SQLite, unless DATABASE_URL names another, whose tables must be empty). Prints
for each kind of call the processor time of this process, which holds on a busy machine, the wall time, in which
PostgreSQL's own work is too, and entries a second of both. Each is the median of `--calls` calls with new entries, but
for the duplicates. The last line printed is one JSON object.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.scratch import own_database

END_USERS, ITEMS = 6_000, 4_000
START = datetime(2026, 1, 1, tzinfo=UTC)
Entry = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="of one call")
    parser.add_argument("--calls", type=int, default=5)
    options = parser.parse_args()
    with own_database(url=os.environ.get("DATABASE_URL", ""), R4_API_PER_MINUTE="0"):
        measure(options.events, options.calls)


def measure(count: int, calls: int) -> None:
    from django.db import connection

    send = sender()
    items = [{"item_id": f"i{n}", "title": f"Item {n}", "attributes": {"kind": ["a", "b"]}} for n in range(ITEMS)]
    send("items:batch", {"items": items})
    send("users:batch", {"users": [{"user_id": f"u{n}"} for n in range(END_USERS)]})
    chance = random.Random(4)
    kinds: dict[str, Callable[[int], Any]] = {
        "ratings": lambda call: events(chance, count, call, "rating"),
        "impressions and clicks": lambda call: events(chance, count, call, "impression", "click"),
        "of all kinds": lambda call: events(chance, count, call, *("impression",) * 8, "click", "like", "rating"),
    }
    found: dict[str, Any] = {"database": connection.vendor, "entries": count}
    for name, made in kinds.items():
        sent = [{"events": made(call)} for call in range(calls)]
        found[name] = told(name, count, [timed(lambda one=one: send("events:batch", one)) for one in sent])
        if name == "ratings":
            again = [timed(lambda one=one: send("events:batch", one)) for one in sent]
            found["the same again"] = told("the same again", count, again)
    lists = [[one | {"item_id": f"{call}-{n}"} for n, one in enumerate((items * 3)[:count])] for call in range(calls)]
    found["items"] = told("items", count, [timed(lambda one=one: send("items:batch", {"items": one})) for one in lists])
    streams = [b"".join(lines(chance, count)) for _ in range(calls)]
    found["lines of an import"] = told(
        "lines of an import", count, [timed(lambda one=one: send("import", one)) for one in streams]
    )
    print(json.dumps(found))


def sender() -> Callable[[str, Any], None]:
    """Sends a body to an address of the catalog, and fails unless all of it is taken."""
    from rest_framework.test import APIClient

    from recommender.accounts.tokens import create_token
    from recommender.models import Account, Catalog, Role, TokenScope

    account = Account.objects.create_user("benchmark", role=Role.LEAD)
    Catalog.objects.create(name="bench")
    client = APIClient()
    client.credentials(
        HTTP_AUTHORIZATION=f"Bearer {create_token('b', account=account, scopes=list(TokenScope))[1]}",
        HTTP_HOST="127.0.0.1",
    )

    def send(address: str, body: Any) -> None:
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        raw = body if isinstance(body, bytes) else json.dumps(body)
        answer = client.generic("POST", f"/api/v1/catalogs/bench/{address}", raw, content_type=kind)
        assert answer.status_code == 200, answer.content
        assert not answer.json()["rejected"], answer.json()

    return send


def events(chance: random.Random, count: int, call: int, *kinds: str) -> list[Entry]:
    return [
        {
            "event_id": f"{'-'.join(sorted(set(kinds)))}-{call}-{n}",
            "type": (kind := chance.choice(kinds)),
            "user_id": f"u{chance.randrange(END_USERS)}",
            "item_id": f"i{chance.randrange(ITEMS)}",
            "position": 1 + n % 10,
            "time": (START + timedelta(seconds=chance.randrange(10**7))).isoformat(),
        }
        | ({"value": chance.randint(1, 5)} if kind == "rating" else {})
        for n in range(count)
    ]


def lines(chance: random.Random, count: int) -> Iterator[bytes]:
    for _ in range(count):
        who, what = f"u{chance.randrange(END_USERS)}", f"i{chance.randrange(ITEMS)}"
        when = (START + timedelta(seconds=chance.randrange(10**7))).isoformat()
        one = {"type": "interaction", "user_id": who, "item_id": what, "rating": chance.randint(1, 5), "time": when}
        yield json.dumps(one).encode() + b"\n"


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of this process's processors, and of the clock."""
    began, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - began, time.perf_counter() - wall


def told(name: str, count: int, measured: list[tuple[float, float]]) -> dict[str, float]:
    cpu, wall = (statistics.median(column) for column in zip(*measured, strict=True))
    print(
        f"{name:>24}: {cpu:6.3f} s of processor, {wall:6.3f} s of wall, "
        f"{count / cpu:9,.0f} and {count / wall:9,.0f} a second; load {os.getloadavg()[0]:.1f}"
    )
    return {"processor_s": round(cpu, 4), "wall_s": round(wall, 4)}


if __name__ == "__main__":
    main()

"""What a caller sees while the broker or the database is dead, and once it is back: of real servers, ended for it.

docs/operations.md has the same as a table.
"""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any

import psycopg
import pytest

from tests import servers
from tests.conftest import ROOT
from tests.servers import Server, free_port, wait_until

pytestmark = [pytest.mark.once, pytest.mark.slow]
LIST = "/api/v1/catalogs/films/users/u1/recommendations"
EVENTS = "/api/v1/catalogs/films/events:batch"


@dataclass
class Shop:
    """R4Web by one web process, with servers of its own. `text`: the id of u1's."""

    port: int
    key: str
    text: int
    broker: Server
    database: Server

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Message, Any]:
        """Status, headers in any case, and what the body's JSON says. Each over a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as one:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            one.request(method, path, None if body is None else json.dumps(body), headers)
            answer = one.getresponse()
            content = answer.read()
            told = json.loads(content) if "json" in answer.headers.get("Content-Type", "") else content.decode()
            return answer.status, answer.headers, told

    def ready(self) -> tuple[int, set[str]]:
        """The status, and the checks that are not ok."""
        status, _, told = self.ask("GET", "/healthz/ready")
        return status, {name for name, said in told["checks"].items() if said != "ok"}


# Tables are made of the models, as in tests/conftest.py, in a tenth of the time that migrations take.
PREPARE = """
import django, json
django.setup()
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
call_command("migrate", run_syncdb=True, verbosity=0)
settings.MIGRATION_MODULES = {}
recorder = MigrationRecorder(connection)
recorder.ensure_schema()
for app, name in MigrationLoader(None).disk_migrations:
    recorder.record_applied(app, name)
from recommender.accounts.tokens import create_token
from recommender.knowledge.service import accept
from recommender.models import Role, TokenScope
from tests.builders import *
catalog = make_catalog("films")
items = [make_item(catalog, f"Film {n}", external_id=f"f{n}") for n in range(1, 7)]
reader = make_end_user(catalog, "u1")
make_interaction(reader, items[0], moment=1)
turn = make_round(reader, ("reason", "They adore dramas."), ("reflect", "")).turns.get(index=0)
accept(turn)
account = make_account("keeper", role=Role.LEAD)
print(json.dumps([create_token("bad days", account=account, scopes=list(TokenScope))[1], turn.pk]))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder, port = tmp_path_factory.mktemp("bad-days"), free_port()
    (folder / "static").mkdir()
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgres_server())
        broker = stack.enter_context(servers.valkey_server())
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "r4web.settings",
            "DATABASE_URL": database.url,
            "REDIS_URL": broker.url,
            "R4_VAR": str(folder),
            "R4_SECRET_KEY": "bad days",
            "R4_LOG_LEVEL": "ERROR",
        }
        key, text = json.loads(done(environment, PREPARE))
        web = stack.enter_context(served(environment, port))
        wait_until(lambda: web.poll() is not None or answers(port), seconds=120, what="granian")
        yield Shop(port, key, text, broker, database)


def done(environment: dict[str, str], code: str) -> str:
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


@contextmanager
def served(environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws", "--no-log"]
    command += ["--workers", "1", "--blocking-threads", "4", "r4web.wsgi:application"]
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def answers(port: int) -> bool:
    """Whether the application is loaded: before that, connections are taken and wait."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as one:
        try:
            one.request("GET", "/healthz/live")
            return one.getresponse().status == 200
        except ConnectionError:
            return False


def test_a_dead_broker_costs_no_answer(shop: Shop) -> None:
    assert shop.ready() == (200, set())
    shop.broker.end()
    for method, path, body, status in (
        ("GET", LIST, None, 200),
        ("POST", LIST, {"explain": "full"}, 200),
        ("POST", EVENTS, {"events": [{"event_id": "1", "type": "like", "user_id": "u1", "item_id": "f2"}]}, 200),
        ("POST", f"/api/v1/explanations/{shop.text}/disputes", {"reason": "Not true."}, 201),
        ("POST", "/api/v1/catalogs/films/rules", {"rules": [{"kind": "bury", "item_id": "f3"}]}, 200),
        ("GET", "/healthz/live", None, 200),
    ):
        assert shop.ask(method, path, body)[0] == status, path
    _, headers, _ = shop.ask("GET", "/api/v1/catalogs")
    assert headers["RateLimit"].startswith('"token";r=')  # counted by this process alone
    assert shop.ready() == (503, {"broker"})

    shop.broker.start()
    assert shop.ready() == (200, set())
    assert "f2" not in [item["item_id"] for item in shop.ask("GET", LIST)[2]["items"]]


def test_connections_that_the_database_ends_cost_no_answer(shop: Shop) -> None:
    ended = 0
    for _ in range(4):
        assert [shop.ask("GET", LIST)[0] for _ in range(4)] == [200] * 4  # by any of the four threads
        with psycopg.connect(shop.database.url, autocommit=True) as at:
            others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
            all_ended = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}"
            ended += len(at.execute(all_ended).fetchall())
    assert ended >= 4
    assert [shop.ask(*each)[0] for each in (("GET", LIST), ("POST", LIST, {}))] == [200, 200]


def test_a_dead_database_is_a_clear_503_until_it_is_back(shop: Shop) -> None:
    assert shop.ask("GET", LIST)[0] == 200
    shop.database.end()
    for method, path, body in (
        ("GET", LIST, None),
        ("POST", LIST, {}),
        ("POST", EVENTS, {"events": []}),
        ("DELETE", "/api/v1/catalogs/films/items/f6", None),
        ("GET", "/api/v1/disputes/0b1f4d3e-5a53-4a0f-8d6e-0f2f3a7c9c11", None),
    ):
        status, headers, told = shop.ask(method, path, body)
        assert (status, told["type"]) == (503, "urn:r4web:problem:unavailable"), path
        assert (headers["Retry-After"], headers["Content-Type"]) == ("30", "application/problem+json")
        assert "does not answer" in told["detail"]
        assert "127.0.0.1" not in told["detail"]
    assert shop.ask("GET", "/api/v1/schema/")[0] == 200  # asks no database
    assert shop.ask("GET", "/healthz/live")[0] == 200
    assert shop.ready() == (503, {"database", "migrations"})

    shop.database.start()
    assert shop.ready() == (200, set())
    assert shop.ask("GET", LIST)[0] == 200
    assert shop.ask("POST", LIST, {})[2]["recommendation_id"]

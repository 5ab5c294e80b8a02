"""/metrics: who may read it, what it says of requests and queues, summed over processes, and the page that tells it."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from r4web import metrics
from recommender import counters
from recommender.models import RoundState
from tests import builders
from tests.architecture.repository import ROOT
from tests.architecture.test_documents import page
from tests.servers import free_port, wait_until

REMOTE = {"REMOTE_ADDR": "192.0.2.7"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def nothing_is_kept() -> None:
    metrics.KEPT.clear()


def read(text: str) -> Samples:
    """Every sample of a scrape by its name and labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def requests(samples: Samples, **labels: str) -> float:
    """How many requests have these labels."""
    return sum(
        value
        for (name, told), value in samples.items()
        if name == "r4web_request_seconds_count" and labels.items() <= dict(told).items()
    )


@pytest.fixture
def scrape(client: Client, db: None) -> Callable[[], Samples]:
    def scraped() -> Samples:
        answer = client.get("/metrics")
        assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/plain")
        assert "no-store" in answer["Cache-Control"]
        return read(answer.content.decode())

    return scraped


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, 200),
        (REMOTE, 404),
        ({"REMOTE_ADDR": ""}, 404),
        ({"REMOTE_ADDR": "localhost"}, 404),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"HTTP_FORWARDED": "for=127.0.0.1"}, 404),
        ({"HTTP_VIA": "1.1 proxy"}, 404),
        (REMOTE | {"HTTP_AUTHORIZATION": "Bearer "}, 404),
    ],
)
@pytest.mark.django_db
def test_without_a_token_only_a_program_of_this_machine_reads_it(
    client: Client, sent: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", **sent)
    assert (answer.status_code, b"r4web_request_seconds" in answer.content) == (status, status == 200)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer a-long-token", 200),
        ("bearer  a-long-token", 200),
        ("Bearer another", 401),
        ("Basic a-long-token", 401),
        ("Bearer é", 401),
        ("a-long-token", 401),
        ("", 401),
    ],
)
@pytest.mark.parametrize("where", [{}, REMOTE], ids=["here", "elsewhere"])
@pytest.mark.django_db
def test_with_a_token_whoever_has_it_reads_it_and_nobody_else(
    client: Client, settings: Any, given: str, status: int, where: dict[str, str]
) -> None:
    settings.METRICS_TOKEN = "a-long-token"
    answer = client.get("/metrics", HTTP_AUTHORIZATION=given, **where)
    assert answer.status_code == status
    assert (b"r4web_request_seconds" in answer.content) == (status == 200)
    assert answer.has_header("WWW-Authenticate") == (status == 401)


def test_it_is_only_read(client: Client) -> None:
    assert client.post("/metrics").status_code == 405


def test_requests_are_counted_by_route_method_and_class_of_status(
    scrape: Callable[[], Samples], client: Client
) -> None:
    before = scrape()
    for _ in range(3):
        client.get("/healthz/live")
    client.post("/healthz/live")
    client.get("/reviews/")
    after = scrape()

    def more(**labels: str) -> float:
        return requests(after, **labels) - requests(before, **labels)

    assert more(route="live", method="GET", status="2xx") == 3
    assert more(route="live", method="POST", status="4xx") == 1
    assert more(route="reviews:queue", method="GET", status="3xx") == 1
    assert more(route="metrics", method="GET", status="2xx") == 1  # the one before
    labels = frozenset({"route": "live", "method": "GET", "status": "2xx", "le": "10.0"}.items())
    assert after["r4web_request_seconds_bucket", labels] >= 3


def test_whatever_strangers_ask_for_the_labels_are_a_few_and_hold_nothing_of_it(
    scrape: Callable[[], Samples], client: Client
) -> None:
    odd = ["nowhere", "wp-login.php", "r/%00", "é" * 50, 'a"b\\c', "users/ann@example.org/", "static/none.css"]
    before = scrape()
    for path in odd:
        client.get(f"/{path}")
        client.get(f"/api/{path}")
        client.generic(f"ANN{odd.index(path)}", f"/{path}")
    client.get("/healthz/live", headers={"host": "evil.example.org"})
    client.get("/api/v1/catalogs/secret-films/users/ann@example.org/recommendations")
    after = scrape()

    assert requests(after, route="none") - requests(before, route="none") == 2 * len(odd) + 1  # the wrong host
    assert requests(after, method="other") - requests(before, method="other") == len(odd)
    assert requests(after, route="api:unknown") - requests(before, route="api:unknown") == len(odd)
    said = repr(set(after) - set(before))
    assert not any(word in said for word in ("ann", "ANN", "secret", "nowhere", "evil", "wp-", "é"))


def test_lengths_of_queues_are_asked_at_most_every_ten_seconds(
    scrape: Callable[[], Samples], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    def lengths(samples: Samples) -> list[float]:
        states = [frozenset({("state", state)}) for state in ("waiting", "asking")]
        return [*(samples["r4web_rounds", state] for state in states), samples["r4web_reviews_open", frozenset()]]

    assert lengths(scrape()) == [0, 0, 0]
    builders.make_review()
    person = builders.make_end_user(builders.make_catalog())
    builders.make_round(person, state=RoundState.WAITING)
    with django_assert_num_queries(0):
        assert lengths(scrape()) == [0, 0, 0]
    monkeypatch.setattr(metrics, "KEPT_FOR", 0.0)
    metrics.KEPT.clear()
    with django_assert_num_queries(3):
        assert lengths(scrape()) == [1, 0, 1]


def test_while_the_database_does_not_answer_what_was_counted_is_told_all_the_same(
    scrape: Callable[[], Samples],
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("away")

    with connection.execute_wrapper(away):
        samples = scrape()
    assert any(name == "r4web_cache_reads_total" for name, _ in samples)
    assert not any(name == "r4web_reviews_open" for name, _ in samples)
    assert any(name == "r4web_reviews_open" for name, _ in scrape())


@pytest.fixture
def web(child_environment: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """The port of a real server with two processes that count in a folder."""
    port, folder = free_port(), tmp_path / "metrics"
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", "2", "r4web.wsgi:application"),
    ]
    told = child_environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    kept = {"cwd": ROOT, "env": told, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **kept) as server:  # type: ignore[call-overload]
        try:
            # Whatever a process answers it counts: so both do by now.
            wait_until(lambda: got(port, "/healthz/live") != "" and len(list(folder.glob("histogram_*.db"))) == 2)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:  # a worker that was told while it was being made waits for ever
                os.killpg(server.pid, signal.SIGKILL)


def got(port: int, path: str) -> str:
    """What is answered over a connection of its own; empty where nobody listens."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as one:
        try:
            one.request("GET", path)
            return one.getresponse().read().decode()
        except ConnectionError:
            return ""


@pytest.mark.once
def test_each_process_tells_what_all_of_them_counted(web: int) -> None:
    before = requests(read(got(web, "/metrics")), route="live")
    for _ in range(60):
        assert got(web, "/healthz/live")
    seen = [read(got(web, "/metrics")) for _ in range(6)]

    assert [requests(samples, route="live") - before for samples in seen] == [60] * 6
    assert all(("r4web_reviews_open", frozenset()) in samples for samples in seen)
    assert not any(name.startswith(("python_", "process_")) for name, _ in seen[0])


def test_the_page_names_every_metric_with_its_labels() -> None:
    counted = {
        f"{one._name}_total" if one._type == "counter" else one._name: one._labelnames
        for one in (
            counters.REQUESTS,
            counters.LISTS,
            counters.EVENTS,
            counters.DECISIONS,
            counters.CACHES,
            counters.REPLICA_READS,
        )
    }
    assert {one.name for one in counters.REGISTRY.collect()} == {name.removesuffix("_total") for name in counted}
    read = [*metrics.QUEUES.describe(), *metrics.GUARDS.describe(), *metrics.TEXTS.describe()]
    rows = re.findall(r"^\| (`r4web_.*?) \| (.*?)\|", page("operations.md"), re.MULTILINE)

    assert {
        name: tuple(re.findall(r"`(\w+)`", labels)) for names, labels in rows for name in re.findall(r"`(\w+)`", names)
    } == counted | {one.name: tuple(one._labelnames) for one in read}

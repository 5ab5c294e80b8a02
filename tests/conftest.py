"""What every test may ask for: a real broker, a live worker, child processes on the test database, research data."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import redis
from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.signals import setup_logging, task_postrun
from django.conf import settings
from django.db import connection, connections, transaction
from django.test import SimpleTestCase, TransactionTestCase
from hypothesis import HealthCheck
from kombu import pools
from pytest_django import DjangoDbBlocker

from r4web import embedded
from r4web.celery import app
from recommender.llm import learned
from tests import servers

if TYPE_CHECKING:
    from tests.transformers_server import TransformersServer

ROOT = Path(__file__).resolve().parent.parent
RESEARCH_DATA = ROOT.parent / "shared" / "data"

# Fixtures that give a test a database or a broker, and what a module imports that reaches one by itself.
OF_SERVERS = {"db", "transactional_db", "django_db_setup", "live_server", "broker_server"} | {
    "subprocess", "servers", "environment", "settings", "checks", "connection", "connections", "psycopg", "redis",
    "app", "current_app", "call_command",
}  # fmt: skip


# What is generated is judged; how long a busy machine takes for it is not.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    # One thread for numeric libraries: tests run side by side on few cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # A script's background job has SIGINT ignored, and so have its children: some tests send it to theirs.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-servers",
        action="store_true",
        help="Only tests that may meet the database or the broker: the others say the same on all of them.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What test modules import stays: garbage is not looked for meanwhile, nor later among all that."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("only_servers"):
        left_out = [item for item in items if not may_meet_a_server(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if may_meet_a_server(item)]
    # The longest begin first, in one process, or it would be alone at the end; the others take away what comes after.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder that tests/settings.py made, once all processes of the run have ended."""
    var = Path(os.environ.get("R4_VAR", ""))
    if "PYTEST_XDIST_WORKER" not in os.environ and var.name.startswith("r4t-"):
        shutil.rmtree(var, ignore_errors=True)


def may_meet_a_server(item: pytest.Item) -> bool:
    """Whether a test could tell one database or broker from another. In doubt, yes.

    Pages in a browser and what is marked `once` ask for rows in no other way than other tests of the same queries do.
    pytest-django refuses the database to a test without its mark or fixtures, and the broker runs for its fixture only.
    What is left are child processes, connections of a test's own, and questions about the settings.
    """
    assert isinstance(item, pytest.Function)
    if item.get_closest_marker("once") or item.get_closest_marker("browser"):
        return False
    imported = {name for name, value in vars(item.module).items() if value is not hypothesis.settings}
    return (
        item.get_closest_marker("django_db") is not None
        or not OF_SERVERS.isdisjoint(item.fixturenames)
        or not OF_SERVERS.isdisjoint(imported)
        or (item.cls is not None and issubclass(item.cls, SimpleTestCase))
    )


@pytest.fixture(autouse=True)
def nothing_kept_of_earlier_tests() -> None:
    """A test's server may get the port of an earlier test's, which refused other things. Counts are kept a while."""
    from reviews.pages.home import queries  # needs Django, which is set up later
    from reviews.room import guidelines

    learned.forget()
    queries.KEPT.clear()
    guidelines.KEPT.clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tables are made of the models (`--nomigrations`), in a tenth of the time; to all else they are as if migrated."""
    from django.db.migrations.loader import MigrationLoader  # needs Django, which is set up later
    from django.db.migrations.recorder import MigrationRecorder

    settings.MIGRATION_MODULES = {}
    TransactionTestCase._fixture_teardown = _delete_what_was_written
    with django_db_blocker.unblock():
        recorder = MigrationRecorder(connection)
        recorder.ensure_schema()
        for app_label, name in MigrationLoader(None).disk_migrations:
            recorder.record_applied(app_label, name)


def _delete_what_was_written(_: TransactionTestCase) -> None:
    """What ends a test without a transaction around it. Most write to a few tables: the others are left alone.

    Django's own empties every table and makes content types and permissions anew, which takes seven times as long.
    """
    quote, names = connection.ops.quote_name, connection.introspection.django_table_names(only_existing=True)
    ours = [name for name in names if not name.startswith(("auth_permission", "django_content_type"))]
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})" for name in ours)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(asked)
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quote(name)}")


@pytest.fixture(scope="session")
def research_data() -> Path:
    """The research data beside the checkout (mark such tests `data`)."""
    if not RESEARCH_DATA.is_dir():
        pytest.skip("needs the research data in ../shared/data, which is not here")
    return RESEARCH_DATA


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a real, tiny knowledge encoder: for settings.ENCODER."""
    from tests import tiny_encoder  # torch: only for tests that train

    return tiny_encoder.make(tmp_path_factory.mktemp("tiny-encoder"))


@pytest.fixture(scope="session")
def transformers_serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator["TransformersServer"]:
    """A real `transformers serve` whose model has random weights, one for all processes (mark such tests `slow`)."""
    from tests import transformers_server  # torch: only for these tests

    ours = tmp_path_factory.getbasetemp()
    of_all = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    with transformers_server.shared(tmp_path_factory.mktemp("transformers-serve"), of_all=of_all) as server:
        yield server


@pytest.fixture(scope="session")
def broker_server() -> Iterator[str]:
    """A real broker for the whole run: the server that REDIS_URL names, or a Valkey on this process's own socket."""
    if os.environ.get("REDIS_URL"):
        yield settings.REDIS_URL
    else:
        with servers.running_valkey(unix_socket=embedded.broker_socket(settings.VAR_DIR)) as url:
            assert url == settings.CELERY_BROKER_URL
            yield url
            _close_broker_connections()
    _close_broker_connections()


@pytest.fixture
def broker(broker_server: str) -> str:
    """The broker's URL; it holds no message when the test starts. Celery is already configured for it."""
    with redis.Redis.from_url(broker_server.replace("redis+socket", "unix")) as client:
        client.flushdb()
    return broker_server


def _close_broker_connections() -> None:
    """Close this process's connections to the broker; the next message opens new ones."""
    pools.reset()
    app._pool = app.amqp._producer_pool = None


def _close_databases_of_this_thread(**_: object) -> None:
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()


def _leave_logs_alone(**_: object) -> None:
    """A receiver of `setup_logging`: where there is one, Celery sets nothing up."""


@pytest.fixture
def live_worker(transactional_db: None, broker: str) -> Iterator[Celery]:
    """A Celery worker for all queues in a thread of this process: it sees the test's database and settings."""
    task_postrun.connect(_close_databases_of_this_thread)
    setup_logging.connect(_leave_logs_alone)  # the worker's own set up would silence warnings for all later tests
    app.loader.import_default_modules()
    try:
        with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=60, queues=["llm", "training"]):
            yield app
    finally:
        task_postrun.disconnect(_close_databases_of_this_thread)
        setup_logging.disconnect(_leave_logs_alone)
        _close_broker_connections()


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """The environment of a child process that works on this test's database, folder and broker."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = f"postgresql://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "r4web.settings",
        "DATABASE_URL": url,
        "R4_VAR": str(settings.VAR_DIR),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def manage(child_environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `manage.py ARGUMENTS` as a real process on the test's database."""

    def run(*arguments: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=child_environment | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run

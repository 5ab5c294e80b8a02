"""Which processes one machine runs: web, workers, beat, and the embedded broker and endpoint where none is named."""

import os
import sys
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from django.conf import settings

from recommender.jobs import Queue
from recommender.llm.adapters import is_adapter
from worker.supervisor import valkey

WEB_THREADS = 4  # in each web process
LLM_THREADS = 2  # each holds many calls in flight


@dataclass(frozen=True)
class Child:
    """A process to keep running.

    `last`: it is stopped after the others, which may still need it. `alone`: it has no processes of its own.
    """

    name: str
    command: list[str]
    last: bool = False
    alone: bool = True
    environment: dict[str, str] = field(default_factory=dict)


def broker() -> Child | None:
    """The embedded Valkey, unless REDIS_URL names a broker."""
    if not settings.BROKER_IS_EMBEDDED:
        return None
    socket = Path(settings.REDIS_URL.removeprefix("redis+socket://"))
    return Child("broker", valkey.command(folder=settings.VAR_DIR / "run" / "valkey", socket=socket), last=True)


def metrics_folder() -> Path:
    """Where each web process writes what it counts, for `/metrics` of any of them to sum up."""
    return Path(settings.VAR_DIR) / "run" / "metrics"


def needs_endpoint() -> bool:
    """Whether actor or reflector is the embedded endpoint."""
    return any(role["base_url"] == settings.EMBEDDED_ENDPOINT_URL for role in settings.LLM.values())


def services() -> list[Child]:
    """Everything that needs the broker and a migrated database."""
    wanted = [_web(), *map(_worker, Queue), _beat()]
    if needs_endpoint():
        wanted.insert(0, _endpoint())
    return wanted


def _endpoint() -> Child:
    """The demonstration models, or llama.cpp with the model that R4_LLM names."""
    port = ("--port", str(settings.ENDPOINT_PORT))
    if not settings.LOCAL_LLM:
        return _python("endpoint", "worker.endpoint", *port)
    told = ("--model", settings.LOCAL_LLM, "--threads", str(settings.LOCAL_LLM_THREADS))
    adapters = (("--adapter", str(path)) for path in _adapters_in_use())
    return _python("endpoint", "worker.llama", *port, *told, *chain.from_iterable(adapters))


def _adapters_in_use() -> list[Path]:
    """Those that a role's model names: held for nothing they would cost the cache of prompts."""
    from recommender.tuning import served  # noqa: PLC0415 - tables: this module is also read without an application

    asked = set(filter(is_adapter, (str(role["model"]) for role in settings.LLM.values())))
    return [path for path in served.adapters(settings.LOCAL_LLM) if path.stem in asked] if asked else []


def _python(name: str, module: str, *arguments: str, **environment: str) -> Child:
    return Child(name, [sys.executable, "-m", module, *arguments], environment=environment)


def _web() -> Child:
    web = _python(
        "web", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(settings.PORT), "--no-ws",
        "--workers", str(settings.WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS), "--log-level", "info",
        "r4web.wsgi:application", PROMETHEUS_MULTIPROC_DIR=str(metrics_folder()),
    )  # fmt: skip
    return replace(web, alone=False)


def _worker(queue: Queue) -> Child:
    # Threads or a lone process: a killed worker leaves no child processes behind.
    pool = ("--pool", "threads", "--concurrency", str(LLM_THREADS)) if queue == Queue.LLM else ("--pool", "solo")
    cores = str(_training_threads()) if queue == Queue.TRAINING else "1"
    return _python(
        f"worker-{queue}", "celery", "--app", "r4web", "worker", "--queues", queue, "--hostname", f"{queue}@%h",
        *pool, "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO",
        OMP_NUM_THREADS=os.environ.get("OMP_NUM_THREADS", cores),
    )  # fmt: skip


def _training_threads() -> int:
    """All cores but those of a local LLM: either becomes many times slower where they share some."""
    return max(1, (os.cpu_count() or 1) - (settings.LOCAL_LLM_THREADS if settings.LOCAL_LLM else 0))


def _beat() -> Child:
    schedule = settings.CELERY_BEAT_SCHEDULE_FILENAME
    return _python("beat", "celery", "--app", "r4web", "beat", "--schedule", schedule, "--pidfile=")

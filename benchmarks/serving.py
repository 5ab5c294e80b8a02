"""How fast does the REST endpoint answer, with and without reasons?

    python benchmarks/serving.py [--data FOLDER] [--database URL] [--seconds N] [--processes 1,2]

Imports ML-100k (943 end users, 1,682 items) into a database of its own, puts a text in force about every item and end
user, trains DIN (history 30, one epoch: its speed does not depend on how good it is) and serves it with granian as
`manage.py up` does. Every answer ranks all unseen items of the catalog for another end user, and is logged.

Latency: one caller with a kept connection, asking one after the other. Throughput: as many callers as --callers, in
processes of their own on the same machine, so what they cost is in the figure. CPU: the server's own, per answer; it
holds better on a busy machine than the other figures do; the load average is printed beside them. SQLite unless
--database names another (its tables must be empty). The last line printed is one JSON object.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("none", "short", "full")
WARM_UP = 40
TEXT = (
    "Prefers long, quiet dramas and war films of the sixties and seventies, most of all those told by one director "
    "over many years. Rated eleven of twelve of them 4 or 5. Comedies are liked when they are dry: four of seven. "
    "Dislikes loud action and musicals, with one exception. Recent ratings lean towards older black-and-white films."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ml-100k")
    parser.add_argument("--database", default="", help="a database URL; a new SQLite file unless given")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--processes", default="1,2", help="granian workers")
    parser.add_argument("--callers", type=int, default=8)
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)  # a step in a process of its own
    options = parser.parse_args()
    if options.prepare:
        print(json.dumps(prepare()))
        return
    with tempfile.TemporaryDirectory(prefix="r4-serving-") as folder:
        url = options.database or f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        environment = os.environ | {
            "DATABASE_URL": url,
            "R4_VAR": folder,
            "R4_SECRET_KEY": "benchmark",
            "R4_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "r4web.settings",
        }
        (Path(folder) / "static").mkdir()
        facts = fill(environment, options.data)
        results = [
            measure(environment, facts, level, workers=int(workers), options=options)
            for workers in options.processes.split(",")
            for level in LEVELS
        ]
    columns = ("processes", "explain", "p50_ms", "p95_ms", "p99_ms", "requests_per_second", "cpu_ms", "bytes", "load")
    print("  ".join(columns))
    for row in results:
        print("  ".join(str(row[column]).rjust(len(column)) for column in columns))
    database = url.split(":")[0]
    print(json.dumps({"benchmark": "serving", "database": database, **facts["counts"], "results": results}))


def fill(environment: dict[str, str], data: Path) -> dict[str, Any]:
    def manage(*arguments: str) -> str:
        return run([sys.executable, "manage.py", *arguments], environment)

    manage("migrate", "-v0")
    manage("import_catalog", "ml100k", str(data), "--format", "movielens-100k", "--json")
    facts: dict[str, Any] = json.loads(run([sys.executable, __file__, "--prepare"], environment).splitlines()[-1])
    manage("train_backbone", "ml100k", "--epochs", "1", "--activate", "--json")
    return facts


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def prepare() -> dict[str, Any]:
    """Put a text in force about everybody and everything, and make a token."""
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.db import transaction

    from recommender.accounts.tokens import create_token
    from recommender.knowledge.service import accept
    from recommender.models import Account, Catalog, Role
    from tests.builders import make_round

    catalog = Catalog.objects.get(name="ml100k")
    with transaction.atomic():
        for subject in [*catalog.end_users.all(), *catalog.items.all()]:
            accept(make_round(subject, ("reason", f"{TEXT} ({subject})"), ("reflect", "")).turns.get(index=0))
    account = Account.objects.create_user("benchmark", role=Role.LEAD)
    counts = {"items": catalog.items.count(), "end_users": catalog.end_users.count()}
    users = list(catalog.end_users.values_list("external_id", flat=True))
    return {"key": create_token("benchmark", account=account, per_minute=0)[1], "users": users, "counts": counts}


@contextmanager
def served(environment: dict[str, str], *, workers: int) -> Iterator[tuple[int, int]]:
    """Granian on a free port, as the supervisor starts it: (port, process id). Ended with its children."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--no-log", "r4web.wsgi:application"]
    server = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, env=environment)
    try:
        for _ in range(1200):  # a crowded machine takes its time
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def measure(
    environment: dict[str, str], facts: dict[str, Any], level: str, *, workers: int, options: argparse.Namespace
) -> dict[str, Any]:
    asked = (facts["users"], facts["key"], f"limit={options.limit}&explain={level}")
    with served(environment, workers=workers) as (port, server):
        for seed in range(workers * 2):  # every process reads the artifact and the catalog index
            ask(port, *asked, seed=seed, seconds=60, count=WARM_UP)
        before = cpu_seconds(server)
        alone, size = ask(port, *asked, seed=99, seconds=options.seconds)
        cpu = (cpu_seconds(server) - before) / len(alone)
        with ProcessPoolExecutor(options.callers) as pool:
            began = time.perf_counter()
            calls = [
                pool.submit(ask, port, *asked, seed=seed, seconds=options.seconds) for seed in range(options.callers)
            ]
            answered = sum(len(call.result()[0]) for call in calls)
            seconds = time.perf_counter() - began
    alone.sort()
    row = {
        "processes": workers,
        "explain": level,
        **{f"p{p}_ms": round(alone[len(alone) * p // 100] * 1000, 2) for p in (50, 95, 99)},
        "cpu_ms": round(cpu * 1000, 2),
        "alone": len(alone),
        "load": round(os.getloadavg()[0], 1),
        "callers": options.callers,
        "requests_per_second": round(answered / seconds, 1),
        "bytes": size,
    }
    print(row, file=sys.stderr, flush=True)
    return row


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children so far, ended ones too; 0 where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, children)))


def ask(
    port: int, users: list[str], key: str, query: str, *, seed: int, seconds: float, count: int = 0
) -> tuple[list[float], int]:
    """Ask over one kept connection for so long, or so often: seconds of each answer, and an answer's bytes."""
    source = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took: list[float] = []
    body = b""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends and (not count or len(took) < count):
        path = f"/api/v1/catalogs/ml100k/users/{source.choice(users)}/recommendations?{query}"
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        body = response.read()
        took.append(time.perf_counter() - began)
        if response.status != 200 or b'"source":"backbone"' not in body:
            sys.exit(f"{response.status}: {body[:300]!r}")
    connection.close()
    return took, len(body)


if __name__ == "__main__":
    main()

"""How many rounds and calls per second go through Celery with the embedded endpoint, and what does the client cost?

    python -m benchmarks.rounds [--data FOLDER] [--rounds N] [--database sqlite|postgresql] [--pool threads|prefork]

Imports ML-100k from the research data (without it: the sample catalog), opens N end-user and N item rounds, and waits
for a real worker to bring all of them to rest, through a real broker and the embedded endpoint, all on this machine.
The clock runs from the first message to the last rest. The last line printed is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.scratch import own_database

ROOT = Path(__file__).resolve().parent.parent
GOAL = 100.0  # calls per second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ml-100k")
    parser.add_argument("--rounds", type=int, default=200, help="end users, and as many items")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--pool", choices=["threads", "prefork", "solo"], default="threads")
    parser.add_argument("--concurrency", type=int, default=2)
    options = parser.parse_args()
    from tests.servers import free_port, running_postgres, running_valkey

    with ExitStack() as stack:
        port = free_port()
        url = stack.enter_context(running_postgres()) if options.database == "postgresql" else ""
        said = {"R4_ENDPOINT_PORT": str(port), "R4_LOG_LEVEL": "WARNING"}
        stack.enter_context(own_database(url=url, REDIS_URL=stack.enter_context(running_valkey()), **said))
        result = measure(stack, options, port)
    for name, value in result.items():
        print(f"{name:>20}  {value}")
    print(json.dumps({"benchmark": "rounds", "goal_calls_per_second": GOAL} | result))


def measure(stack: ExitStack, options: argparse.Namespace, port: int) -> dict[str, Any]:
    from django.core.management import call_command

    from recommender.models import Catalog, Round
    from recommender.rounds.config import OpenConfig
    from recommender.rounds.queries import progress
    from recommender.rounds.service import open_rounds
    from tests.servers import wait_until

    has_data = options.data.is_dir()
    source = [str(options.data), "--format", "movielens-100k"] if has_data else ["--format", "sample"]
    call_command("import_catalog", "bench", *source, stdout=sys.stderr)
    endpoint = start(stack, "worker.endpoint", "--port", str(port))
    worker = start(
        stack, "celery", "--app", "r4web", "worker", "--queues", "llm", "--pool", options.pool,
        "--concurrency", str(options.concurrency), "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
    )  # fmt: skip
    from r4web.celery import app

    wait_until(lambda: bool(app.control.ping(timeout=0.5)), what="the worker")
    before = cpu(worker), cpu(endpoint)
    started = time.monotonic()
    batch = open_rounds(Catalog.objects.get(), OpenConfig(subjects="all", limit=options.rounds))
    opened = time.monotonic()
    rounds = Round.objects.filter(batch=batch)
    while not (now := progress(rounds)).finished:
        time.sleep(0.1)
        if worker.poll() is not None:
            sys.exit("The worker ended.")
    ended = time.monotonic()
    worker_cpu, endpoint_cpu = cpu(worker) - before[0], cpu(endpoint) - before[1]
    seconds = ended - opened
    return {
        "catalog": "ml-100k" if has_data else "sample",
        "database": options.database,
        "pool": f"{options.pool} × {options.concurrency}",
        "rounds": now.total,
        "failed": now.failed,
        "rest_reasons": now.rest_reasons,
        "calls": now.calls,
        "tokens": now.tokens,
        "seconds_to_open": round(opened - started, 2),
        "seconds": round(seconds, 2),
        "rounds_per_second": round(now.total / seconds, 1),
        "calls_per_second": round(now.calls / seconds, 1),
        "client_cpu_share": round(worker_cpu / seconds, 2),
        "client_cpu_ms_per_call": round(1000 * worker_cpu / now.calls, 2),
        "endpoint_cpu_share": round(endpoint_cpu / seconds, 2),
        "cores": os.cpu_count(),
    }


def start(stack: ExitStack, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)

    def end() -> None:
        process.terminate()
        process.wait()

    stack.callback(end)
    return process


def cpu(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time of a process and its children (Linux)."""
    total = 0.0
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in [str(process.pid), *children]:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    main()

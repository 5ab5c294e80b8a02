"""Does every address keep its schema, whatever is sent, alone and one after the other?

    python -m benchmarks.fuzzing [--requests N] [--seed N] [--phases examples,fuzzing,…] [--only OPERATION]
    python -m tests.servers python -m benchmarks.fuzzing        # the same on PostgreSQL and Redis

Serves a small catalog with texts, events, rules and disputes by granian, and has schemathesis send what the schema
says and what it forbids, to all operations, then along the schema's links, until at least that many requests were
answered. Fails on an answer of 5xx, on a status, header, type or body that the schema does not have, on what is right
and refused, and on what is wrong and taken. `hooks.py` tells what a schema cannot say. Prints a table and one JSON
object, and exits with 1 if anything was found.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.scratch import variables
from benchmarks.serving import run, served

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).parent
PHASES = "examples,coverage,fuzzing,stateful"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="at least so many are sent")
    parser.add_argument("--examples", type=int, default=100, help="of one operation in one pass")
    parser.add_argument("--seed", type=int, default=1, help="of the first pass; each has the next")
    parser.add_argument("--phases", default=PHASES)
    parser.add_argument("--only", action="append", default=[], metavar="OPERATION", help="its operationId")
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)  # a step in a process of its own
    options = parser.parse_args()
    if options.prepare:
        print(json.dumps(prepare()))
        return
    with tempfile.TemporaryDirectory(prefix="r4-fuzzing-") as folder:
        url = os.environ.get("DATABASE_URL", "")
        environment = os.environ | variables(Path(folder), url, R4_ALLOWED_HOSTS="127.0.0.1")
        run([sys.executable, "manage.py", "migrate", "-v0"], environment)
        key = json.loads(run([sys.executable, "-m", "benchmarks.fuzzing", "--prepare"], environment))["key"]
        with served(environment, workers=1) as (port, _):
            sys.exit(passes(environment, port, key, Path(folder), options))


def passes(environment: dict[str, str], port: int, key: str, folder: Path, options: argparse.Namespace) -> int:
    """One pass after the other until enough was sent. 1 if anything was found."""
    calls, began, number, failed = folder / "calls.jsonl", time.monotonic(), 0, 0
    calls.touch()
    while len(rows := read(calls)) < options.requests and not failed:
        command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={HERE / 'schemathesis.toml'}", "run"]
        command += [f"http://127.0.0.1:{port}/api/v1/schema/", f"--header=Authorization:Bearer {key}", "--no-color"]
        command += [
            f"--phases={options.phases}",
            f"--max-examples={options.examples}",
            f"--seed={options.seed + number}",
        ]
        command += [f"--include-operation-id={name}" for name in options.only]
        told = {
            "SCHEMATHESIS_HOOKS": "benchmarks.fuzzing.hooks",
            "R4_FUZZING_CALLS": str(calls),
            "PYTHONPATH": str(ROOT),
        }
        failed = subprocess.run(command, cwd=folder, env=environment | told, check=False).returncode
        number += 1
    counted = Counter((operation, phase) for phase, operation, _ in rows)
    phases = sorted({phase for _, phase in counted})
    print("  ".join(["operation".ljust(24), *phases]))
    for operation in sorted({name for name, _ in counted}):
        print("  ".join([operation.ljust(24), *(str(counted[operation, one]).rjust(len(one)) for one in phases)]))
    statuses = Counter(status for *_, status in rows)
    found = {
        "benchmark": "fuzzing",
        "database": environment["DATABASE_URL"].split(":")[0],
        "requests": len(rows),
        "passes": number,
        "operations": len({name for name, _ in counted}),
        "phases": Counter(phase for phase, *_ in rows),
        "statuses": dict(sorted(statuses.items())),
        "server_errors": sum(many for status, many in statuses.items() if status >= 500),
        "failed": bool(failed),
        "seconds": round(time.monotonic() - began),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(found))
    return int(bool(failed))


def read(calls: Path) -> list[Any]:
    """Phase, operation and status of each call."""
    return [json.loads(line) for line in calls.read_text().splitlines()]


def prepare() -> dict[str, Any]:
    """A small catalog of which every address has something to say, and a token that may do everything."""
    import django

    django.setup()
    from recommender.accounts.tokens import create_token
    from recommender.knowledge.service import accept
    from recommender.models import Role, TokenScope
    from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round

    def approve(subject: Any, text: str) -> None:
        accept(make_round(subject, ("reason", text), ("reflect", "")).turns.get(index=0))

    catalog = make_catalog("films")
    items = [
        make_item(catalog, f"Film {n}", external_id=f"f{n}", genres=["Drama", "War"][: 1 + n % 2]) for n in range(1, 41)
    ]
    for n in range(1, 31):
        reader = make_end_user(catalog, "ünï/cödé 🎬" if n == 30 else f"u{n}")
        for moment, item in enumerate(items[n % 7 : n + 5 : 2], start=1):
            make_interaction(reader, item, rating=1.0 + (n + moment) % 5, moment=moment)
        approve(reader, "They adore dramas. They can't stand musicals.")
    for item in items[:20]:
        approve(item, "A quiet drama about a war.")
    account = make_account("fuzzing", role=Role.LEAD)
    return {"key": create_token("fuzzing", account=account, scopes=list(TokenScope), per_minute=0)[1]}


if __name__ == "__main__":
    main()

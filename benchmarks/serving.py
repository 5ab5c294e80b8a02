"""How fast does the REST endpoint answer, with and without reasons, computed and kept?

    python -m benchmarks.serving [--data FOLDER] [--database URL] [--before COMMIT] [--seconds N] [--processes 1,2]
                                 [--callers 2,8] [--cases none,short,…] [--requests N]

Imports ML-100k (943 end users, 1,682 items) into a database of its own, puts a text in force about every item and end
user, trains DIN (history 30, one epoch: its speed does not depend on how good it is) and serves it with granian as
`manage.py up` does. `--before COMMIT` serves the same database with the code of an earlier commit too, in turns with
this one: only figures of one run can be compared.

Cases: `yardstick`, a bare answer in JSON to a token, which everything is to be measured by; `none`, `short`, `full`:
lists of ten with so much said of them, each made anew for another end user (R4_ANSWERS_MB=0); `hundred`: a hundred
items, short; `logged`: a POST, which logs its list; `kept`, `kept short`: lists of twenty end users again and again.

Latency: one caller with a kept connection, asking one after the other, then as many side by side as --callers says, in
processes of their own on the same machine, so what they cost is in the figure. CPU: the server's own, per answer; it
holds better on a busy machine than the other figures do; the load average is printed beside them. MB: what the largest
web process holds at the end; --requests asks so often before, to see whether it grows. `token`: microseconds of
processor time of a token's check alone. SQLite unless --database names another (its tables must be empty). The last
line printed is one JSON object.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scratch import variables

ROOT = Path(__file__).resolve().parent.parent
LIST = "/api/v1/catalogs/ml100k/users/{user}/recommendations"
FEW = 20  # end users, whose lists are kept
SERVED = {"DJANGO_SETTINGS_MODULE": "served_settings", "PYTHONPATH": str(ROOT / "benchmarks" / "served")}


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked: `path` may name a user. `kept`: by a server that keeps answers, of a few end users."""

    name: str
    path: str
    body: bytes = b""
    kept: bool = False


CASES = (
    Case("yardstick", "/api/v1/yardstick"),
    Case("none", f"{LIST}?limit=10"),
    Case("short", f"{LIST}?limit=10&explain=short"),
    Case("full", f"{LIST}?limit=10&explain=full"),
    Case("hundred", f"{LIST}?limit=100&explain=short"),
    Case("logged", LIST, body=b'{"limit":10}'),
    Case("kept", f"{LIST}?limit=10", kept=True),
    Case("kept short", f"{LIST}?limit=10&explain=short", kept=True),
)
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
    parser.add_argument("--before", default="", help="a commit, whose code serves in turns with this one")
    parser.add_argument("--processes", default="1,2", help="granian workers")
    parser.add_argument("--callers", default="2,8", help="that ask side by side")
    parser.add_argument("--cases", default=",".join(case.name for case in CASES))
    parser.add_argument("--requests", type=int, default=0, help="to ask before each measurement")
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)  # a step in a process of its own
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)  # likewise
    options = parser.parse_args()
    if options.prepare:
        print(json.dumps(prepare()))
        return
    if options.token:
        print(token_check(options.token))
        return
    with tempfile.TemporaryDirectory(prefix="r4-serving-") as folder, codes(options.before, Path(folder)) as roots:
        environment = os.environ | variables(Path(folder), options.database, **SERVED)
        facts = fill(environment, options.data)
        results = [
            measure(environment, facts, case, code=code, root=root, workers=int(workers), options=options)
            for workers in options.processes.split(",")
            for case in CASES
            if case.name in options.cases.split(",")
            for code, root in roots.items()
        ]
        check = ["-m", "benchmarks.serving", "--token", facts["key"]]
        tokens = {code: float(run([sys.executable, *check], environment, root)) for code, root in roots.items()}
    columns = [column for column in results[0] if column != "seconds"]
    print("  ".join(columns))
    for row in results:
        print("  ".join(str(row[column]).rjust(len(column)) for column in columns))
    print(f"a token's check: {tokens} microseconds of processor time")
    database = environment["DATABASE_URL"].split(":")[0]
    known = {"database": database, **facts["counts"], "token_us": tokens, "results": results}
    print(json.dumps({"benchmark": "serving", **known}))


@contextmanager
def codes(before: str, folder: Path) -> Iterator[dict[str, Path]]:
    """The folders whose code serves, by name: an earlier commit's in a worktree that is removed again, and this one."""
    if not before:
        yield {"now": ROOT}
        return
    earlier = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(earlier), before], check=True)
    try:
        yield {"before": earlier, "now": ROOT}
    finally:
        subprocess.run([*git, "remove", "--force", str(earlier)], check=True)


def fill(environment: dict[str, str], data: Path) -> dict[str, Any]:
    def manage(*arguments: str) -> str:
        return run([sys.executable, "manage.py", *arguments], environment)

    manage("migrate", "-v0")
    manage("import_catalog", "ml100k", str(data), "--format", "movielens-100k", "--json")
    facts: dict[str, Any] = json.loads(
        run([sys.executable, "-m", "benchmarks.serving", "--prepare"], environment).splitlines()[-1]
    )
    manage("train_backbone", "ml100k", "--epochs", "1", "--activate", "--json")
    return facts


def run(command: list[str], environment: dict[str, str], root: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def prepare() -> dict[str, Any]:
    """Put a text in force about everybody and everything, and make a token."""
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


def token_check(key: str) -> float:
    """Of the code in the working folder, as a request does it: recognise the token, count the request."""
    import django

    django.setup()
    from recommender.accounts import quota, tokens

    count, began = 0, 0.0
    for count in range(2_100):
        if count == 100:
            began = time.process_time()
        quota.spent(tokens.digest_of(key))
        quota.count(tokens.recognise(key))
    return round((time.process_time() - began) / (count - 99) * 1e6, 1)


@contextmanager
def served(environment: dict[str, str], *, workers: int, root: Path = ROOT) -> Iterator[tuple[int, int]]:
    """Granian on a free port, as the supervisor starts it: (port, process id). Ended with its children."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    command += ["--workers", str(workers), "--blocking-threads", "4", "--no-log", "r4web.wsgi:application"]
    server = subprocess.Popen([sys.executable, "-m", *command], cwd=root, env=environment)
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
    environment: dict[str, str],
    facts: dict[str, Any],
    case: Case,
    *,
    code: str,
    root: Path,
    workers: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    users = facts["users"][:FEW] if case.kept else facts["users"]
    keeping = {} if case.kept else {"R4_ANSWERS_MB": "0"}
    asked = (users, facts["key"], case)
    with served(environment | keeping, workers=workers, root=root) as (port, server):
        for seed in range(workers * 2):  # every process reads the artifact and the catalog index
            ask(port, *asked, seed=seed, seconds=60, count=WARM_UP)
        if options.requests:
            ask(port, *asked, seed=98, seconds=3600, count=options.requests)
        before = cpu_seconds(server)
        alone, size = ask(port, *asked, seed=99, seconds=options.seconds)
        cpu = (cpu_seconds(server) - before) / len(alone)
        row = {"code": code, "processes": workers, "case": case.name, **percentiles(alone, "1"), "cpu_ms": cpu * 1000}
        for callers in map(int, options.callers.split(",")):
            with ProcessPoolExecutor(callers) as pool:
                began = time.perf_counter()
                calls = [pool.submit(ask, port, *asked, seed=n, seconds=options.seconds) for n in range(callers)]
                took = [one for call in calls for one in call.result()[0]]
                row |= percentiles(took, str(callers))
                row[f"per_s@{callers}"] = len(took) / (time.perf_counter() - began)
        row |= {"mb": resident(server), "bytes": size, "load": os.getloadavg()[0]}
    row = {name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()}
    print(row, file=sys.stderr, flush=True)
    return row


def percentiles(took: list[float], callers: str) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(took)
    return {f"p{p}@{callers}": ordered[len(ordered) * p // 100] * 1000 for p in (50, 95, 99)}


def resident(pid: int) -> float:
    """Of the largest child of a process, in MB; 0 where /proc does not tell."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
    except OSError:
        return 0.0
    return max(pages, default=0) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children so far, ended ones too; 0 where /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, map(int, children)))


def ask(
    port: int, users: list[str], key: str, case: Case, *, seed: int, seconds: float, count: int = 0
) -> tuple[list[float], int]:
    """Ask over one kept connection for so long, or so often: seconds of each answer, and an answer's bytes."""
    source = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {key}"} | ({"Content-Type": "application/json"} if case.body else {})
    took: list[float] = []
    body = b""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends and (not count or len(took) < count):
        path = case.path.format(user=source.choice(users))
        began = time.perf_counter()
        connection.request("POST" if case.body else "GET", path, body=case.body or None, headers=headers)
        response = connection.getresponse()
        body = response.read()
        took.append(time.perf_counter() - began)
        if response.status != 200 or not (b'"source":"backbone"' in body or case.name == "yardstick"):
            sys.exit(f"{response.status}: {body[:300]!r}")
    connection.close()
    return took, len(body)


if __name__ == "__main__":
    main()

"""What do wrong sign-ins cost everybody else, and how many guesses does somebody get?

    python -m benchmarks.sign_in [--database URL] [--seconds N] [--parallel 8]

Imports the sample catalog into a database of its own and serves it with granian as `manage.py up` does. One program
asks REST for lists, one after the other over a kept connection: first alone, then while others send wrong passwords
side by side as fast as they are answered. `one address`: all for one account from one address, as a guesser does. `many
addresses`: another account and another address each time (behind one proxy, by X-Forwarded-For), so that nothing but
the bound on password hashes stands in the way. Guesses are answers that looked at the password. The last line printed
is one JSON object.
"""

import argparse
import http.client
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.scratch import variables
from benchmarks.serving import run, served

PROCESSES = 2
GUESSED = 200  # the form again: the password was looked at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="", help="a database URL; a new SQLite file unless given")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--parallel", type=int, default=8, help="wrong sign-ins at a time")
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)  # a step in a process of its own
    options = parser.parse_args()
    if options.prepare:
        print(json.dumps(prepare()))
        return
    with tempfile.TemporaryDirectory(prefix="r4-sign-in-") as folder:
        environment = os.environ | variables(Path(folder), options.database, R4_PROXIES="1")
        run([sys.executable, "manage.py", "migrate", "-v0"], environment)
        facts = json.loads(run([sys.executable, "-m", "benchmarks.sign_in", "--prepare"], environment).splitlines()[-1])
        with served(environment, workers=PROCESSES) as (port, _):
            ask(port, facts, seconds=3)
            results = [measure(port, facts, kind, options) for kind in ("quiet", "one address", "many addresses")]
    columns = list(results[0])
    print("  ".join(columns))
    for row in results:
        print("  ".join(str(row[column]).rjust(len(column)) for column in columns))
    print(json.dumps({"benchmark": "sign_in", "parallel": options.parallel, "results": results}))


def prepare() -> dict[str, Any]:
    """The sample catalog, a token, and an account to guess at."""
    import django

    django.setup()
    from django.core.management import call_command

    from recommender.accounts.tokens import create_token
    from recommender.models import Account, Catalog, Role

    call_command("import_catalog", "sample", "--format", "sample", stdout=sys.stderr)
    account = Account.objects.create_user("lena", role=Role.LEAD, password="correct horse battery")
    users = list(Catalog.objects.get(name="sample").end_users.values_list("external_id", flat=True))
    return {"key": create_token("benchmark", account=account)[1], "users": users}


def measure(port: int, facts: dict[str, Any], kind: str, options: argparse.Namespace) -> dict[str, Any]:
    with ProcessPoolExecutor(1) as pool:
        guessing: Future[Counter[int]] | None = None
        if kind != "quiet":
            guessing = pool.submit(guess, port, options.parallel, options.seconds + 2, kind == "many addresses")
            time.sleep(2)
        took = sorted(ask(port, facts, seconds=options.seconds))
        answers = guessing.result() if guessing else Counter()
    per_minute = 60 / (options.seconds + 2)
    return {
        "kind": kind.rjust(14),
        "rest_p50_ms": round(took[len(took) // 2] * 1000, 1),
        "rest_p95_ms": round(took[len(took) * 95 // 100] * 1000, 1),
        "rest_answers": len(took),
        "guesses_per_minute": round(answers[GUESSED] * per_minute, 1),
        "refused_per_minute": round(sum(answers[code] for code in (429, 503)) * per_minute),
        "failed": sum(count for code, count in answers.items() if code not in (GUESSED, 429, 503)),
        "load": round(os.getloadavg()[0], 1),
    }


def ask(port: int, facts: dict[str, Any], *, seconds: float) -> list[float]:
    """Seconds of each list that was asked for."""
    source, took = random.Random(1), []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        path = f"/api/v1/catalogs/sample/users/{source.choice(facts['users'])}/recommendations?limit=10"
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {facts['key']}"})
        response = connection.getresponse()
        body = response.read()
        took.append(time.perf_counter() - began)
        if response.status != 200:
            sys.exit(f"{response.status}: {body[:300]!r}")
    connection.close()
    return took


def guess(port: int, parallel: int, seconds: float, many: bool) -> Counter[int]:
    """Wrong passwords, side by side and without a pause: answers by status."""
    answers: Counter[int] = Counter()
    ends = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_guess_one_by_one, args=(port, answers, ends, many, seed)) for seed in range(parallel)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _guess_one_by_one(port: int, answers: Counter[int], ends: float, many: bool, seed: int) -> None:
    source = random.Random(seed)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/sign-in/")
    page = connection.getresponse()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())[:1]
    cookie = page.headers["Set-Cookie"].split(";")[0]
    while time.perf_counter() < ends:
        name = f"somebody{source.randrange(10**9)}" if many else "lena"
        address = ".".join(str(source.randrange(1, 255)) for _ in range(4)) if many else "192.0.2.7"
        form = {"csrfmiddlewaretoken": token, "username": name, "password": f"guess-{source.random()}"}
        headers = {
            "Cookie": cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Forwarded-For": address,
        }
        connection.request("POST", "/sign-in/", urlencode(form), headers)
        response = connection.getresponse()
        response.read()
        answers[response.status] += 1
    connection.close()


if __name__ == "__main__":
    main()

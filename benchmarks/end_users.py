"""Does a list cost the same among a million end users as among a thousand?

    python -m benchmarks.end_users [--users 1000,10000,100000,1000000] [--each 5] [--requests 100] [--folder FOLDER]

Prepares what benchmarks.serving serves (ML-100k, a text about everybody and everything, DIN after one epoch; --folder
keeps it), then adds end users by SQL until there are so many, each with the attributes of one of ML-100k's and its
first --each interactions, every tenth with its text, and every hundredth with neither. At each size a process of its
own answers lists of ML-100k's end users, the same at every size, of added ones, and of `new` ones that have met nothing
(what is popular with people like them), in turns, through Django's handler, with nothing kept of an answer
(R4_ANSWERS_MB=0): processor and wall time. `first`: the first answer, which reads the artifact and counts the catalog.
`event`: a list right after an interaction was stored. `counting`: the catalog counted again, which somebody's request
starts and nobody's waits for. The last line printed is one JSON object.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from benchmarks.in_turns import environment_of, prepared
from benchmarks.serving import LIST, ROOT

AT_ONCE = 100_000  # rows of a statement
WITH_TEXT, NEW = 10, 100  # every tenth has a text, every hundredth has met nothing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", default="1000,10000,100000,1000000")
    parser.add_argument("--each", type=int, default=5, help="interactions of each end user that is added")
    parser.add_argument("--requests", type=int, default=100, help="of each kind, after half as many that do not count")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "ml-100k")
    parser.add_argument("--folder", type=Path, help="to prepare in, or that was prepared before")
    parser.add_argument("--add", type=int, default=0, help=argparse.SUPPRESS)  # steps in processes of their own
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.add or options.answer:
        import django

        django.setup()
        print(json.dumps(add(options.add, options.each) if options.add else answer(options.requests)))
        return
    with tempfile.TemporaryDirectory(prefix="r4-users-") as scratch:
        folder = options.folder or Path(scratch)
        environment = environment_of(folder) | {"R4_SQLITE_CACHE_MB": "2"}  # as web processes have it
        facts = prepared(environment, folder, options.data)
        found = {}
        for users in map(int, options.users.split(",")):
            added = step(environment, facts, options, "--add", str(users))
            found[users] = added | step(environment, facts, options, "--answer")
            print(users, json.dumps(found[users]), file=sys.stderr, flush=True)
    print(json.dumps({"benchmark": "end_users", "load": os.getloadavg(), **found}))


def step(environment: dict[str, str], facts: dict[str, Any], options: argparse.Namespace, *said: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.end_users", *said]
    command += ["--each", str(options.each), "--requests", str(options.requests)]
    paths = os.pathsep.join([str(ROOT), environment["PYTHONPATH"]])
    given = environment | {"PYTHONPATH": paths, "BENCHMARK_KEY": facts["key"]}
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def add(users: int, each: int) -> dict[str, Any]:
    """Add end users until there are so many."""
    from django.db import connection, transaction
    from django.db.models import F

    from recommender.models import Catalog, EndUser, Interaction, Knowledge

    catalog = Catalog.objects.get()
    own = list(catalog.end_users.exclude(external_id__startswith="x").order_by("pk")[:200])
    templates = []
    for end_user in own:
        met = list(end_user.interactions.order_by("moment", "pk").values_list("item_id", "rating", "moment")[:each])
        text = Knowledge.objects.filter(end_user=end_user, in_force=True).first()
        templates.append((json.dumps(end_user.attributes), met, text))
    first, here = EndUser.objects.order_by("-pk")[0].pk + 1, catalog.end_users.count()
    numbers = range(first, first + max(0, users - here))

    def end_users() -> Iterator[tuple[Any, ...]]:
        for pk in numbers:
            yield pk, catalog.pk, f"x{pk}", templates[pk % len(templates)][0]

    def interactions() -> Iterator[tuple[Any, ...]]:
        for pk in numbers:
            for item, rating, moment in templates[pk % len(templates)][1] if pk % NEW else ():
                yield pk, item, rating, moment

    def texts() -> Iterator[tuple[Any, ...]]:
        for pk in numbers:
            text = templates[pk % len(templates)][2]
            if pk % WITH_TEXT == 1 and text is not None:
                yield text.text, text.text_hash, text.as_of, text.accepted_at, catalog.pk, pk, text.turn_id

    began = time.perf_counter()
    names = {
        EndUser: ("id, catalog_id, external_id, attributes", end_users()),
        Interaction: ("end_user_id, item_id, rating, moment", interactions()),
        Knowledge: ("text, text_hash, as_of, accepted_at, catalog_id, end_user_id, turn_id", texts()),
    }
    more = {Knowledge: {"further_texts": "'[]'", "in_force": "true"}}
    with transaction.atomic(), connection.cursor() as cursor:
        for model, (columns, rows) in names.items():
            also = more.get(model, {})
            values = ", ".join([*["%s"] * len(columns.split(", ")), *also.values()])
            into = ", ".join([columns, *also])
            while part := list(islice(rows, AT_ONCE)):
                cursor.executemany(f"INSERT INTO {model._meta.db_table} ({into}) VALUES ({values})", part)
        Catalog.objects.filter(pk=catalog.pk).update(changes=F("changes") + 1)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # as an import has it; SQLite is never told
            cursor.execute("ANALYZE")
    stored = {"end_users": catalog.end_users.count(), "interactions": Interaction.objects.count()}
    return stored | {"texts": Knowledge.objects.count(), "adding_s": round(time.perf_counter() - began, 1)}


def answer(requests: int) -> dict[str, Any]:
    """Milliseconds (median, 95th percentile) of lists in this process."""
    from django.db.models import F
    from django.test import Client

    from recommender.models import Catalog, EndUser, Interaction
    from recommender.serving import catalog_index

    client, source = Client(), random.Random(1)
    key = os.environ["BENCHMARK_KEY"]
    catalog = Catalog.objects.get()
    own = list(catalog.end_users.exclude(external_id__startswith="x").values_list("external_id", flat=True))
    last = catalog.end_users.order_by("-pk")[0].pk
    busy = last if last % NEW else last - 1  # who meets something in between
    least = catalog.end_users.filter(external_id__startswith="x").order_by("pk")[0].pk
    event = count(10**9 + Interaction.objects.filter(end_user_id=busy).count())

    def ask(name: str) -> tuple[float, float]:
        wall, processor = time.perf_counter(), time.process_time()
        path = f"{LIST.format(user=name)}?limit=10"
        said = client.get(path, headers={"Authorization": f"Bearer {key}", "Host": "127.0.0.1"})
        took = (time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000
        assert said.status_code == 200, said.content
        return took

    def met() -> None:
        Interaction.objects.create(end_user_id=busy, item=catalog.items.order_by("pk")[0], rating=4, moment=next(event))
        Catalog.objects.filter(pk=catalog.pk).update(changes=F("changes") + 1)

    def added() -> str:
        pk = source.randint(least, last)
        return f"x{pk if pk % NEW else pk - 1}"

    def new() -> str:
        return f"x{NEW * source.randint(least // NEW + 1, last // NEW)}"

    kinds = {"own": lambda: source.choice(own), "added": added, "new": new}
    first = [round(one, 1) for one in ask(own[0])]
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in (*kinds, "event")}
    for number in range(requests * 3 // 2):
        for name, chosen in kinds.items():
            took[name].append(ask(chosen()))
        if number % 5 == 0:
            met()
            took["event"].append(ask(kinds["added"]()))
    began = time.perf_counter()
    catalog_index._read(catalog, "default")
    counting = round(time.perf_counter() - began, 2)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    figures = {name: _figures(each[len(each) // 3 :]) for name, each in took.items()}
    return {"first": first, **figures, "counting_s": counting, "mb": resident, "people": EndUser.objects.count()}


def _figures(took: list[tuple[float, float]]) -> dict[str, list[float]]:
    """Wall and processor time, each its median and 95th percentile."""
    found = {}
    for name, column in zip(("wall", "processor"), zip(*took, strict=True), strict=True):
        ordered = sorted(column)
        found[name] = [round(statistics.median(ordered), 2), round(ordered[len(ordered) * 95 // 100], 2)]
    return found


if __name__ == "__main__":
    main()

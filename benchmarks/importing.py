"""How fast is `import_catalog`, beside a plain bulk load of the same interactions into the same database?

    python -m benchmarks.importing [--data FOLDER] [--repeats N] [--databases sqlite,postgresql]

Reads ML-1M (interactions.csv.gz, movies.dat, users.dat: 1,000,209 interactions) and ML-100k from the research data.
The plain load gets rows that are parsed, checked and resolved to the database's own ids beforehand; it writes them
into the real, empty table with all its indexes and constraints: one executemany on SQLite, one COPY of a prepared
text on PostgreSQL. The import is everything: unpacking, parsing, checking, items, end users, interactions, counts.
Both run in processes of their own, in turns; the medians are compared. Goal: a third of the plain load's rows/s.

SQLite uses a new file; PostgreSQL is the server that DATABASE_URL names (its catalogs are DELETED), or one started
for this run from the wheel. The last line printed is one JSON object.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOAL = 1 / 3
LARGE = 3  # times ML-1M, its end users renamed: shows whether memory grows with the file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--step", help=argparse.SUPPRESS)  # one measurement, in a process of its own
    options = parser.parse_args()
    if options.step:
        print(json.dumps(STEPS[options.step](options.data)))
        return
    results = {name: measure(name, options.data, options.repeats) for name in options.databases.split(",")}
    print_table(results)
    print(json.dumps({"benchmark": "importing", "goal": round(GOAL, 3), "databases": results}))


def measure(database: str, data: Path, repeats: int) -> dict[str, Any]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r4-importing-")))
        url = f"sqlite:///{folder / 'bench.sqlite3'}"
        if database == "postgresql" and not (url := os.environ.get("DATABASE_URL", "")).startswith("postgres"):
            from tests.servers import running_postgres

            url = stack.enter_context(running_postgres())

        def run(step: str) -> dict[str, Any]:
            for old in folder.glob("bench.sqlite3*"):
                old.unlink()
            environment = os.environ | {"DATABASE_URL": url, "R4_VAR": str(folder), "R4_SECRET_KEY": "benchmark"}
            command = [sys.executable, "-m", "benchmarks.importing", "--data", str(data), "--step", step]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            print(f"{database} {step}: {found}", file=sys.stderr, flush=True)
            return found

        turns = [(run("plain"), run("import")) for _ in range(repeats)]
        large, hundred = run("import-large"), run("import-100k")
    plain = statistics.median(turn[0]["rows"] / turn[0]["seconds"] for turn in turns)
    whole = statistics.median(turn[1]["rows"] / turn[1]["seconds"] for turn in turns)
    ratio = statistics.median(
        turn[1]["rows"] / turn[1]["seconds"] / (turn[0]["rows"] / turn[0]["seconds"]) for turn in turns
    )
    return {
        "rows": turns[0][1]["rows"],
        "plain_rows_per_second": round(plain),
        "import_rows_per_second": round(whole),
        "ratio": round(ratio, 3),
        "reaches_goal": ratio >= GOAL,
        "again_seconds": statistics.median(turn[1]["again_seconds"] for turn in turns),
        "peak_mib": max(turn[1]["peak_mib"] for turn in turns),
        "peak_mib_of_large_file": large["peak_mib"],
        "large_rows": large["rows"],
        "ml_100k_seconds": hundred["seconds"],
    }


def print_table(results: dict[str, dict[str, Any]]) -> None:
    print(f"{'':<12}{'plain load':>14}{'import':>14}{'ratio':>8}{'goal':>8}{'peak memory':>14}{'ML-100k':>10}")
    for name, result in results.items():
        print(
            f"{name:<12}{result['plain_rows_per_second']:>10,} r/s{result['import_rows_per_second']:>10,} r/s"
            f"{result['ratio']:>8.2f}{GOAL:>8.2f}{result['peak_mib']:>10.0f} MiB{result['ml_100k_seconds']:>8.1f} s"
        )
        print(f"{'':<12}the same file again, changing nothing: {result['again_seconds']:.1f} s")
        print(f"{'':<12}peak memory with {result['large_rows']:,} rows: {result['peak_mib_of_large_file']:.0f} MiB")


# --- what runs in a process of its own ------------------------------------------------------------------------------
def _prepare() -> None:
    """An empty database with the project's tables."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "r4web.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE recommender_catalog CASCADE")
            cursor.execute("CHECKPOINT")


def _import(form: str, path: Path, *, rows: int, **files: Path) -> dict[str, Any]:
    _prepare()
    from recommender.catalogs.importers.plan import Request
    from recommender.catalogs.importers.run import import_catalog

    columns = {"item_id": "movie_id", "order": "pos"} if form == "csv" else {}
    first, again = (
        import_catalog("bench", form=form, request=Request(path=path, columns=columns, **files)) for _ in range(2)
    )
    assert first.rejected == 0
    assert first.interactions.total == again.interactions.unchanged == rows
    return {
        "rows": rows,
        "seconds": round(first.seconds, 3),
        "again_seconds": round(again.seconds, 3),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def import_1m(data: Path) -> dict[str, Any]:
    folder = data / "ml-1m"
    path, items, end_users = (folder / name for name in ("interactions.csv.gz", "movies.dat", "users.dat"))
    return _import("csv", path, items=items, end_users=end_users, rows=1_000_209)


def import_large(data: Path) -> dict[str, Any]:
    folder = data / "ml-1m"
    with tempfile.TemporaryDirectory() as name:
        large = Path(name) / "interactions.csv"
        with large.open("w") as copies:
            for number in range(LARGE):
                with gzip.open(folder / "interactions.csv.gz", "rt") as whole:
                    header = next(whole)
                    copies.write("" if number else header)
                    copies.writelines(f"{number}-{line}" for line in whole)
        return _import("csv", large, items=folder / "movies.dat", rows=LARGE * 1_000_209)


def import_100k(data: Path) -> dict[str, Any]:
    return _import("movielens-100k", data / "ml-100k", rows=100_000)


def plain(data: Path) -> dict[str, Any]:
    """The same interactions, ready in memory, by the database's own means."""
    _prepare()
    from django.db import connection, transaction

    from recommender.models import Catalog, EndUser, Interaction, Item

    with gzip.open(data / "ml-1m" / "interactions.csv.gz", "rt", newline="") as file:
        parsed = [(row["user_id"], row["movie_id"], row["label"], row["pos"]) for row in csv.DictReader(file)]
    catalog = Catalog.objects.create(name="plain", clock="order")
    people = [EndUser(catalog=catalog, external_id=name) for name in dict.fromkeys(row[0] for row in parsed)]
    films = [Item(catalog=catalog, external_id=name, title=name) for name in dict.fromkeys(row[1] for row in parsed)]
    EndUser.objects.bulk_create(people)
    Item.objects.bulk_create(films)
    user_ids = dict(EndUser.objects.values_list("external_id", "pk"))
    item_ids = dict(Item.objects.values_list("external_id", "pk"))
    rows = [
        (user_ids[user], item_ids[item], None if label == "-1" else int(label), int(moment))
        for user, item, label, moment in parsed
    ]
    table = Interaction._meta.db_table
    columns = "end_user_id, item_id, label, moment"
    if connection.vendor == "postgresql":
        text = "".join(
            f"{user}\t{item}\t{chr(92) + 'N' if label is None else label}\t{moment}\n"
            for user, item, label, moment in rows
        ).encode()
        started = time.perf_counter()
        with (
            transaction.atomic(),
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
        ):
            copy.write(text)
    else:
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s, %s)", rows)
    seconds = time.perf_counter() - started
    assert Interaction.objects.count() == len(rows)
    return {"rows": len(rows), "seconds": round(seconds, 3)}


STEPS = {"plain": plain, "import": import_1m, "import-large": import_large, "import-100k": import_100k}

if __name__ == "__main__":
    main()

"""How fast do annotators decide, and do the pages stay as fast when there are many reviews?

    python -m benchmarks.reviewing [--database sqlite,postgresql] [--annotators 8] [--seconds N] [--reviews N]

Fills an empty database with rounds about people and items (four turns, six statements, thirty ratings of evidence),
serves it with granian and a broker as `manage.py up` does, and signs annotators in, each with a session, a connection
and a process of their own. Each decides what is on the card, as the page's form does, and gets the next card in the
same answer: that is a pair. Of twenty decisions fifteen approve, two edit, two send back, one rejects. What the
annotators cost is in the figure; they do nothing but ask, find the form's fields and ask again. The processor time of a
pair is told apart: the web's processes, the database's (PostgreSQL; SQLite's is the web's), the annotators'.

Then the pages are asked for, one after the other, with --reviews reviews of which nine in ten are decided: medians,
beside those with a hundredth of them. The last line printed is one JSON object.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from benchmarks.scratch import variables
from benchmarks.serving import cpu_seconds, run, served

PAGES = {
    "home": "/",
    "queue": "/reviews/",
    "queue of items": "/reviews/?kind=item",
    "decided": "/reviews/?state=done",
    "deep in decided": "/reviews/?state=done&after={deep}",
}
TEXT = (
    "Of the thirty entries nineteen were liked. Long, quiet dramas did best: “Film 3” (rated 5) and “Film 9” (rated 4) "
    "are both of that kind, and “Film 12” (rated 2) is the only one of them that was not liked. War films are a second "
    "taste, above all old ones. Comedies are met with patience and no more: of five, two were liked. Recent entries "
    "lean towards crime, with “Film 27” (rated 4) as the latest. Nothing here speaks for musicals or horror."
)
STATEMENTS = [  # what is read from it: kind, name and value of the facet, polarity, where
    ("attribute", "genres", "Drama", "mixed", (40, 110)),
    ("phrase", "", "quiet dramas", "likes", (40, 110)),
    ("attribute", "genres", "War", "dislikes", (212, 268)),
    ("phrase", "", "old ones", "likes", (212, 268)),
    ("attribute", "genres", "Comedy", "mixed", (269, 342)),
    ("phrase", "", "musicals or horror", "dislikes", (410, 452)),
]
_FIELD = re.compile(r'<input type="hidden" name="([a-z_]+)"(?: value="([^"]*)")?')
_DECIDE = re.compile(r'id="decision"[^>]* hx-post="([^"]+)"')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="sqlite,postgresql")
    parser.add_argument("--annotators", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--reviews", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=min(8, 2 * (os.cpu_count() or 1)), help="granian workers")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)  # a step in a process of its own
    parser.add_argument("--doubles", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill is not None:
        print(json.dumps(fill(options.fill, options.annotators)))
        return
    if options.doubles:
        print(json.dumps(doubles()))
        return
    results = []
    for database in options.database.split(","):
        with environment(database) as variables:
            results.append({"database": database, **measured(variables, options)})
    for result in results:
        cpu = ", ".join(f"{whose} {ms}" for whose, ms in result["cpu_ms"].items())
        print(f"\n{result['database']}: {result['pairs_per_second']} pairs a second, p50 {result['p50_ms']} ms, "
              f"p95 {result['p95_ms']} ms, ms of processors a pair: {cpu}; "
              f"{result['doubles']} decided twice, load {result['load']}")  # fmt: skip
        for page, (few, many) in result["pages_ms"].items():
            print(f"  {page:18}{few:>8} ms{many:>8} ms")
    print(json.dumps({"benchmark": "reviewing", "annotators": options.annotators, "results": results}))


@contextlib.contextmanager
def environment(database: str) -> Iterator[dict[str, str]]:
    """Variables for an empty database and a broker, both ended afterwards."""
    from tests.servers import running_postgres, running_valkey

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r4-reviewing-")))
        url = stack.enter_context(running_postgres()) if database == "postgresql" else ""
        yield os.environ | variables(folder, url, REDIS_URL=stack.enter_context(running_valkey()))


def measured(variables: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    run([sys.executable, "manage.py", "migrate", "-v0"], variables)
    enough = int(100 * options.seconds)  # more than are decided meanwhile
    few = filled(variables, max(options.reviews // 100, enough), options)
    pages = {"few": asked_for(variables, few, options)}
    sessions = few["sessions"]
    with served(variables, workers=options.processes) as (port, server):
        for session in sessions:
            asked(port, session, "/reviews/")
        database, before = server_of(variables["DATABASE_URL"]), settled(server)
        before_of_database = cpu_seconds(database)
        with ProcessPoolExecutor(len(sessions)) as pool:
            began = time.perf_counter()
            calls = [pool.submit(work, port, session, seed, options.seconds) for seed, session in enumerate(sessions)]
            took = sorted(second for call in calls for second in call.result()[0])
            seconds = time.perf_counter() - began
        spent = {
            "web": cpu_seconds(server) - before,
            "database": cpu_seconds(database) - before_of_database,
            "annotators": sum(call.result()[1] for call in calls),
        }
    twice = json.loads(run([sys.executable, "-m", "benchmarks.reviewing", "--doubles"], variables).splitlines()[-1])
    many = filled(variables, options.reviews, options)
    pages["many"] = asked_for(variables, many, options)
    return {
        "pairs": len(took),
        "pairs_per_second": round(len(took) / seconds, 1),
        "p50_ms": round(took[len(took) // 2] * 1000, 1),
        "p95_ms": round(took[len(took) * 95 // 100] * 1000, 1),
        "cpu_ms": {whose: round(second * 1000 / max(len(took), 1), 1) for whose, second in spent.items()},
        "doubles": twice,
        "load": round(os.getloadavg()[0], 1),
        "pages_ms": {page: (pages["few"][page], pages["many"][page]) for page in PAGES},
    }


def server_of(url: str) -> int:
    """The process of PostgreSQL that has all others as children; 0 for SQLite, which has none."""
    if url.startswith("sqlite"):
        return 0
    with psycopg.connect(url) as connection:
        backend = Path(f"/proc/{connection.info.backend_pid}/stat").read_text()
        return int(backend.rsplit(")", 1)[1].split()[1])


def settled(server: int) -> float:
    """Wait until every process has loaded what it serves; the processor seconds spent until then."""
    before = cpu_seconds(server)
    while True:
        time.sleep(1)
        now = cpu_seconds(server)
        if now - before < 0.1:
            return now
        before = now


def filled(variables: dict[str, str], reviews: int, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.reviewing", "--fill", str(reviews)]
    facts: dict[str, Any] = json.loads(
        run([*command, "--annotators", str(options.annotators)], variables).splitlines()[-1]
    )
    return facts


def asked_for(variables: dict[str, str], facts: dict[str, Any], options: argparse.Namespace) -> dict[str, float]:
    """The median milliseconds of every page, asked for one after the other."""
    found = {}
    with served(variables, workers=1) as (port, _):
        for page, address in PAGES.items():
            took = []
            for _ in range(12):
                began = time.perf_counter()
                asked(port, facts["sessions"][0], address.format(deep=facts["deep"]))
                took.append(time.perf_counter() - began)
            found[page] = round(statistics.median(took[2:]) * 1000, 1)
    return found


def asked(port: int, session: str, address: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", address, headers={"Cookie": f"sessionid={session}"})
    response = connection.getresponse()
    body = response.read().decode()
    if response.status != 200:
        sys.exit(f"{address}: {response.status}")
    connection.close()
    return body


def work(port: int, session: str, seed: int, seconds: float) -> tuple[list[float], float]:
    """Decide for so long, or until nothing is left; seconds of every pair, and of this process's processor in all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    cookies = {"sessionid": session}

    def send(address: str, fields: dict[str, str] | None) -> http.client.HTTPResponse:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if fields is None:
            connection.request("GET", address, headers=headers)
        else:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}
            connection.request("POST", address, urlencode(fields), headers)
        response = connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie" and value.startswith("csrftoken="):
                cookies["csrftoken"] = value.split(";")[0].partition("=")[2]
        return response

    page = send("/reviews/", None).read().decode()
    token = _FIELD.search(page[page.index("csrfmiddlewaretoken") - 28 :])
    started = send("/reviews/start/", {"csrfmiddlewaretoken": token[2] if token else ""})
    started.read()
    page = send(started.getheader("Location") or "/reviews/", None).read().decode()
    took: list[float] = []
    spent = time.process_time()
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends and (form := _DECIDE.search(page)):
        fields = dict(_FIELD.findall(page[form.start() : form.start() + 3000]))
        given = ("approve",) * 15 + ("edit",) * 2 + ("override",) * 2 + ("reject",)
        fields["verdict"] = given[(seed * 7 + len(took)) % 20]
        if fields["verdict"] == "edit":
            fields["text"] = f"{TEXT} Edited by annotator {seed}, card {len(took)}."
        if fields["verdict"] == "override":
            fields["critique"] = "The text leaves out the westerns, of which four of five were liked."
        began = time.perf_counter()
        response = send(form[1], fields)
        page = response.read().decode()
        took.append(time.perf_counter() - began)
        if response.status != 200:
            sys.exit(f"{response.status}: {page[:500]}")
    return took, time.process_time() - spent


# --- steps in a process with Django -----------------------------------------------------------------------------------


def _django() -> None:
    import django

    django.setup()


def doubles() -> int:
    """Reviews that were decided more than once for good."""
    _django()
    from django.db.models import Count

    from reviews.models import Decision

    ended = Decision.objects.exclude(verdict="override").order_by().values("review").annotate(n=Count("pk"))
    return ended.filter(n__gt=1).count()


def fill(reviews: int, annotators: int) -> dict[str, Any]:
    """Sessions of the annotators, and so many reviews: all open while there are few, else nine of ten decided."""
    _django()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection, transaction

    from recommender.models import Account, Catalog, Role
    from reviews.models import Review

    made = Review.objects.count()
    catalog, _ = Catalog.objects.get_or_create(name="films", defaults={"item_noun": "film"})
    names = [f"annotator{number}" for number in range(annotators)]
    accounts = [Account.objects.get_or_create(username=name, defaults={"role": Role.ANNOTATOR})[0] for name in names]
    while made < reviews:
        with transaction.atomic():
            _more(catalog, accounts, made, min(2000, reviews - made), decided=made > 0)
        made = Review.objects.count()
    if connection.vendor == "postgresql":  # it does so by itself within a minute; until then its plans are bad
        connection.cursor().execute("analyze")
    sessions = []
    for account in accounts:
        session = SessionStore()
        session[SESSION_KEY], session[HASH_SESSION_KEY] = str(account.pk), account.get_session_auth_hash()
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session.create()
        sessions.append(session.session_key)
    decided = Review.objects.filter(state="done").order_by("-place", "-pk")
    deep = decided[decided.count() * 9 // 10 :].values_list("place", "pk").first() or (2**62, 1)
    return {"sessions": sessions, "deep": f"{deep[0]}.{deep[1]}"}


def _more(catalog: Any, accounts: list[Any], first: int, count: int, *, decided: bool) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from recommender.models import EndUser, Item, Round, Statement, Turn
    from recommender.statements.releases import TABLES
    from reviews.models import Decision, Review, Slot
    from tests.builders import make_subject

    now = timezone.now()
    numbers = range(first, first + count)
    ratings = [float(1 + number % 5) for number in range(30)]
    evidence = {kind: make_subject(*ratings, kind=kind).to_json() for kind in ("end_user", "item")}
    people = [EndUser(catalog=catalog, external_id=f"u{number}") for number in numbers if number % 2]
    films = [Item(catalog=catalog, external_id=f"i{n}", title=f"Film {n}", attributes={}) for n in numbers if not n % 2]
    subjects = [*EndUser.objects.bulk_create(people), *Item.objects.bulk_create(films)]
    rounds = Round.objects.bulk_create(
        Round(
            catalog=catalog,
            end_user=subject if isinstance(subject, EndUser) else None,
            item=subject if isinstance(subject, Item) else None,
            as_of=1000,
            evidence=evidence["end_user" if isinstance(subject, EndUser) else "item"],
            refinements_allowed=2,
            state="resting",
            rest_reason="reasonable",
            next_attempt_at=now,
        )
        for subject in subjects
    )
    turns: list[Turn] = []
    about: list[Turn] = []
    for index, (kind, text) in enumerate(
        (("reason", TEXT[:300]), ("reflect", "no"), ("refine", TEXT), ("reflect", ""))
    ):
        judges = kind == "reflect"
        made = [
            Turn(
                round=round_,
                index=index,
                kind=kind,
                text=text,
                text_hash=f"{hash(text) & (2**64 - 1):064x}",
                verdict=("not_reasonable" if text else "reasonable") if judges else "",
                about=about[number] if about else None,
                reader=None if judges else TABLES,
            )
            for number, round_ in enumerate(rounds)
        ]
        turns = Turn.objects.bulk_create(made)
        about = about if judges else turns
    Statement.objects.bulk_create(
        Statement(
            turn=turn,
            place=place,
            aspect=[{"kind": kind, "name": name, "value": value}],
            key=f"{name or kind}={value}",
            polarity=polarity,
            strength=0.75,
            start=start,
            end=end,
            source="reader",
        )
        for turn in about
        for place, (kind, name, value, polarity, (start, end)) in enumerate(STATEMENTS)
    )
    reviews = []
    for number, round_ in zip(numbers, rounds, strict=True):
        done = decided and number % 10 > 0
        opened = now - timedelta(seconds=10 * (10**6 - number))
        review = Review(round=round_, catalog=catalog, kind=round_.subject_kind, opened_at=opened, version=1 + done)
        review.state, review.closed_at = ("done", opened) if done else ("open", None)
        review.place = review.place_now()
        reviews.append(review)
    Review.objects.bulk_create(reviews)
    slots = Slot.objects.bulk_create(Slot(review=review) for review in reviews)
    Decision.objects.bulk_create(
        Decision(
            review=slot.review,
            slot=slot,
            account=accounts[slot.pk % len(accounts)],
            verdict="approve",
            turn=turn,
            seen={},
        )
        for slot, turn in zip(slots, about, strict=True)
        if slot.review.state == "done"
    )


if __name__ == "__main__":
    main()

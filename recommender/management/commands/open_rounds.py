"""`manage.py open_rounds NAME --subjects end-users|items|all`: ask for knowledge about a catalog's subjects."""

import argparse
import json
import sys
import time
from typing import Any, get_args

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from kombu.exceptions import OperationalError

from recommender.models import Catalog, Round, RoundBatch, RoundState, Strategy
from recommender.progress import Progress as Shown
from recommender.rounds.core.loop import STRATEGIES
from recommender.rounds.evidence import MOST_WINDOWS, SLIDING, WindowName, Windows
from recommender.rounds.queries import Progress, progress
from recommender.rounds.service import Subjects, open_rounds

POLL_SECONDS = 0.5
QUIET_SECONDS = 5.0  # without any progress: is there a worker at all?
NO_WORKER = (
    "No worker is taking jobs: start `make run`, or a Celery worker (celery -A r4web worker -Q llm). The rounds wait."
)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; it is {text!r}")
    return int(text)


def whole(text: str) -> int:
    return 0 if text == "0" else positive(text)


def several(text: str) -> int:
    if not text.isdigit() or not 2 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"must be a whole number from 2 to 20; it is {text!r}")
    return int(text)


class Command(BaseCommand):
    help = "Open rounds for the most useful subjects of a catalog: those without a round first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        parser.add_argument("--subjects", required=True, choices=get_args(Subjects))
        parser.add_argument("--limit", type=positive, help="at most so many end users, and at most so many items")
        parser.add_argument(
            "--window",
            choices=get_args(WindowName),
            default="prefix",
            help="evidence from the first half of a history (prefix), from its end (latest), or several windows of "
            "exactly ten interactions, each a round of its own (sliding)",
        )
        parser.add_argument("--stride", type=positive, help=f"sliding: from window to window ({SLIDING})")
        parser.add_argument("--windows", type=positive, help=f"sliding: the latest so many ({MOST_WINDOWS})")
        parser.add_argument(
            "--strategy",
            choices=Strategy.values,
            default=Strategy.REFINE,
            help="refine the first draft (refine), or sample several and keep the reasonable ones (filter)",
        )
        parser.add_argument("--drafts", type=several, help="filter: so many drafts (R4_DRAFTS)")
        parser.add_argument(
            "--low-activity",
            type=whole,
            help="end users with fewer interactions get no round of their own; 0: all get one (R4_LOW_ACTIVITY)",
        )
        parser.add_argument("--wait", action="store_true", help="show progress until all rounds rest or fail")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(
                f"There is no catalog {options['name']!r} (known: {known}). Import it: python manage.py import_catalog."
            )
        if options["window"] != "sliding" and (options["stride"] or options["windows"]):
            raise CommandError("--stride and --windows say how windows slide: add --window sliding.")
        if options["drafts"] and not STRATEGIES[options["strategy"]].samples_drafts:
            raise CommandError("--drafts says how many drafts are filtered: add --strategy filter.")
        started = time.monotonic()
        batch = open_rounds(
            catalog,
            subjects=options["subjects"],
            windows=Windows(
                options["window"], stride=options["stride"] or SLIDING, most=options["windows"] or MOST_WINDOWS
            ),
            strategy=Strategy(options["strategy"]),
            drafts=options["drafts"],
            low_activity=options["low_activity"],
            limit=options["limit"],
        )
        opened = batch.rounds.count()
        self._say(_opened(batch, opened))
        watched = _watched(batch)
        error = _broker_error()
        if error:
            text = (
                f"The broker cannot be reached ({error}): the rounds wait in the database, and start once it is back."
            )
            if options["wait"]:
                raise CommandError(text)
            self._say(text)
        elif options["wait"] and watched.exists():
            self._watch(watched)
        now = progress(watched)
        if options["json"]:
            report = {"catalog": catalog.name, "batch": batch.pk, "opened": opened, "seconds": _since(started)}
            report["low_activity"] = batch.low_activity_count
            self.stdout.write(json.dumps(report | {"progress": now.to_json()}))
        if options["wait"] and now.total:
            self._say(_summary(now, _since(started)))
            if now.failed:
                example = watched.filter(state=RoundState.FAILED).values_list("error", flat=True).first()
                raise CommandError(f"{now.failed} rounds failed, for example: {example}")

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _watch(self, rounds: QuerySet[Round]) -> None:
        """Show progress until all of these rest or failed. Ctrl-C ends the watching, not the work."""
        said: set[str] = set()
        last, changed_at = Progress(), time.monotonic()
        try:
            with Shown("Rounds", out=sys.stderr) as shown:
                while not (now := progress(rounds)).finished:
                    shown.count(now.done, now.total, _details(now))
                    if (now.done, now.calls, now.asking) != (last.done, last.calls, last.asking):
                        last, changed_at = now, time.monotonic()
                    quiet = time.monotonic() - changed_at > QUIET_SECONDS and not now.asking
                    for text in self._trouble(now, quiet=quiet):
                        if text not in said:
                            shown.say(text)
                            said.add(text)
                    time.sleep(POLL_SECONDS)
                shown.count(now.done, now.total, _details(now))
        except KeyboardInterrupt:
            self._say("The rounds go on in the background; run the command again to watch.")
            sys.exit(130)

    def _trouble(self, now: Progress, *, quiet: bool) -> list[str]:
        texts = [f"An attempt failed and will be made again: {now.last_error}"] if now.last_error else []
        if quiet and now.waiting and not now.last_error and not _workers_answer():
            texts.append(NO_WORKER)
        return texts


def _opened(batch: RoundBatch, opened: int) -> str:
    left_out = (
        f" Left out for low activity: {batch.low_activity_count} end users; training can use their items' knowledge."
        if batch.low_activity_count
        else ""
    )
    if not opened:
        return (
            f"Nothing to open in {batch.catalog.name}: every subject asked for has its round as of the same moment, or "
            f"too short a history.{left_out}"
        )
    of_items = batch.rounds.filter(end_user=None).count()
    return (
        f"Opened {opened} rounds in {batch.catalog.name}: {opened - of_items} about end users, {of_items} about items."
        f"{left_out}"
    )


def _watched(batch: RoundBatch) -> QuerySet[Round]:
    """The batch's rounds, and those of earlier batches of the catalog that still have work to do."""
    busy = Round.objects.filter(catalog=batch.catalog, state__in=[RoundState.WAITING, RoundState.ASKING])
    batches = {batch.pk, *busy.exclude(batch=None).values_list("batch_id", flat=True).distinct()}
    return Round.objects.filter(batch_id__in=batches)


def _details(now: Progress) -> str:
    return (
        f"{now.waiting} waiting, {now.asking} asking, {now.resting} resting, {now.failed} failed;"
        f" {now.calls_per_second:.1f} calls/s, {now.tokens:,} tokens"
    )


def _summary(now: Progress, seconds: float) -> str:
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(now.rest_reasons.items())) or "none"
    cost = f"{now.calls} calls, {now.tokens:,} tokens"
    return f"{now.done} of {now.total} rounds after {seconds:.0f} s; resting: {reasons}; {cost}."


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def _broker_error() -> str:
    """Empty when the broker answers."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=3)
    except (OperationalError, OSError) as error:
        return str(error).rstrip(".")
    return ""


def _workers_answer() -> bool:
    try:
        return bool(current_app.control.ping(timeout=1.0))
    except OperationalError:
        return False

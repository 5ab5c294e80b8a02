"""`manage.py open_rounds NAME --subjects end-users|items|all`: ask for knowledge about a catalog's subjects."""

import json
import sys
import time
from dataclasses import asdict
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from kombu.exceptions import OperationalError

from recommender.management.options import add_options, chosen, made
from recommender.models import Catalog, LlmCall, RestReason, Round, RoundBatch, RoundState, Strategy
from recommender.progress import Progress as Shown
from recommender.rounds import spending
from recommender.rounds.approved import Tally, tally
from recommender.rounds.config import OpenConfig
from recommender.rounds.estimate import Estimate, estimate
from recommender.rounds.queries import Progress, progress
from recommender.rounds.service import fewer_apart, open_rounds
from recommender.setting import SettingError

POLL_SECONDS = 0.5
QUIET_SECONDS = 5.0  # without any progress: is there a worker at all?
NO_WORKER = (
    "No worker is taking jobs: start `make run`, or a Celery worker (celery -A r4web worker -Q llm). The rounds wait."
)


OPTIONS = [name for name in OpenConfig.model_fields if name != "subjects"]


class Command(BaseCommand):
    help = "Open rounds for the most useful subjects of a catalog: those without a round first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        add_options(parser, OpenConfig, ["subjects"], required=True)
        add_options(parser, OpenConfig, OPTIONS)
        parser.add_argument("--estimate", action="store_true", help="only say what it would cost, about")
        parser.add_argument("--wait", action="store_true", help="show progress until all rounds rest or fail")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            known = ", ".join(Catalog.objects.order_by("name").values_list("name", flat=True)) or "none yet"
            raise CommandError(
                f"There is no catalog {options['name']!r} (known: {known}). Import it: python manage.py import_catalog."
            )
        config = made(OpenConfig, chosen(options, OpenConfig.model_fields))
        try:
            about = estimate(catalog, config)
        except SettingError as refused:
            raise CommandError(str(refused)) from refused
        self._say(_words_of(about))
        if options["estimate"]:
            if options["json"]:
                self.stdout.write(json.dumps({"catalog": catalog.name, "estimate": asdict(about)}))
            return
        started = time.monotonic()
        batch = open_rounds(catalog, config)
        opened = batch.rounds.count()
        self._say(_opened(batch, opened))
        if fewer := fewer_apart(batch, config):
            self._say(fewer)
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
            report |= {"progress": now.to_json()} | ({"traces": told.to_json()} if (told := tally(watched)) else {})
            self.stdout.write(json.dumps(report))
        if options["wait"] and now.total:
            self._say(_summary(now, _since(started)))
            if told := tally(watched):
                self._say(_of_traces(told))
            if without_text := _without_text(watched, now):
                raise CommandError(without_text)

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _watch(self, rounds: QuerySet[Round]) -> None:
        """Show progress until all of these rest or failed. Ctrl-C ends the watching, not the work."""
        said: set[str] = set()
        last, changed_at = Progress(), time.monotonic()
        try:
            with Shown("Rounds", out=sys.stderr) as shown:
                while not (now := progress(rounds)).finished and not _all_held(rounds, now):
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


def _words_of(about: Estimate) -> str:
    """An estimate in one sentence."""
    told = f"At most {about.rounds:,} rounds: about {about.calls:,} calls and {about.tokens:,} tokens"
    if about.cost is not None:
        told += f", {about.cost:,.2f} by the prices in the settings"
    if about.seconds is not None:
        told += f", {about.seconds:,.0f} s"
    return told + (", as this catalog's rounds cost so far." if about.measured else ", by the length of some prompts.")


def _opened(batch: RoundBatch, opened: int) -> str:
    left_out = (
        f" Left out for low activity: {batch.low_activity_count} end users; training can use their items' knowledge."
        if batch.low_activity_count
        else ""
    )
    if not opened:
        why = "has its round as of the same moment, or too short a history"
        if batch.strategy == Strategy.KEYWORDS:
            why = "was asked about before, or has neither a description nor attributes that are shown"
        return f"Nothing to open in {batch.catalog.name}: every subject asked for {why}.{left_out}"
    of_items = batch.rounds.filter(end_user=None).count()
    return (
        f"Opened {opened} rounds in {batch.catalog.name}: {opened - of_items} about end users, {of_items} about items."
        f"{left_out}"
    )


def _all_held(rounds: QuerySet[Round], now: Progress) -> bool:
    """Whether nothing is left to watch: what is not done is paused, or may cost no more."""
    held = rounds.filter(spending.held(), state=RoundState.WAITING).count()
    return not now.asking and now.waiting == held > 0


def _without_text(rounds: QuerySet[Round], now: Progress) -> str:
    """How many rounds ended without a text that can be used, and why; empty when none did."""
    malformed = now.rest_reasons.get(RestReason.MALFORMED, 0)
    told = []
    if _all_held(rounds, now):
        told.append(f"{now.waiting} rounds wait: they are paused, or their limit of tokens is reached.")
    if now.failed:
        example = rounds.filter(state=RoundState.FAILED).values_list("error", flat=True).first()
        told.append(f"{now.failed} rounds failed, for example: {example}")
    if malformed:
        calls = LlmCall.objects.filter(round__in=rounds, error_kind="malformed").order_by("-pk")
        told.append(f"{malformed} rounds ended with answers that cannot be read, for example: {calls[0].error}")
    return " ".join(told)


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


def _of_traces(told: Tally) -> str:
    approved = ", ".join(f"{count} {tag}" for tag, count in sorted(told.approved.items())) or "none yet"
    apart = f"{told.apart} of them set apart for tests; " if told.apart else ""
    each = f"; {told.calls_each:.1f} calls and {told.tokens_each:,.0f} tokens each" if told.accepted else ""
    return (
        f"Traces: {told.first_try} right at the first try, {told.hinted} after a hint, {told.gave_up} given up; "
        f"{apart}approved by people: {approved}{each}."
    )


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

"""Everything on this machine as one command: `make run`."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error as DatabaseError

from recommender.jobs import Queue
from recommender.progress import Progress
from worker.demo import facts, steps
from worker.supervisor import children, instance, ready, recovery
from worker.supervisor.instance import CannotStartError
from worker.supervisor.supervision import StopRequested, Supervisor, stop_on_signals

SECONDS_TO_START = 180  # on a machine that others use too, two workers and the web server took 60
SECONDS_TO_LOAD = 600  # a local LLM's weights


class Command(BaseCommand):
    help = (
        "Starts web, workers, beat and, where none is named, the embedded broker and LLM endpoint; watches them, "
        "restarts what dies, and ends them all on Ctrl-C. The first start also sets up a sample catalog."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="No sample catalog and accounts (R4_DEMO=0).")

    def handle(self, **options: Any) -> None:
        demo = settings.DEMO and not options["no_demo"]
        address = f"http://127.0.0.1:{settings.PORT}"
        var = Path(settings.VAR_DIR)
        try:
            instance.make_folders(var)
            with instance.only_one(var, address=address):
                instance.check_restored(var)
                instance.check_port(settings.PORT, setting="R4_PORT")
                if children.needs_endpoint():
                    instance.check_port(settings.ENDPOINT_PORT, setting="R4_ENDPOINT_PORT")
                instance.clear_counts(children.metrics_folder())
                self._run(var, address=address, demo=demo)
        except CannotStartError as error:
            raise CommandError(str(error)) from error
        except StopRequested:
            self.stdout.write("Stopped.")

    def _run(self, var: Path, *, address: str, demo: bool) -> None:
        supervisor = Supervisor(folder=settings.BASE_DIR, logs=var / "log", say=self.stderr.write)
        pending = var / "run" / "setting-up"  # /healthz/ready waits until it is gone
        stop_on_signals()
        try:
            with Progress("Database") as shown:
                _migrate(shown)
                set_up = demo and not steps.is_complete()
                recovery.end_leases()
            pending.touch() if set_up else pending.unlink(missing_ok=True)
            with Progress("Processes") as shown:
                _start(supervisor, shown)
                recovery.send_what_was_lost()
            if set_up:
                command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "setup_demo", "--address", address]
                if supervisor.run(command) != 0:
                    raise CommandError("The first start was not finished; the same command goes on from here.")
                pending.unlink()
            self._say_where(address, facts.ensure(address=address) if demo else None)
            connections.close_all()
            supervisor.run_forever()
        except TimeoutError as error:
            raise CommandError(str(error)) from error
        finally:
            if supervisor.supervised:
                with Progress("Stopping"):
                    supervisor.end_all()

    def _say_where(self, address: str, known: facts.Facts | None) -> None:
        lines = [f"R4Web is ready: {address}"]
        if known:
            lines += ["", "Sign in as   with the password"]
            lines += [f"{one.username:<12} {one.password}" for one in known.accounts]
            lines += ["", f"The same, with an API token: {_short(facts.path())}"]
        lines += [
            f"API: {address}/api/v1/docs/   Logs: {_short(Path(settings.VAR_DIR) / 'log')}",
            "Ctrl-C ends it all.",
        ]
        width = max(map(len, lines))
        self.stdout.write("\n".join(["", "─" * width, *lines, "─" * width]))
        self.stdout.flush()


def _migrate(shown: Progress) -> None:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        shown.show(f"{len(plan)} migrations to apply" if plan else "up to date")
        if plan:
            call_command("migrate", verbosity=0, interactive=False)
    except DatabaseError as error:
        why = " ".join(str(error).split())
        raise CannotStartError(f"The database that DATABASE_URL names cannot be used: {why}") from error


def _start(supervisor: Supervisor, shown: Progress) -> None:
    if broker := children.broker():
        supervisor.start(broker)
        supervisor.wait_until(ready.broker_answers, what="The embedded broker", seconds=SECONDS_TO_START)
    elif not ready.broker_answers():
        raise CannotStartError("The broker that REDIS_URL names does not answer.")
    services = children.services()
    connections.close_all()  # children must not share a connection
    supervisor.start(*services)
    waits = {
        "web": lambda: ready.http_status(settings.PORT, "/healthz/live") != 0,
        "workers": lambda: ready.workers_answer(set(Queue)),
    }
    if children.needs_endpoint():
        waits["endpoint"] = lambda: ready.http_status(settings.ENDPOINT_PORT, "/v1/models") == 200
    for name, answers in waits.items():
        loads = name == "endpoint" and settings.LOCAL_LLM
        shown.show(f"waiting for {settings.LOCAL_LLM_NAME} to load" if loads else f"waiting for {name}")
        seconds = SECONDS_TO_LOAD if loads else SECONDS_TO_START
        supervisor.wait_until(answers, what=name.capitalize(), seconds=seconds)
    shown.show(f"{len(supervisor.supervised)} running")


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)

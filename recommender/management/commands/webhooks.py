"""`manage.py webhooks NAME`: who is told of what happens in a catalog."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recommender.models import Catalog, DeliveryState, WebhookEndpoint, WebhookEvent
from recommender.webhooks import service
from recommender.webhooks.guard import RefusedUrlError


class Command(BaseCommand):
    help = "List who is told of what happens in a catalog; add an address, test it, send again what was given up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the catalog")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--add", metavar="URL", help="tell this address; its secret is printed, once")
        what.add_argument("--ping", type=int, metavar="WEBHOOK", help="send a test message")
        what.add_argument("--on", type=int, metavar="WEBHOOK", help="switch it on")
        what.add_argument("--off", type=int, metavar="WEBHOOK", help="switch it off")
        what.add_argument("--remove", type=int, metavar="WEBHOOK", help="remove it with its log")
        what.add_argument("--redeliver", type=int, metavar="WEBHOOK", help="send again what was given up: --days")
        parser.add_argument("--event", action="append", choices=WebhookEvent.values, help="of --add; else all of them")
        parser.add_argument("--days", type=float, default=7.0, help="of --redeliver: written in so many days (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        catalog = Catalog.objects.filter(name=options["name"]).first()
        if catalog is None:
            raise CommandError(f"There is no catalog {options['name']!r}.")
        try:
            self._do(catalog, options)
        except (RefusedUrlError, service.RefusedError) as error:
            raise CommandError(str(error)) from error
        known = catalog.webhook_endpoints.order_by("pk")
        for each in known:
            self.stdout.write(_in_words(each))
        if not known:
            self.stdout.write(f"{catalog.name} has no webhooks.")

    def _do(self, catalog: Catalog, options: dict[str, Any]) -> None:
        if options["add"]:
            events = options["event"] or WebhookEvent.values
            endpoint, secret = service.add(catalog, options["add"], events, by=None)
            self.stderr.write(f"The secret of {endpoint}, which is shown only now:")
            self.stdout.write(secret)
        named = next((name for name in ("ping", "on", "off", "remove", "redeliver") if options[name] is not None), None)
        if named is None:
            return
        found = catalog.webhook_endpoints.filter(pk=options[named]).first()
        if found is None:
            raise CommandError("There is no such webhook. Without options the command lists those there are.")
        match named:
            case "ping":
                service.ping(found)
                self.stdout.write("A test message is under way.")
            case "on" | "off":
                service.change(found, enabled=named == "on", by=None)
            case "remove":
                service.remove(found, by=None)
            case _:
                since = timezone.now() - timedelta(days=options["days"])
                self.stdout.write(f"{service.redeliver_failed(found, since=since)} sent again.")


def _in_words(endpoint: WebhookEndpoint) -> str:
    waiting = endpoint.deliveries.filter(state=DeliveryState.PENDING).count()
    state = f"off: {endpoint.disabled_reason}" if endpoint.disabled_at else "on"
    if endpoint.failing_since:
        state += f", failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
    return f"{endpoint.pk}: {endpoint.url} ({', '.join(endpoint.events)}); {state}; {waiting} waiting"

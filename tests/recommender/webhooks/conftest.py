"""An endpoint that listens on this machine, which the settings allow."""

from ipaddress import ip_network
from typing import Any

import pytest

from recommender.models import Catalog, WebhookEndpoint, WebhookEvent
from recommender.webhooks import service
from tests.builders import make_catalog
from tests.webhook_receiver import Receiver


@pytest.fixture(autouse=True)
def this_machine(settings: Any) -> None:
    settings.WEBHOOK_HTTP, settings.WEBHOOK_NETWORKS = True, [ip_network("127.0.0.1")]
    settings.WEBHOOK_TIMEOUT = 5.0


@pytest.fixture
def films(db: None) -> Catalog:
    return make_catalog("films")


def listen(catalog: Catalog, receiver: Receiver, **more: Any) -> tuple[WebhookEndpoint, str]:
    """An endpoint of all events at this receiver, and its secret."""
    return service.add(catalog, receiver.url, WebhookEvent.values, by=None, **more)

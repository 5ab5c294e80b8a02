"""Leads say who is told of what; a secret is shown once; the log says what became of each message."""

import re
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from recommender.models import Account, Catalog, DeliveryState, WebhookDelivery, WebhookEndpoint
from recommender.webhooks import service, signing
from recommender.webhooks.delivery import deliver
from tests import webhook_receiver
from tests.builders import make_catalog
from tests.recommender.webhooks.conftest import this_machine  # noqa: F401 - a fixture
from tests.webhook_receiver import Reply

SignIn = Callable[[Account], Client]
PAGE = "/webhooks/"
FORM = {"catalog": "films", "url": "https://shop.example/hooks", "events": ["round.rested"]}


@pytest.fixture
def films(db: None) -> Catalog:
    return make_catalog("films")


@pytest.fixture
def lead(lena: Account, browser_of: SignIn, films: Catalog) -> Client:
    return browser_of(lena)


def secret_on(text: str) -> str | None:
    found = re.search(r'<pre id="new-secret"[^>]*>(whsec_[\w+/=]+)</pre>', text)
    return found.group(1) if found else None


def test_a_secret_is_shown_once_when_it_is_made_and_when_it_is_changed(lead: Client) -> None:
    made = lead.post(PAGE, FORM)
    endpoint = WebhookEndpoint.objects.get()
    first = secret_on(made.content.decode())
    assert first == signing.decrypted(endpoint.secret)
    assert "no-store" in made["Cache-Control"]
    page = f"{PAGE}{endpoint.pk}/"
    changed = lead.post(f"{page}secret/", {"overlap_hours": "24"})
    endpoint.refresh_from_db()
    second = secret_on(changed.content.decode())
    assert second == signing.decrypted(endpoint.secret) != first
    assert first == signing.decrypted(endpoint.previous_secret)
    assert "no-store" in changed["Cache-Control"]
    for path in (PAGE, page):
        assert secret_on(lead.get(path).content.decode()) is None
    assert all("whsec_" not in str(session.get_decoded()) for session in Session.objects.all())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "https://192.168.0.1/"}, "192.168.0.1 is no public address."),
        ({"url": "shop"}, "The address must be whole"),
        ({"events": []}, "Tick at least one."),
        ({"catalog": "books"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said(lead: Client, wrong: dict[str, object], said: str) -> None:
    answer = lead.post(PAGE, FORM | wrong)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_the_log_is_read_and_what_failed_is_sent_again(lead: Client, films: Catalog) -> None:
    with webhook_receiver.running(lambda _: replies.pop() if replies else Reply(200)) as receiver:
        replies = [Reply(500, body=b"<b>not now</b>")]
        endpoint, _ = service.add(films, receiver.url, ["round.rested"], by=None)
        page = f"{PAGE}{endpoint.pk}/"
        lead.post(f"{page}ping/")
        deliver()
        shown = lead.get(page).content.decode()
        assert "webhook.ping" in shown
        assert "&lt;b&gt;not now&lt;/b&gt;" in shown
        assert "Failing since" in shown
        WebhookDelivery.objects.update(state=DeliveryState.FAILED)
        answer = lead.post(f"{page}redeliver/", {"days": "1"}, follow=True)
        assert "1 sent again." in answer.content.decode()
        deliver()
        assert "Delivered" in lead.get(page).content.decode()
        lead.post(f"{PAGE}deliveries/{WebhookDelivery.objects.get().pk}/redeliver/")
        deliver()
    assert len(receiver.received) == 3


def test_it_is_changed_switched_off_on_and_removed(lead: Client, films: Catalog) -> None:
    lead.post(PAGE, FORM)
    endpoint = WebhookEndpoint.objects.get()
    page = f"{PAGE}{endpoint.pk}/"
    lead.post(page, {"url": "https://other.example/", "description": "Shop", "events": ["model.activated"]})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.events) == (
        "https://other.example/",
        "Shop",
        ["model.activated"],
    )
    assert "Somebody switched it off." in lead.post(f"{page}switch/", {"off": "1"}, follow=True).content.decode()
    assert "Switch it on first" in lead.post(f"{page}ping/", follow=True).content.decode()
    lead.post(f"{page}switch/")
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None
    lead.post(f"{page}remove/")
    assert not WebhookEndpoint.objects.exists()

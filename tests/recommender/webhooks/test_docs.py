"""The example of docs/webhooks.md checks messages as it says, and the page's message is one."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from recommender.knowledge import service as knowledge
from recommender.models import Catalog, WebhookEvent, WebhookMessage
from recommender.webhooks import service, signing
from recommender.webhooks.delivery import deliver
from tests import webhook_receiver
from tests.builders import make_end_user, make_round
from tests.recommender.webhooks.conftest import listen

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()


@pytest.fixture
def checked() -> Any:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["checked"]


def test_the_example_takes_what_is_sent_and_nothing_else(films: Catalog, checked: Any) -> None:
    with webhook_receiver.running() as receiver:
        endpoint, secret = listen(films, receiver)
        service.ping(endpoint)
        deliver()
    (heard,) = receiver.received
    assert checked(secret, heard.headers, heard.body)["type"] == "webhook.ping"
    with pytest.raises(ValueError, match="not right"):
        checked(secret, heard.headers, heard.body + b" ")
    with pytest.raises(ValueError, match="not right"):
        checked(signing.new_secret(), heard.headers, heard.body)
    old = signing.headers([secret], "msg_1", int(time.time()) - 301, heard.body)
    with pytest.raises(ValueError, match="too old"):
        checked(secret, old, heard.body)


def test_the_message_of_the_page_has_the_members_of_a_message(films: Catalog) -> None:
    service.add(films, "https://shop.example/", WebhookEvent.values, by=None)
    knowledge.accept(make_round(make_end_user(films), ("reason", "Calm.")).turns.get())
    (example,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    shown, sent = json.loads(example), json.loads(WebhookMessage.objects.get().body)
    assert (list(shown), list(shown["data"])) == (list(sent), list(sent["data"]))


def test_every_event_is_on_the_page() -> None:
    assert set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)) == {*WebhookEvent.values, "webhook.ping"}

"""The client against a live server of R4Web, with a server in between that fails."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from r4web_client import (
    NEVER,
    AsyncClient,
    Client,
    ConflictError,
    GoneError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    PartlySentError,
    Retries,
    TokenRefusedError,
    TooManyRequestsError,
    UnavailableError,
    UnderWayError,
    UnreachedError,
    batches,
)

from recommender.accounts.tokens import create_token
from recommender.knowledge.service import accept
from recommender.models import Dispute, Event, Recommendation, Role, Statement, TokenScope, WebhookEndpoint
from tests.architecture.repository import ROOT
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round
from tests.client.between import LOST, UNREAD, Between, between

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]
ODD = "ünï/cödé 🎬?&#%2F"
QUICK = Retries(tries=3, first=0.01)
AWAY = (503, {"Retry-After": "0", "Content-Type": "text/html"}, b"<h1>Back soon</h1>")


@pytest.fixture
def key() -> str:
    """Of a token that may do everything in the catalog `films`."""
    catalog = make_catalog("films")
    items = [make_item(catalog, f"Film {n}", external_id=f"f{n}", genres=["Drama"]) for n in range(1, 8)]
    for name in ("u1", ODD):
        reader = make_end_user(catalog, name)
        make_interaction(reader, items[0], moment=1)
        accept(make_round(reader, ("reason", "They adore dramas."), ("reflect", "")).turns.get(index=0))
    accept(make_round(items[3], ("reason", "A quiet drama."), ("reflect", "")).turns.get(index=0))
    account = make_account("keeper", role=Role.LEAD)
    return create_token("client", account=account, scopes=list(TokenScope), per_minute=0)[1]


@pytest.fixture
def gate(live_server: Any) -> Iterator[Between]:
    with between(live_server.url) as told:
        yield told


@pytest.fixture
def client(gate: Between, key: str) -> Iterator[Client]:
    with Client(gate.url, key, retries=QUICK, user_agent="shop/2.1") as made:
        yield made


def test_every_operation_is_answered(client: Client, gate: Between) -> None:
    assert client.list_catalogs()["catalogs"][0]["name"] == "films"
    assert client.recommend("films", ODD, fields=["title", "score"], exclude=["f2", "f3"], limit=3)["user_id"] == ODD
    logged = client.recommend_and_log("films", "u1", explain="full", limit=2)
    list_id, text = logged["recommendation_id"], logged["user_explanation"]
    assert list_id
    assert text
    assert client.replay_recommendation(list_id)["items"] == logged["items"]
    visitor = client.recommend_in_session("films", history=[{"item_id": "f1", "liked": True}], text="No dramas.")
    assert visitor["understood"][0]["polarity"] == "dislikes"
    assert client.recommend_batch("films", entries=[{"user_id": "u1"}, {"user_id": ODD}])["listed"] == 2
    assert client.similar_items("films", "f4", by="attributes")["items"]
    assert client.explain_user("films", "u1")["text"] == client.get_explanation(text["explanation_id"])["text"]
    assert client.explain_item("films", "f4")["item_id"] == "f4"
    said = client.dispute_explanation(text["explanation_id"], reason="Not true.", user_id="u1")
    assert client.get_dispute(said["dispute_id"])["state"] == "open"
    rule = client.set_rules("films", [{"kind": "pin", "item_id": "f7", "place": 1}])["rules"][0]
    assert client.list_rules("films")["rules"] == [rule]
    assert client.remove_rule("films", rule["rule_id"]) == {"removed": 1}
    assert client.remove_rules("films", item_ids=["f7"], kind="out_of_stock") == {"removed": 0}
    assert client.send_items("films", [{"item_id": "f9", "title": "Nine"}]).created == 1
    assert client.get_item("films", "f9")["title"] == "Nine"
    assert client.send_users("films", [{"user_id": "u9"}, {"user_id": "u1"}]).created == 1
    events = client.send_events("films", [{"event_id": "1", "type": "like", "user_id": "u9", "item_id": "f9"}])
    assert events.accepted == 1
    met = {"type": "interaction", "user_id": "u8", "item_id": "f9", "label": 1, "time": "2026-03-01T12:00:00Z"}
    lines = client.import_lines("films", [{"type": "user", "user_id": "u8"}, met, {"type": "?"}])
    assert (lines.lines, lines.users["created"], lines.interactions["created"]) == (3, 1, 1)
    assert [(each["line"], each["code"]) for each in lines.errors] == [(3, "unknown-type")]
    assert client.export_person("films", "u9")["user_id"] == "u9"
    assert client.erase_person("films", "u9")["kind"] == "end_user"
    assert client.erase_item("films", "f9")["kind"] == "item"
    with pytest.raises(GoneError) as gone:
        client.erase_person("films", "u9")
    assert gone.value.code == "erased"
    assert all(headers["User-Agent"].startswith("shop/2.1 r4web-client/") for *_, headers in gate.seen)


def test_what_end_users_say_is_said_corrected_struck_and_put_back(client: Client, gate: Between) -> None:
    gate.failures = [LOST]
    (said,) = client.say_statements("films", ODD, text="No more drama films.")["statements"]
    assert (said["polarity"], said["said_by"], Statement.objects.filter(end_user__external_id=ODD).count()) == (
        "dislikes",
        "end_user",
        1,
    )
    assert client.get_statement("films", ODD, said["statement_id"]) == said
    gate.failures = [LOST]
    better = client.correct_statement("films", ODD, said["statement_id"], polarity="likes")
    assert (better["polarity"], better["replaces"]) == ("likes", said["statement_id"])
    gate.failures = [LOST]
    assert client.strike_statement("films", ODD, better["statement_id"])["status"] == "struck"
    struck = client.list_statements("films", ODD, status=["struck", "replaced"], fields=["status", "about"])
    assert [each["status"] for each in struck["statements"]] == ["struck", "replaced"]
    assert client.restore_statement("films", ODD, better["statement_id"])["status"] == "standing"
    logged = client.recommend_and_log("films", ODD, limit=1)
    unwanted = client.not_for_me(str(logged["recommendation_id"]), item_id=logged["items"][0]["item_id"], reason="item")
    assert [each["polarity"] for each in unwanted["statements"]] == ["dislikes"]


def test_a_list_that_is_read_and_logged_is_logged_once_though_its_answer_was_lost(
    client: Client, gate: Between
) -> None:
    before = Recommendation.objects.count()
    gate.failures = [LOST]
    logged = client.recommend("films", ODD, limit=1, log=True, filter=["genres:Drama"], fields=["title"])
    assert Recommendation.objects.count() == before + 1
    assert Recommendation.objects.filter(pk=logged["recommendation_id"]).exists()
    assert client.recommend("films", ODD, limit=1, log=False)["recommendation_id"] is None
    assert Recommendation.objects.count() == before + 1


def test_an_experiment_is_written_started_and_stopped(client: Client, gate: Between) -> None:
    client.write_experiment("films", key="texts", variants=[{"name": "a"}, {"name": "x"}])
    assert client.discard_experiment("films", "texts") == {"removed": 1}
    draft = client.write_experiment("films", key="texts", variants=[{"name": "a"}, {"name": "b", "steering": 0.5}])
    assert draft["state"] == "draft"
    gate.failures = [LOST]
    assert client.start_experiment("films", "texts")["state"] == "running"
    tries = len(gate.seen)
    with pytest.raises(ConflictError) as refused:
        client.start_experiment("films", "texts")
    assert (refused.value.code, isinstance(refused.value, UnderWayError)) == ("experiment-not-started", False)
    assert len(gate.seen) == tries + 1  # it stays so
    assert client.stop_experiment("films", "texts")["state"] == "stopped"
    assert client.read_experiment("films", "texts")["key"] == "texts"
    assert [each["key"] for each in client.list_experiments("films")["experiments"]] == ["texts"]


def test_a_webhook_is_added_once_and_its_secret_is_told_once(client: Client, gate: Between) -> None:
    gate.failures = [(503, {"Retry-After": "0"}, b"")]
    made = client.add_webhook("films", url="https://shop.example/", events=["round.rested"])
    assert made["secret"].startswith("whsec_")
    hook = made["webhook_id"]
    assert client.list_webhooks("films")["webhooks"] == [client.read_webhook("films", hook)]
    ping = client.ping_webhook("films", hook)
    assert client.redeliver_webhook("films", hook, delivery_id=ping["delivery_id"]) == {"redelivered": 1}
    assert client.list_webhook_deliveries("films", hook, limit=1)["deliveries"][0]["state"] == "pending"
    assert client.change_webhook_secret("films", hook, overlap_hours=2)["secret"] != made["secret"]
    assert client.change_webhook("films", hook, enabled=False)["enabled"] is False
    assert client.remove_webhook("films", hook) == {"removed": 1}

    gate.failures = [LOST]
    with pytest.raises(UnreachedError, match="in 1 tries"):
        client.add_webhook("films", url="https://shop.example/", events=["round.rested"])
    assert WebhookEndpoint.objects.count() == 1
    gate.failures = [(409, {"Retry-After": "0"}, b'{"type": "urn:r4web:problem:in-progress"}')] * 3
    with pytest.raises(UnderWayError):
        client.ping_webhook("films", WebhookEndpoint.objects.get().pk)


def test_the_async_client_gives_the_same_answers(client: Client, gate: Between, key: str) -> None:
    async def asked() -> tuple[Any, ...]:
        async with AsyncClient(gate.url, key, retries=QUICK) as made:
            gate.failures = [UNREAD, AWAY]
            lists = await asyncio.gather(*(made.recommend("films", user) for user in ("u1", ODD)))
            items = [item["item_id"] async for item in made.items("films", "u1", limit=2)]
            report = await made.send_items("films", ({"item_id": f"n{n}", "title": "New"} for n in range(3)))
            with pytest.raises(NotFoundError):
                await made.replay_recommendation("0b1f4d3e-5a53-4a0f-8d6e-0f2f3a7c9c11")
            return [each["user_id"] for each in lists], items, report.created

    items = [item["item_id"] for item in client.items("films", "u1", limit=2)]
    assert len(items) == 6
    assert asyncio.run(asked()) == (["u1", ODD], items, 3)


def test_a_lost_answer_is_given_again_and_nothing_is_done_twice(client: Client, gate: Between) -> None:
    gate.failures = [LOST, AWAY]
    listed = client.recommend_and_log("films", "u1")
    assert [str(each) for each in Recommendation.objects.values_list("pk", flat=True)] == [listed["recommendation_id"]]
    assert len({headers["Idempotency-Key"] for *_, headers in gate.seen}) == 1
    assert len(gate.seen) == 3

    text = client.explain_user("films", "u1")["explanation_id"]
    gate.failures = [LOST]
    client.dispute_explanation(text, reason="Not true.")
    assert Dispute.objects.count() == 1


def test_pages_go_on_with_one_list_and_kept_answers_are_not_sent_again(client: Client, gate: Between) -> None:
    pages = list(client.pages("films", "u1", limit=2, exclude=["f2"], explain="short"))
    assert [item["rank"] for page in pages for item in page["items"]] == [1, 2, 3, 4, 5]
    assert all("exclude" not in path for _, path, _ in gate.seen[1:])
    again = client.recommend("films", "u1", limit=2, exclude=["f2"], explain="short")
    assert again["items"] == pages[0]["items"]
    assert gate.seen[-1][2]["If-None-Match"].startswith('W/"')
    again["items"].clear()  # the caller's own
    assert client.recommend("films", "u1", limit=2, exclude=["f2"], explain="short")["items"] == pages[0]["items"]


def test_what_stays_wrong_is_not_asked_again_and_says_what_to_do(client: Client, gate: Between, key: str) -> None:
    with pytest.raises(InvalidError) as invalid:
        client.recommend("films", "u1", limit=1000)
    assert invalid.value.code == "invalid-parameter"
    assert invalid.value.errors == [{"parameter": "limit", "detail": "`limit` must be a whole number from 1 to 100."}]
    assert len(invalid.value.request_id) == 32
    assert invalid.value.request_id in str(invalid.value)
    with pytest.raises(NotFoundError, match="There is no catalog “books”"):
        client.recommend("books", "u1")
    assert len(gate.seen) == 2
    with Client(gate.url, "r4_wrong") as other, pytest.raises(TokenRefusedError):
        other.list_catalogs()
    _, narrow = create_token("narrow", account=make_account(role=Role.PM), scopes=[TokenScope.CATALOGS_READ])
    with Client(gate.url, narrow) as other, pytest.raises(NotAllowedError, match="lacks the scope"):
        other.recommend("films", "u1")
    for nowhere in ("", ".", ".."):
        with pytest.raises(ValueError, match="no id"):
            client.export_person("films", nowhere)


def test_tries_end(client: Client, gate: Between, key: str) -> None:
    gate.failures = [UNREAD] * 3
    with pytest.raises(UnreachedError, match="in 3 tries"):
        client.list_catalogs()
    gate.failures = [AWAY] * 3
    with pytest.raises(UnavailableError, match="Back soon") as away:
        client.list_catalogs()
    assert (away.value.code, away.value.retry_after, len(gate.seen)) == ("http-503", 0.0, 6)
    gate.failures = [AWAY]
    with Client(gate.url, key, retries=NEVER) as once, pytest.raises(UnavailableError):
        once.list_catalogs()
    too_long = json.dumps({"type": "urn:r4web:problem:too-many-requests", "detail": "Wait."}).encode()
    gate.failures = [(429, {"Retry-After": "3600"}, too_long)]
    with pytest.raises(TooManyRequestsError) as many:
        client.list_catalogs()
    assert (many.value.code, many.value.retry_after) == ("too-many-requests", 3600.0)


def test_a_real_limit_is_waited_for(gate: Between, key: str) -> None:
    """R4Web's own 429 names the seconds that are left of its minute: patience says whether they are waited."""
    _, narrow = create_token("few", account=make_account(role=Role.LEAD), per_minute=1)
    with Client(gate.url, narrow, retries=Retries(tries=2, patience=0.0)) as few:
        with pytest.raises(TooManyRequestsError) as many:
            _ = [few.list_catalogs() for _ in range(3)]  # the minute may turn between two of them
        assert many.value.retry_after
        assert 1 <= many.value.retry_after <= 60


def test_many_entries_go_in_several_calls_with_one_report(
    client: Client, gate: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_ENTRIES", 2)
    events: list[Any] = [
        {"event_id": str(n), "type": "like", "user_id": "u1" if n != 3 else "nobody", "item_id": f"f{n}"}
        for n in (1, 2, 3, 4, 4)
    ]
    gate.failures = [LOST]
    report = client.send_events("films", iter(events))
    assert (report.sent, report.calls, report.accepted, report.duplicates) == (5, 3, 3, 1)
    assert [(each["index"], each["code"]) for each in report.rejected] == [(2, "unknown-user")]
    keys = [headers["Idempotency-Key"] for *_, headers in gate.seen]
    assert len(set(keys)) == 3
    assert keys[0] == keys[1]

    gate.failures = [(200, {}, b'{"accepted": 2, "duplicates": 0, "rejected": []}'), *[AWAY] * 3]
    with pytest.raises(PartlySentError, match="2 entries were sent") as partly:
        client.send_events("films", events)
    assert isinstance(partly.value.__cause__, UnavailableError)
    assert client.send_events("films", events).duplicates == 4
    assert Event.objects.count() == 3


def test_the_examples_of_the_pages_run(gate: Between, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    sample = make_catalog("sample")
    make_interaction(make_end_user(sample, "u001"), make_item(sample, external_id="f042"), moment=1)
    make_item(sample, "Quiet Rain", external_id="f1")
    pages = "".join((ROOT / name).read_text() for name in ("README.md", "client/README.md"))
    examples = re.findall(r"^```python\n(.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    event = {"event_id": "1", "type": "click", "user_id": "u001", "item_id": "f042"}
    for example in examples:
        exec(example.replace("http://127.0.0.1:8000", gate.url), {"token": key, "events": [event]})  # our own pages
    told = capsys.readouterr().out
    assert len(examples) == 3
    assert re.search(r"\['\d for u001', '\d for u002', 'Quiet Rain'\]", told)
    assert "1 Quiet Rain" in told
    assert "1 0 []" in told
    assert "unknown-user The catalog “sample” has no end user “nobody”" in told


def test_a_call_is_split_where_its_body_gets_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_BYTES", 80)
    made = list(batches.parts({"item_id": f"{n}", "title": "x" * 10} for n in range(5)))
    assert [len(part) for part in made] == [2, 2, 1]
    assert len(list(batches.parts([{"item_id": "x" * 100}, {"item_id": "y"}]))) == 2
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(batches.parts([{"rating": float("nan")}]))

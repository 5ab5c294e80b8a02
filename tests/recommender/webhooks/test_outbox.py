"""What is written when something happens, in its transaction, for whom it may concern."""

import json
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from recommender.knowledge import service as knowledge
from recommender.models import Catalog, Knowledge, RestReason, Round, WebhookDelivery, WebhookMessage
from recommender.promotion import activation
from recommender.rounds import leases
from recommender.rounds import service as rounds
from recommender.rounds.leases import Entry
from recommender.webhooks import outbox, service
from tests.builders import make_catalog, make_end_user, make_item, make_round
from tests.recommender.promotion.versions import make_version

TEXT = "They adore quiet dramas."


@pytest.fixture(autouse=True)
def listening(films: Catalog) -> None:
    service.add(films, "https://shop.example/hooks", ["knowledge.approved", "knowledge.revoked"], by=None)
    service.add(films, "https://ops.example/hooks", ["model.activated", "round.rested"], by=None)
    service.add(make_catalog("books"), "https://books.example/", ["knowledge.approved"], by=None)


def told() -> list[dict[str, Any]]:
    messages = WebhookMessage.objects.order_by("created_at")
    said = [json.loads(one.body) for one in messages]
    assert [one["type"] for one in said] == [one.type for one in messages]
    return said


def data_of(kind: str) -> list[dict[str, Any]]:
    return [one["data"] for one in told() if one["type"] == kind]


def test_a_text_is_approved_replaced_rejected_and_all_that_taken_back(films: Catalog) -> None:
    reader = make_end_user(films, "u 1/ö")
    first, second = (make_round(reader, ("reason", f"{TEXT} {n}"), strategy=n) for n in ("refine", "filter"))
    one, other = first.turns.get(), second.turns.get()
    knowledge.accept(one)
    knowledge.accept(one)  # changes nothing, and nothing is told
    was = Knowledge.objects.get(in_force=True)
    replaced = knowledge.accept(other)
    now = Knowledge.objects.get(in_force=True)
    rejected = knowledge.reject(other)
    with transaction.atomic():
        knowledge.take_back(rejected, second)
        knowledge.take_back(replaced, second)
    again = knowledge.accept(make_round(make_item(films, external_id="f1"), ("reason", TEXT)).turns.get())
    with transaction.atomic():
        knowledge.take_back(again, Round.objects.latest("pk"))

    approved = data_of("knowledge.approved")
    assert [(each["knowledge_id"], each["replaces"], each["cause"]) for each in approved] == [
        (was.pk, [], "decision"),
        (now.pk, [was.pk], "decision"),
        (now.pk, [], "undo"),
        (was.pk, [now.pk], "undo"),
        (again.accepted, [], "decision"),
    ]
    revoked = data_of("knowledge.revoked")
    assert [(each["knowledge_id"], each["cause"]) for each in revoked] == [
        (now.pk, "rejected"),
        (again.accepted, "undone"),
    ]
    assert approved[0] == {
        "catalog": "films",
        "knowledge_id": was.pk,
        "replaces": [],
        "cause": "decision",
        "explanation_id": one.pk,
        "explanation": f"/api/v1/explanations/{one.pk}",
        "user_id": "u 1/ö",
        "item_id": None,
    }
    assert (approved[-1]["user_id"], approved[-1]["item_id"]) == (None, "f1")
    assert not WebhookMessage.objects.filter(body__contains="quiet dramas").exists()
    assert WebhookDelivery.objects.count() == len(told())  # one endpoint wants them, and it is of this catalog


def test_nothing_is_told_of_what_is_rolled_back(films: Catalog) -> None:
    turn = make_round(make_end_user(films), ("reason", TEXT)).turns.get()
    with transaction.atomic():
        knowledge.accept(turn)
        assert WebhookMessage.objects.exists()
        transaction.set_rollback(True)
    assert not WebhookMessage.objects.exists()


def test_a_model_is_activated_and_gone_back_from(films: Catalog, settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    first, second = make_version(films), make_version(films)
    activation.activate(first, by=None, override="It is the first.")
    activation.activate(second, by=None, override="It is better.")
    activation.activate(second, by=None)  # changes nothing
    activation.roll_back(films, by=None)
    assert [
        (each["number"], each["previous_number"], each["cause"], each["page"]) for each in data_of("model.activated")
    ] == [
        (first.number, None, "activate", f"/backbones/{first.pk}/"),
        (second.number, first.number, "activate", f"/backbones/{second.pk}/"),
        (first.number, second.number, "roll_back", f"/backbones/{first.pk}/"),
    ]


def test_rounds_come_to_rest(films: Catalog, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    waiting = [make_round(make_end_user(films, f"u{n}"), as_of=n) for n in range(4)]
    ids = [one.pk for one in waiting]
    leases.take(ids[:3], token="mine")
    entries = [Entry(ids[0], rest=RestReason.REASONABLE), Entry(ids[1], rest=RestReason.BUDGET), Entry(ids[2])]
    leases.store(entries, token="mine")
    leases.store(entries[:1], token="mine")  # it has come to rest already
    assert rounds.cancel(Round.objects.filter(pk__in=ids)) == 2
    assert rounds.cancel(Round.objects.filter(pk__in=ids)) == 0
    found = {(each["round_id"], each["rest_reason"], each["user_id"]) for each in data_of("round.rested")}
    assert found == {
        (ids[0], "reasonable", "u0"),
        (ids[1], "budget", "u1"),
        (ids[2], "cancelled", "u2"),
        (ids[3], "cancelled", "u3"),
    }
    assert len(data_of("round.rested")) == 4
    with django_assert_num_queries(5):  # however many: catalogs, endpoints, rounds, messages, deliveries
        outbox.rested(ids)


def test_where_nobody_listens_nothing_is_written(
    films: Catalog, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for endpoint in films.webhook_endpoints.all():
        service.change(endpoint, enabled=False, by=None)
    turn = make_round(make_end_user(films), ("reason", TEXT)).turns.get()
    knowledge.accept(turn)
    assert not WebhookMessage.objects.exists()
    known = Knowledge.objects.get()
    with django_assert_num_queries(1):
        outbox.approved(known)

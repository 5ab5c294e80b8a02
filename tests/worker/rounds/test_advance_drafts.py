"""Rounds that filter several drafts, against a scripted endpoint over the real SDK and the demonstration models."""

import asyncio
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from recommender.models import Catalog, RestReason, Round, RoundState, Strategy
from recommender.rounds import service
from recommender.rounds.config import OpenConfig
from recommender.rounds.queries import proposed
from reviews.models import Review
from tests import openai_server
from tests.builders import make_catalog, make_end_user, make_round
from tests.openai_server import REASONABLE, UNREASONABLE, Reply, loop_script, says
from tests.worker.rounds.conftest import Serve
from worker.endpoint import server as endpoint
from worker.rounds.advance import advance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
JUDGED = ["reason", "reason", "reason", "reflect", "reflect", "reflect"]


def run(*of: Round) -> None:
    asyncio.run(advance([round_.pk for round_ in of]))


def waiting_round() -> Round:
    return make_round(make_end_user(make_catalog()), strategy=Strategy.FILTER, drafts_wanted=3)


def test_drafts_are_sampled_apart_judged_and_put_before_people(serve: Serve, settings: Settings) -> None:
    settings.DRAFT_TEMPERATURE = 0.7
    server = serve(loop_script(REASONABLE, UNREASONABLE, REASONABLE))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert [turn.kind for turn in round_.turns.all()] == JUDGED
    assert round_.rest_reason == RestReason.KEPT
    assert [turn.index for turn in proposed(round_)] == [0, 2]
    assert Review.objects.get().round == round_
    drafts = server.asked("actor")
    assert {request["temperature"] for request in drafts} == {0.7}
    assert len({request["seed"] for request in drafts}) == 3
    assert all("seed" not in request and request["temperature"] == 0 for request in server.asked("reflector"))
    stored = round_.calls.filter(role="actor").order_by("pk")
    assert [call.parameters["seed"] for call in stored] == [request["seed"] for request in drafts]


def test_when_every_draft_is_rejected_all_are_proposed(serve: Serve) -> None:
    serve(loop_script(UNREASONABLE))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.ALL_REJECTED
    assert [turn.index for turn in proposed(round_)] == [0, 1, 2]
    assert Review.objects.count() == 1


@pytest.mark.parametrize("killed_at", [1, 2, 3, 4, 6])
def test_no_answer_is_paid_for_twice_wherever_the_worker_stopped(serve: Serve, broker: str, killed_at: int) -> None:
    asked = 0

    def script(request: dict[str, Any], number: int) -> Reply:
        nonlocal asked
        asked += 1
        if asked == killed_at:
            service.cancel(Round.objects.all())  # the lease is lost while the endpoint is writing
        return loop_script(REASONABLE, UNREASONABLE)(request, number)

    serve(script)
    round_ = waiting_round()
    run(round_)
    assert round_.turns.count() == killed_at - 1
    service.retry(Round.objects.all())
    run(round_)
    round_.refresh_from_db()
    assert [turn.kind for turn in round_.turns.all()] == JUDGED
    assert (asked, round_.calls.count(), round_.rest_reason) == (6, 6, RestReason.KEPT)


def test_a_malformed_draft_goes_back_once_and_is_sampled_with_the_same_seed(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "actor" and number == 2:
            return says("Hm.")
        return loop_script(REASONABLE)(request, number)

    server = serve(script)
    round_ = waiting_round()
    run(round_)
    seeds = [request["seed"] for request in server.asked("actor")]
    assert (len(seeds), seeds[1], len(set(seeds))) == (4, seeds[2], 3)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.KEPT


def test_an_endpoint_that_takes_no_seed_is_sent_none_from_then_on(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "seed" in request:
            return openai_server.error(422, "Extra inputs are not permitted: seed")
        return loop_script(REASONABLE)(request, number)

    server = serve(script)
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.KEPT
    assert ["seed" in request for request in server.asked("actor")] == [True, False, False, False]
    assert all(request["temperature"] > 0 for request in server.asked("actor"))


def test_the_demonstration_models_write_drafts_that_differ(settings: Settings, broker: str) -> None:
    call_command("import_catalog", "sample", "--format", "sample", "--json")
    with endpoint.serve() as url:
        settings.LLM = {role: values | {"base_url": url} for role, values in settings.LLM.items()}
        batch = service.open_rounds(
            Catalog.objects.get(), OpenConfig(subjects="end-users", strategy=Strategy.FILTER, drafts=4, limit=5)
        )
        asyncio.run(advance(list(batch.rounds.values_list("pk", flat=True))))
    assert {round_.state for round_ in batch.rounds.all()} == {RoundState.RESTING}
    for round_ in batch.rounds.all():
        assert len(set(round_.turns.filter(kind="reason").values_list("text", flat=True))) > 1
    verdicts = {turn.verdict for round_ in batch.rounds.all() for turn in round_.turns.filter(kind="reflect")}
    assert verdicts == {"reasonable", "not_reasonable"}

"""Rounds against a scripted endpoint over the real SDK: what is asked, stored, retried and given up."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import LlmCall, RestReason, Round, RoundState
from recommender.rounds import leases, service
from reviews.models import Review, ReviewState
from tests import openai_server
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_round
from tests.openai_server import REASONABLE, UNREASONABLE, Reply, loop_script, says
from tests.worker.rounds.conftest import Serve
from worker.rounds.advance import advance

pytestmark = pytest.mark.django_db(transaction=True)


def run(*of: Round) -> None:
    asyncio.run(advance([round_.pk for round_ in of]))


def waiting_round() -> Round:
    return make_round(make_end_user(make_catalog()))


def shape(round_: Round) -> list[tuple[str, str]]:
    return list(round_.turns.values_list("kind", "verdict"))


def test_a_round_reasons_reflects_and_refines_until_it_is_judged_reasonable(serve: Serve) -> None:
    server = serve(loop_script(UNREASONABLE, REASONABLE))
    round_ = waiting_round()
    run(round_)
    assert shape(round_) == [("reason", ""), ("reflect", "not_reasonable"), ("refine", ""), ("reflect", "reasonable")]
    round_.refresh_from_db()
    assert (round_.state, round_.rest_reason, round_.lease_token) == (RoundState.RESTING, RestReason.REASONABLE, "")
    assert round_.rested_at is not None
    assert len(server.requests) == 4
    calls = list(round_.calls.order_by("pk"))
    assert [(call.role, call.step, call.turn_index) for call in calls] == [
        ("actor", "reason", 0), ("reflector", "reflect", 1), ("actor", "refine", 2), ("reflector", "reflect", 3),
    ]  # fmt: skip
    assert all(call.turn.index == call.turn_index and call.prompt_tokens == 100 and call.answer for call in calls)
    assert [turn.about.index if turn.about else None for turn in round_.turns.select_related("about")] == [
        None,
        0,
        0,
        2,
    ]


def test_a_second_answer_that_repeats_what_was_wrong_with_the_first_is_none(serve: Serve) -> None:
    """Seen of a real small LLM, whose reflector then found it reasonable."""

    def script(request: dict[str, Any], _number: int) -> Reply:
        if request["model"] == "reflector":
            return says(REASONABLE)
        if len(request["messages"]) == 2:
            return says("Quiet dramas, mostly, and a few", finish_reason="length")
        return says("The user preference is not complete: it was cut off at the token limit; write at most 200 words.")

    server = serve(script)
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.MALFORMED
    assert not server.asked("reflector")
    assert "repeats the instructions" in round_.calls.order_by("pk").last().error


def test_a_round_that_rests_with_a_proposal_is_put_before_people(serve: Serve) -> None:
    serve(loop_script(REASONABLE))
    round_ = waiting_round()
    run(round_)
    assert Review.objects.get().round == round_


def test_the_budget_ends_a_round_and_its_last_text_was_judged(serve: Serve) -> None:
    serve(loop_script(UNREASONABLE))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.BUDGET
    assert [kind for kind, _ in shape(round_)] == ["reason", "reflect", "refine", "reflect", "refine", "reflect"]


def test_a_chunk_holds_end_users_and_items(serve: Serve) -> None:
    serve(loop_script(REASONABLE))
    catalog = make_catalog()
    chunk = [make_round(make_end_user(catalog)) for _ in range(5)] + [make_round(make_item(catalog)) for _ in range(5)]
    run(*chunk)
    assert Round.objects.filter(state=RoundState.RESTING).count() == 10
    assert Review.objects.count() == 10


def test_a_malformed_answer_goes_back_once_with_the_error(serve: Serve) -> None:
    server = serve(loop_script("Hmm, hard to say.", REASONABLE))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.REASONABLE
    assert [call.error_kind for call in round_.calls.order_by("pk")] == ["", "malformed", ""]
    repair = server.asked("reflector")[1]["messages"]
    assert repair[-2]["content"] == "Hmm, hard to say."
    assert "final judgement" in repair[-1]["content"]


def test_a_round_whose_answers_stay_malformed_rests_visibly_and_a_retry_goes_on(serve: Serve, broker: str) -> None:
    serve(loop_script("Hmm.", "Hmm again.", REASONABLE))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert (round_.state, round_.rest_reason) == (RoundState.RESTING, RestReason.MALFORMED)
    assert round_.calls.filter(error_kind="malformed").count() == 2
    assert service.retry(Round.objects.all()) == 1
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.REASONABLE
    assert [kind for kind, _ in shape(round_)] == ["reason", "reflect"]  # the rationale was not paid for twice


def test_an_answer_cut_off_at_the_token_limit_is_malformed_and_says_so(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "actor" and number == 1:
            return says(openai_server.PREFERENCE, finish_reason="length")
        return loop_script(REASONABLE)(request, number)

    serve(script)
    round_ = waiting_round()
    run(round_)
    assert "cut off" in round_.calls.get(error_kind="malformed").error
    assert round_.turns.count() == 2


def test_a_busy_endpoint_is_asked_again_after_what_it_says(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "actor" and number == 1:
            return openai_server.error(429, "slow down", Retry_After="0.1")
        return loop_script(REASONABLE)(request, number)

    serve(script)
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert (round_.rest_reason, round_.attempts, round_.error) == (RestReason.REASONABLE, 0, "")
    assert [call.error_kind for call in round_.calls.order_by("pk")] == ["transient", "", ""]


def test_a_longer_wait_is_left_to_the_sweep(serve: Serve) -> None:
    server = serve(lambda *_: openai_server.error(429, "slow down", Retry_After="600"))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert (round_.state, round_.attempts, round_.lease_token) == (RoundState.WAITING, 1, "")
    assert round_.next_attempt_at >= timezone.now() + timedelta(seconds=590)
    assert "slow down" in round_.error
    run(round_)  # not due: a second message asks nothing
    assert len(server.requests) == 1


def test_an_endpoint_that_fails_for_too_long_is_given_up_and_a_retry_starts_anew(serve: Serve, broker: str) -> None:
    serve(lambda *_: openai_server.error(500, "out of memory"))
    round_ = waiting_round()
    Round.objects.update(attempts=leases.MOST_ATTEMPTS - 1)
    run(round_)
    round_.refresh_from_db()
    assert round_.state == RoundState.FAILED
    assert "Gave up after 20 attempts" in round_.error
    assert "out of memory" in round_.error
    service.retry(Round.objects.all())
    round_.refresh_from_db()
    assert (round_.state, round_.attempts, round_.error) == (RoundState.WAITING, 0, "")


def test_a_permanent_error_fails_the_round_with_a_clear_text(serve: Serve) -> None:
    serve(lambda *_: openai_server.error(401, "no such key"))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.state == RoundState.FAILED
    assert "R4_ACTOR_API_KEY" in round_.error
    assert round_.calls.get().error_kind == "permanent"


def test_an_endpoint_that_refuses_schemas_is_asked_for_tags(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if "response_format" in request:
            return openai_server.error(400, "unknown field response_format")
        return loop_script(REASONABLE)(request, 1)

    server = serve(script, structured="auto")
    chunk = [waiting_round() for _ in range(4)]
    run(*chunk)
    assert Round.objects.filter(rest_reason=RestReason.REASONABLE).count() == 4
    assert len([request for request in server.requests if "response_format" in request]) == 1


def test_an_answer_with_what_databases_refuse_is_stored(serve: Serve) -> None:
    serve(lambda *_: says("\x00\ud800 no"))
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.MALFORMED


def test_a_cancelled_round_keeps_the_cost_and_a_retry_uses_the_paid_answer(serve: Serve, broker: str) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "actor":
            service.cancel(Round.objects.all())  # a lead cancels while the endpoint is writing
        return loop_script(REASONABLE)(request, number)

    server = serve(script)
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert (round_.rest_reason, round_.turns.count(), round_.calls.count()) == (RestReason.CANCELLED, 0, 1)
    assert Review.objects.count() == 0
    service.retry(Round.objects.all())
    run(round_)
    round_.refresh_from_db()
    assert round_.rest_reason == RestReason.REASONABLE
    assert len(server.asked("actor")) == 1


def test_a_worker_that_lost_its_lease_adds_no_turn(serve: Serve) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        Round.objects.update(lease_token="somebody-else")
        return loop_script(REASONABLE)(request, number)

    serve(script)
    round_ = waiting_round()
    run(round_)
    round_.refresh_from_db()
    assert (round_.state, round_.lease_token, round_.turns.count()) == (RoundState.ASKING, "somebody-else", 0)
    assert LlmCall.objects.count() == 1


def test_an_override_sends_the_critique_to_the_actor_and_opens_the_review_again(serve: Serve, broker: str) -> None:
    server = serve(loop_script(REASONABLE))
    round_ = waiting_round()
    run(round_)
    Review.objects.update(state=ReviewState.AWAITING_ACTOR)
    service.add_override(
        round_, about=round_.turns.get(index=0), critique="Westerns are missing.", account=make_account()
    )
    run(round_)
    assert [kind for kind, _ in shape(round_)] == ["reason", "reflect", "override", "refine", "reflect"]
    assert "Westerns are missing." in server.asked("actor")[1]["messages"][-1]["content"]
    assert Review.objects.get().state == ReviewState.OPEN


def test_a_fault_of_our_own_fails_the_round_and_spares_the_others(serve: Serve) -> None:
    serve(loop_script(REASONABLE))
    broken, whole = waiting_round(), waiting_round()
    Round.objects.filter(pk=broken.pk).update(evidence={"nonsense": True})
    run(broken, whole)
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.state, whole.state) == (RoundState.FAILED, RoundState.RESTING)
    assert "Internal error" in broken.error

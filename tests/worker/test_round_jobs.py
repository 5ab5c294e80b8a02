"""Rounds through a real broker and real workers: lost messages, killed workers, two workers, a broker that is away."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import Celery
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from recommender import jobs
from recommender.models import RestReason, Round, RoundState
from recommender.rounds import leases, service
from reviews.models import Review
from tests import openai_server
from tests.builders import make_catalog, make_end_user, make_round
from tests.conftest import ROOT
from tests.openai_server import REASONABLE, UNREASONABLE, Reply, ScriptedServer, loop_script
from tests.servers import wait_until
from tests.transformers_server import TransformersServer
from worker.rounds.advance import advance
from worker.tasks import sweep_rounds

pytestmark = pytest.mark.django_db(transaction=True)
Serve = Callable[..., ScriptedServer]


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(script: Callable[[dict[str, Any], int], Reply], **endpoint: Any) -> ScriptedServer:
            scripted = stack.enter_context(openai_server.running(script))
            settings.LLM = scripted.endpoints(**endpoint)
            return scripted

        yield start


def waiting_rounds(count: int) -> list[Round]:
    catalog = make_catalog()
    return [make_round(make_end_user(catalog)) for _ in range(count)]


def all_rest() -> bool:
    return not Round.objects.exclude(state=RoundState.RESTING).exists()


def test_rounds_sent_through_the_broker_come_to_rest(live_worker: Celery, serve: Serve) -> None:
    serve(loop_script(UNREASONABLE, REASONABLE))
    service.enqueue([round_.pk for round_ in waiting_rounds(12)])
    wait_until(all_rest, what="all rounds")
    wait_until(lambda: Review.objects.count() == 12, what="a review of each")  # opened once the round is stored


def test_the_sweep_finds_rounds_whose_message_was_lost(live_worker: Celery, serve: Serve) -> None:
    serve(loop_script(REASONABLE))
    waiting_rounds(3)  # nobody was told
    jobs.send(jobs.SWEEP_ROUNDS)
    wait_until(all_rest, what="all rounds")


def test_the_sweep_sends_no_second_message_while_the_first_one_waits(broker: str) -> None:
    waiting_rounds(3)
    assert jobs.waiting(jobs.Queue.LLM) == 0
    sweep_rounds()
    assert jobs.waiting(jobs.Queue.LLM) == 1
    sweep_rounds()
    assert jobs.waiting(jobs.Queue.LLM) == 1


def test_the_sweep_leaves_rounds_alone_that_are_not_due(broker: str) -> None:
    waiting_rounds(1)
    Round.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=5))
    sweep_rounds()
    assert jobs.waiting(jobs.Queue.LLM) == 0


def test_the_sweep_takes_rounds_back_from_dead_workers(broker: str) -> None:
    (round_,) = waiting_rounds(1)
    assert leases.take([round_.pk], token="dead")
    sweep_rounds()
    assert Round.objects.get().state == RoundState.ASKING
    Round.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    sweep_rounds()
    assert (Round.objects.get().state, jobs.waiting(jobs.Queue.LLM)) == (RoundState.WAITING, 1)


def test_the_sweep_opens_the_reviews_that_a_dead_worker_did_not(broker: str) -> None:
    catalog = make_catalog()
    resting = make_round(make_end_user(catalog), ("reason", "a text"), rest_reason=RestReason.BUDGET)
    make_round(make_end_user(catalog), ("reason", "a text"), rest_reason=RestReason.CANCELLED)
    make_round(make_end_user(catalog), state=RoundState.RESTING, rest_reason=RestReason.MALFORMED)
    sweep_rounds()
    assert Review.objects.get().round == resting


def test_a_round_that_another_worker_holds_is_left_alone(serve: Serve) -> None:
    server = serve(loop_script(REASONABLE))
    (round_,) = waiting_rounds(1)
    leases.take([round_.pk], token="another")
    asyncio.run(advance([round_.pk]))
    assert server.requests == []


def test_two_workers_at_once_make_one_set_of_turns_and_pay_once(serve: Serve) -> None:
    server = serve(loop_script(UNREASONABLE, REASONABLE))
    ids = [round_.pk for round_ in waiting_rounds(20)]
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        try:
            asyncio.run(advance(ids))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all_rest()
    for round_ in Round.objects.all():
        indexes = list(round_.turns.values_list("index", flat=True))
        assert indexes == list(range(len(indexes)))
        assert round_.calls.count() == len(indexes)
    assert len(server.requests) == sum(round_.turns.count() for round_ in Round.objects.all())


def test_a_step_that_ran_twice_counts_once() -> None:
    (round_,) = waiting_rounds(1)
    leases.take([round_.pk], token="mine")

    def entry() -> leases.Entry:
        turn = round_.turns.model(round=round_, index=0, kind="reason", text="a", text_hash="h")
        return leases.Entry(round_.pk, turn=turn)

    assert leases.store([entry()], token="mine") == [True]
    assert leases.store([entry()], token="mine") == [False]
    assert round_.turns.count() == 1


def test_one_step_that_ran_twice_spoils_no_other_of_its_batch() -> None:
    first, second = waiting_rounds(2)
    leases.take([first.pk, second.pk], token="mine")

    def entry(round_: Round) -> leases.Entry:
        turn = round_.turns.model(round=round_, index=0, kind="reason", text="a", text_hash="h")
        return leases.Entry(round_.pk, turn=turn)

    leases.store([entry(first)], token="mine")
    assert leases.store([entry(first), entry(second)], token="mine") == [False, True]
    assert (first.turns.count(), second.turns.count()) == (1, 1)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer: nothing can be locked twice")
def test_taking_skips_rounds_that_another_worker_is_taking() -> None:
    from django.db import transaction

    ids = [round_.pk for round_ in waiting_rounds(2)]
    taken: list[int] = []

    def take_all() -> None:
        taken.extend(round_.pk for round_ in leases.take(ids, token="other"))
        connections.close_all()

    with transaction.atomic():
        Round.objects.select_for_update().get(pk=ids[0])
        other = threading.Thread(target=take_all)
        other.start()
        other.join(20)
    assert taken == ids[1:]


@contextmanager
def celery_worker(environment: dict[str, str], server: ScriptedServer) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process of its own, both roles at `server`."""
    roles = {f"R4_{role}_BASE_URL": server.base_url for role in ("ACTOR", "REFLECTOR")}
    models = {"R4_ACTOR_MODEL": "actor", "R4_REFLECTOR_MODEL": "reflector", "R4_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "r4web", "worker", "--queues", "llm", "--pool", "solo",
         "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"],
        cwd=ROOT, env=environment | roles | models, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)


def test_after_a_kill_the_rounds_go_on_and_no_stored_call_is_paid_again(
    broker: str, child_environment: dict[str, str], serve: Serve
) -> None:
    hang = threading.Event()

    def script(request: dict[str, Any], number: int) -> Reply:
        if request["model"] == "reflector" and number > 6 and not hang.is_set():
            return Reply(hang=True)  # the worker is killed while it waits for these
        return loop_script(REASONABLE)(request, number)

    server = serve(script)
    chunk = waiting_rounds(10)
    service.enqueue([round_.pk for round_ in chunk])
    with celery_worker(child_environment, server) as worker:
        wait_until(lambda: len(server.asked("reflector")) == 10, what="the first worker's questions")
        wait_until(lambda: Round.objects.filter(state=RoundState.RESTING).count() == 6, what="six rounds")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    asked_before = len(server.requests)
    assert Round.objects.filter(state=RoundState.ASKING).count() == 4
    hang.set()
    Round.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))  # as if the lease's time had passed
    sweep_rounds()
    with celery_worker(child_environment, server):
        wait_until(all_rest, what="all rounds")
    assert len(server.asked("actor")) == 10  # every first draft was paid for once
    assert len(server.requests) == asked_before + 4  # only the judgements that nobody had stored
    for round_ in Round.objects.all():
        assert [turn.kind for turn in round_.turns.all()] == ["reason", "reflect"]
        assert round_.calls.count() == 2


def test_a_slow_chunk_keeps_its_lease(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.rounds.ledger.RENEW_SECONDS", 0.02)
    seen: list[Any] = []

    def script(request: dict[str, Any], number: int) -> Reply:
        Round.objects.update(lease_expires_at=timezone.now())  # nearly over
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if Round.objects.get().lease_expires_at > timezone.now() + timedelta(seconds=30):  # type: ignore[operator]
                seen.append("renewed")
                break
        return loop_script(REASONABLE)(request, 1)

    serve(script)
    (round_,) = waiting_rounds(1)
    asyncio.run(advance([round_.pk]))
    assert seen == ["renewed", "renewed"]
    assert all_rest()


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("noisy", ["actor", "reflector"])
def test_the_noise_of_a_real_model_ends_as_malformed_and_not_as_a_crash(
    live_worker: Celery, transformers_serve: TransformersServer, serve: Serve, settings: Settings, noisy: str
) -> None:
    server = serve(loop_script(REASONABLE))
    here = {"base_url": transformers_serve.base_url, "model": transformers_serve.model}
    settings.LLM = settings.LLM | {
        noisy: server.endpoints(**here, structured="auto", max_tokens=40, timeout=60.0)[noisy]
    }
    service.enqueue([round_.pk for round_ in waiting_rounds(2)])
    wait_until(all_rest, seconds=60, what="the rounds")
    for round_ in Round.objects.all():
        assert round_.rest_reason == RestReason.MALFORMED
        noise = round_.calls.filter(role=noisy)
        assert [call.error_kind for call in noise] == ["malformed", "malformed"]
        assert all(call.answer and call.completion_tokens for call in noise)
        assert round_.turns.count() == (noisy == "reflector")

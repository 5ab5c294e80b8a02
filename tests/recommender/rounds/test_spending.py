"""Limits in tokens, pauses, estimates: nothing is asked beyond them, and nothing that was paid is lost."""

import asyncio
import io
import json

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog, LlmCall, Round, RoundBatch, Turn
from recommender.rounds import leases, service, spending
from recommender.rounds.config import OpenConfig
from recommender.rounds.estimate import estimate
from recommender.rounds.leases import Entry
from tests.builders import make_catalog, make_end_user, make_interaction, make_item
from tests.openai_server import REASONABLE, UNREASONABLE, loop_script
from tests.worker.rounds.conftest import Serve, serve  # noqa: F401
from worker.rounds.advance import advance
from worker.tasks import sweep_rounds

pytestmark = pytest.mark.django_db(transaction=True)
ONE_CALL = 120  # tokens of the scripted server


@pytest.fixture
def films(broker: str) -> Catalog:
    catalog = make_catalog("films")
    for _ in range(6):
        make_interaction(make_end_user(catalog), make_item(catalog))
    return catalog


def opened(catalog: Catalog, **settings: object) -> RoundBatch:
    return service.open_rounds(catalog, OpenConfig(subjects="end-users", **settings))


def run(batch: RoundBatch) -> dict[str, int]:
    asyncio.run(advance(list(batch.rounds.values_list("pk", flat=True))))
    batch.refresh_from_db()
    states = list(batch.rounds.values_list("state", flat=True))
    return {state: states.count(state) for state in set(states)}


def test_a_batch_stops_at_its_limit_and_goes_on_with_a_higher_one(serve: Serve, films: Catalog) -> None:  # noqa: F811
    server = serve(loop_script(REASONABLE), concurrency=2)
    batch = opened(films, most_tokens=4 * ONE_CALL)
    assert run(batch)["waiting"] >= 2
    asked = len(server.requests)
    assert asked <= 4 + 6  # those that were under way when the limit was reached
    assert (spending.why_held(batch), batch.tokens) == ("batch", asked * ONE_CALL)

    assert run(batch)["waiting"] >= 2
    assert len(server.requests) == asked  # nobody asks

    assert service.resume(batch, most_tokens=None) >= 2
    assert run(batch) == {"resting": 6}
    assert (len(server.requests), LlmCall.objects.count()) == (12, 12)  # what was paid before was used
    assert spending.why_held(batch) == ""


def test_a_paused_batch_asks_for_nothing_more(serve: Serve, films: Catalog) -> None:  # noqa: F811
    def script(request: dict[str, object], number: int) -> object:
        if number == 1:
            service.pause(batch)
        return loop_script(UNREASONABLE, REASONABLE)(request, number)

    server = serve(script, concurrency=1)
    batch = opened(films)
    assert run(batch) == {"waiting": 6}
    asked = len(server.requests)
    assert asked <= 6
    assert spending.why_held(batch) == "paused"
    service.resume(batch, most_tokens=None)
    batch.refresh_from_db()
    assert batch.paused_at is None


def test_the_sweep_sends_nothing_that_is_paused(films: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else thousands of paused rounds would keep the sweep from those that are due behind them."""
    paused, other = opened(films), service.open_rounds(films, OpenConfig(subjects="items"))
    service.pause(paused)
    sent: list[int] = []
    monkeypatch.setattr("worker.tasks.jobs.waiting", lambda _: False)
    monkeypatch.setattr("worker.tasks.service.enqueue", sent.extend)
    sweep_rounds()
    assert sorted(sent) == sorted(other.rounds.values_list("pk", flat=True))
    assert sent


def test_a_call_that_makes_no_turn_is_counted_too(films: Catalog) -> None:
    round_ = opened(films).rounds.first()
    assert round_ is not None
    for _ in range(2):  # the second worker was slower: its turn is there already
        leases.take([round_.pk], token="t")
        call = LlmCall(
            round=round_, role="actor", step="reason", turn_index=0, prompt_name="p", prompt_hash="h", messages=[],
            model="m", base_url="", parameters={}, answer="A text.", prompt_tokens=100, completion_tokens=20,
        )  # fmt: skip
        turn = Turn(round=round_, index=0, kind="reason", text="A text.", text_hash=service.text_hash("A text."))
        leases.store([Entry(round_.pk, call=call, turn=turn)], token="t")
    assert RoundBatch.objects.get().tokens == 2 * ONE_CALL
    assert LlmCall.objects.count() == 2


def test_a_catalogs_limit_holds_all_its_batches(serve: Serve, films: Catalog) -> None:  # noqa: F811
    serve(loop_script(REASONABLE), concurrency=1)
    call_command("limit_spending", "films", "--most-tokens", "1")
    batch = opened(films)
    assert run(batch)["waiting"] == 6  # nothing was spent, so nothing was held; but the first answer spent it
    films.refresh_from_db()
    assert spending.why_held(RoundBatch.objects.get(pk=batch.pk)) == "catalog"
    said = io.StringIO()
    call_command("limit_spending", "films", "--no-limit", stdout=said)
    assert "6 waiting rounds go on" in said.getvalue()
    assert run(batch) == {"resting": 6}


def test_waiting_for_a_batch_that_may_cost_no_more_ends_with_an_error(films: Catalog) -> None:
    call_command("limit_spending", "films", "--most-tokens", "1")
    RoundBatch.objects.create(catalog=films, subjects="all", tokens=5)
    with pytest.raises(CommandError, match="rounds wait: they are paused, or their limit of tokens is reached"):
        call_command("open_rounds", "films", "--subjects", "end-users", "--wait")


@pytest.mark.parametrize("arguments", [["nope"], ["films", "--most-tokens", "0"]])
def test_a_mistake_about_a_limit_is_said(films: Catalog, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("limit_spending", *arguments)


def test_an_estimate_is_by_prompts_first_and_then_by_what_rounds_cost(
    serve: Serve,  # noqa: F811
    films: Catalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve(loop_script(REASONABLE), price_read=2.0, price_written=10.0)
    config = OpenConfig(subjects="end-users")
    before = estimate(films, config)
    assert (before.rounds, before.measured, before.seconds) == (6, False, None)
    assert 6 * 2 <= before.calls <= 6 * 6
    assert before.tokens > 6 * 300
    assert before.cost

    run(opened(films))
    monkeypatch.setattr("recommender.rounds.estimate.ENOUGH_CALLS", 10)
    after = estimate(films, config)
    assert (after.calls, after.tokens, after.measured) == (12, 12 * ONE_CALL, True)
    assert after.seconds is not None
    assert after.cost == pytest.approx(12 * (100 * 2 + 20 * 10) / 1_000_000)
    assert spending.cost(Round.objects.all()) == pytest.approx(after.cost)


def test_the_command_says_the_estimate_and_opens_nothing(films: Catalog) -> None:
    said, shown = io.StringIO(), io.StringIO()
    call_command("open_rounds", "films", "--subjects", "end-users", "--estimate", "--json", stdout=shown, stderr=said)
    assert "At most 6 rounds" in said.getvalue()
    assert json.loads(shown.getvalue())["estimate"]["rounds"] == 6
    assert not Round.objects.exists()

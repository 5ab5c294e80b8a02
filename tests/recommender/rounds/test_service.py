"""What people do with rounds."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from recommender.models import RestReason, Round, RoundState
from recommender.rounds import leases, service
from recommender.rounds.config import OpenConfig
from recommender.rounds.core.types import Subject
from recommender.rounds.queries import progress, proposal
from recommender.rounds.service import RoundNotRestingError
from tests.builders import make_account, make_catalog, make_end_user, make_interaction, make_item, make_round

pytestmark = pytest.mark.django_db


def catalog_with(end_users: int, items: int):  # type: ignore[no-untyped-def]
    catalog = make_catalog()
    films = [make_item(catalog) for _ in range(items)]
    for number in range(end_users):
        end_user = make_end_user(catalog)
        for moment, film in enumerate(films[number:], start=1):
            make_interaction(end_user, film, rating=5.0 if moment % 2 else 2.0, moment=100 * number + moment)
    return catalog


def test_rounds_open_with_frozen_evidence_and_the_configured_budget(settings: Settings) -> None:
    settings.ROUND_REFINEMENTS = 3
    catalog = catalog_with(2, 3)
    batch = service.open_rounds(catalog, OpenConfig(subjects="all"))
    assert batch.rounds.count() == 5
    for round_ in batch.rounds.all():
        assert Subject.from_json(round_.evidence).item_noun == "movie"
        assert (round_.state, round_.refinements_allowed) == (RoundState.WAITING, 3)


def test_the_same_subject_as_of_the_same_moment_is_opened_once() -> None:
    catalog = catalog_with(2, 3)
    service.open_rounds(catalog, OpenConfig(subjects="all"))
    assert service.open_rounds(catalog, OpenConfig(subjects="all")).rounds.count() == 0
    assert service.open_rounds(catalog, OpenConfig(subjects="all", window="latest")).rounds.count() > 0


def test_a_limit_takes_the_most_useful_first_and_then_the_next() -> None:
    catalog = catalog_with(3, 4)
    first = service.open_rounds(catalog, OpenConfig(subjects="end-users", limit=1))
    second = service.open_rounds(catalog, OpenConfig(subjects="end-users", limit=1))
    longest, next_longest = catalog.end_users.order_by("pk")[:2]
    assert [first.rounds.get().end_user, second.rounds.get().end_user] == [longest, next_longest]


def test_a_limit_counts_end_users_and_items_apart() -> None:
    batch = service.open_rounds(catalog_with(3, 4), OpenConfig(subjects="all", limit=2))
    assert (batch.rounds.filter(item=None).count(), batch.rounds.filter(end_user=None).count()) == (2, 2)


@pytest.mark.parametrize(
    ("state", "reason", "again"),
    [
        (RoundState.FAILED, "", True),
        (RoundState.RESTING, RestReason.MALFORMED, True),
        (RoundState.RESTING, RestReason.CANCELLED, True),
        (RoundState.RESTING, RestReason.REASONABLE, False),
        (RoundState.ASKING, "", False),
        (RoundState.WAITING, "", False),
    ],
)
def test_only_what_went_wrong_can_be_retried(state: str, reason: str, again: bool) -> None:
    make_round(make_end_user(make_catalog()), state=state, rest_reason=reason, error="bad")
    assert service.retry(Round.objects.all()) == again
    round_ = Round.objects.get()
    assert (not round_.error) == again
    assert round_.state == (RoundState.WAITING if again else state)


def test_cancelling_stops_waiting_and_asking_rounds_only() -> None:
    catalog = make_catalog()
    for state in RoundState:
        make_round(make_end_user(catalog), state=state)
    assert service.cancel(Round.objects.all()) == 2
    cancelled = Round.objects.filter(rest_reason=RestReason.CANCELLED)
    assert {round_.state for round_ in cancelled} == {RoundState.RESTING}


def test_an_override_wakes_the_round_and_judges_the_rationale_it_is_about() -> None:
    round_ = make_round(make_end_user(make_catalog()), ("reason", "a text"), ("reflect", ""))
    account = make_account()
    rationale = round_.turns.get(index=0)
    turn = service.add_override(round_, about=rationale, critique="Wrong.", account=account)
    assert (turn.index, turn.kind, turn.verdict, turn.about, turn.account) == (
        2,
        "override",
        "not_reasonable",
        rationale,
        account,
    )
    round_.refresh_from_db()
    assert (round_.state, round_.rest_reason, round_.rested_at) == (RoundState.WAITING, "", None)


def test_an_edit_rests_and_becomes_the_proposal() -> None:
    round_ = make_round(make_end_user(make_catalog()), ("reason", "a text"), ("reflect", ""))
    turn = service.add_edit(round_, about=round_.turns.get(index=0), text="A better text.", account=make_account())
    round_.refresh_from_db()
    assert (round_.state, round_.rest_reason, proposal(round_)) == (RoundState.RESTING, RestReason.EDITED, turn)


def test_nobody_writes_into_a_round_that_a_worker_is_at() -> None:
    round_ = make_round(make_end_user(make_catalog()), ("reason", "a text"), state=RoundState.ASKING)
    with pytest.raises(RoundNotRestingError):
        service.add_edit(round_, about=round_.turns.get(), text="A better text.", account=make_account())


def test_an_edit_is_about_a_rationale_of_its_own_round() -> None:
    catalog = make_catalog()
    round_ = make_round(make_end_user(catalog), ("reason", "a text"), ("reflect", ""))
    other = make_round(make_end_user(catalog), ("reason", "a text"))
    for turn in (round_.turns.get(index=1), other.turns.get()):
        with pytest.raises(ValueError, match="rationale of the same round"):
            service.add_edit(round_, about=turn, text="A better text.", account=make_account())


@pytest.mark.parametrize(("attempts", "least", "most"), [(1, 0.5, 1.5), (4, 4, 12), (20, 150, 450)])
def test_waiting_grows_with_every_failure_up_to_a_limit(attempts: int, least: float, most: float) -> None:
    delays = {leases.backoff(attempts) for _ in range(50)}
    assert least <= min(delays) <= max(delays) <= most
    assert len(delays) > 1  # jitter


def test_what_an_endpoint_asks_for_is_honoured_up_to_an_hour() -> None:
    assert 60 <= leases.backoff(1, retry_after=60) <= 75
    assert 3600 <= leases.backoff(1, retry_after=1e9) <= 4500


def test_progress_counts_states_reasons_calls_and_tokens() -> None:
    catalog = make_catalog()
    make_round(make_end_user(catalog), state=RoundState.WAITING, error="busy")
    failed = make_round(make_end_user(catalog), state=RoundState.FAILED)
    make_round(make_end_user(catalog), state=RoundState.RESTING, rest_reason=RestReason.BUDGET)
    for number in range(3):
        failed.calls.create(
            role="actor", step="reason", turn_index=0, messages=[], parameters={}, model="m", base_url="u",
            prompt_name="p", prompt_hash="h", prompt_tokens=10, completion_tokens=2,
            error_kind="transient" if number else "",
        )  # fmt: skip
    now = progress(Round.objects.filter(catalog=catalog))
    assert (now.waiting, now.asking, now.resting, now.failed, now.total, now.done) == (1, 0, 1, 1, 3, 2)
    assert (now.rest_reasons, now.calls, now.failed_calls, now.tokens) == ({"budget": 1}, 3, 2, 36)
    assert (now.last_error, now.waiting_with_error, now.finished, now.stalled) == ("busy", 1, False, False)
    assert now.calls_per_second > 0


def test_progress_says_when_nobody_takes_what_has_long_been_due() -> None:
    round_ = make_round(make_end_user(make_catalog()), state=RoundState.WAITING)
    Round.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=5))
    assert progress(Round.objects.filter(pk=round_.pk)).stalled

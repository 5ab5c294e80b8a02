"""What each verdict does, and which decisions come too late."""

from datetime import timedelta
from typing import Any

import pytest

from recommender.counters import REGISTRY
from recommender.models import Account, Judgement, Knowledge, RestReason, Round, RoundState, TurnKind
from recommender.rounds.queries import proposal
from reviews.choices import Verdict
from reviews.models import Decision, Review, ReviewState
from reviews.room import decisions, leases, opening
from reviews.room.decisions import Decided, Seen
from reviews.room.leases import LEASE, Stale, StaleReviewError
from tests.builders import make_review, make_round
from tests.reviews.conftest import NOON


def seen_now(review: Review) -> Seen:
    proposed = proposal(Round.objects.get(pk=review.round_id))
    assert proposed is not None
    fresh = Review.objects.get(pk=review.pk)
    return Seen(version=fresh.version, turns=fresh.round.turns.count(), text_hash=proposed.text_hash)


def decide(review: Review, account: Account, verdict: Verdict, *, token: str = "", **fields: object) -> Decided:
    """Take the review, unless a token is given, and decide on what is there now."""
    if not token:
        slot = leases.take(review, account=account, now=NOON)
        token = slot.lease_token if slot else ""
    values = {"seen": seen_now(review), "now": NOON} | fields
    return decisions.decide(review, account=account, verdict=verdict, lease_token=token, **values)  # type: ignore[arg-type]


def in_force() -> list[str]:
    return list(Knowledge.objects.filter(in_force=True).order_by("pk").values_list("text", flat=True))


def test_approve_puts_the_proposal_in_force(rita: Account) -> None:
    review = make_review()

    decided = decide(review, rita, Verdict.APPROVE)

    review.refresh_from_db()
    assert in_force() == ["Likes war films."]
    assert (review.state, review.closed_at, review.version) == (ReviewState.DONE, NOON, 2)
    assert decided.decision.turn.text == "Likes war films."
    assert decided.decision.made_turn is None


def test_a_decision_is_counted_once_it_stands(rita: Account, django_capture_on_commit_callbacks: Any) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("r4web_decisions_total", {"verdict": "approve"}) or 0.0

    before, review = counted(), make_review()
    with django_capture_on_commit_callbacks(execute=True):
        decide(review, rita, Verdict.APPROVE)
        assert counted() == before
    assert counted() == before + 1

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(StaleReviewError):
        decide(review, rita, Verdict.APPROVE)
    assert counted() == before + 1


def test_approving_replaces_what_was_in_force_as_of_the_same_moment(rita: Account) -> None:
    first = make_review()
    decide(first, rita, Verdict.APPROVE)
    decisions.reopen(first, account=rita, now=NOON)

    decide(first, rita, Verdict.EDIT, text="Likes spy films now.")

    assert in_force() == ["Likes spy films now."]


def test_texts_of_several_moments_are_in_force_beside_each_other(rita: Account) -> None:
    first = make_review()
    decide(first, rita, Verdict.APPROVE)
    later = make_round(first.round.subject, ("reason", "Likes spy films now."), ("reflect", ""), as_of=2000)

    decide(opening.open_review(later), rita, Verdict.APPROVE)

    assert in_force() == ["Likes war films.", "Likes spy films now."]


def test_an_edit_becomes_a_turn_and_is_put_in_force(rita: Account) -> None:
    review = make_review()

    decided = decide(review, rita, Verdict.EDIT, text="Likes old war films.")

    made = decided.decision.made_turn
    review.refresh_from_db()
    assert made is not None
    assert (made.kind, made.text, made.account) == (TurnKind.EDIT, "Likes old war films.", rita)
    assert made.about == decided.decision.turn
    assert in_force() == ["Likes old war films."]
    assert review.state == ReviewState.DONE
    assert Round.objects.get().rest_reason == RestReason.EDITED


def test_an_override_sends_the_critique_to_the_actor_and_the_review_awaits_it(rita: Account) -> None:
    review = make_review()

    decided = decide(review, rita, Verdict.OVERRIDE, text="They dislike war films.")

    made, round_ = decided.decision.made_turn, Round.objects.get()
    review.refresh_from_db()
    assert made is not None
    assert (made.kind, made.verdict, made.text) == (
        TurnKind.OVERRIDE,
        Judgement.NOT_REASONABLE,
        "They dislike war films.",
    )
    assert round_.state == RoundState.WAITING
    assert (review.state, review.closed_at) == (ReviewState.AWAITING_ACTOR, None)
    assert in_force() == []


def test_an_overridden_review_comes_back_and_can_be_decided(rita: Account, omar: Account) -> None:
    review = make_review()
    decide(review, rita, Verdict.OVERRIDE, text="They dislike war films.")
    Round.objects.update(state=RoundState.RESTING)
    opening.open_review(Round.objects.get())
    assert review.slots.get().leased_by is None

    decide(review, omar, Verdict.APPROVE)

    assert list(review.decisions.order_by("pk").values_list("verdict", "account__username")) == [
        ("override", "rita"),
        ("approve", "omar"),
    ]


def test_reject_puts_nothing_in_force_and_remembers_why(rita: Account) -> None:
    review = make_review()

    decided = decide(review, rita, Verdict.REJECT, reason="Not in the history.")

    review.refresh_from_db()
    assert in_force() == []
    assert decided.decision.reason == "Not in the history."
    assert review.state == ReviewState.DONE
    assert Round.objects.get().rejected_index == 2


def test_rejecting_a_reopened_review_takes_its_text_out_of_force(rita: Account) -> None:
    review = make_review()
    decide(review, rita, Verdict.APPROVE)
    assert decisions.reopen(review, account=rita, now=NOON)
    assert in_force() == ["Likes war films."]

    decide(review, rita, Verdict.REJECT)

    assert in_force() == []


def test_approving_after_a_rejection_forgets_the_rejection(rita: Account) -> None:
    review = make_review()
    decide(review, rita, Verdict.REJECT)
    decisions.reopen(review, account=rita, now=NOON)

    decide(review, rita, Verdict.APPROVE)

    assert Round.objects.get().rejected_index is None
    assert in_force() == ["Likes war films."]


def test_an_open_review_is_not_reopened(rita: Account) -> None:
    review = make_review()

    assert not decisions.reopen(review, account=rita, now=NOON)


def test_a_decision_says_what_was_seen(rita: Account) -> None:
    review = make_review()
    seen = seen_now(review)

    decided = decide(review, rita, Verdict.APPROVE)

    assert decided.decision.seen == {"version": 1, "turns": 4, "text_hash": seen.text_hash}
    assert decided.decision.account == rita


def test_deciding_takes_the_next_review(rita: Account) -> None:
    first, second = make_review(), make_review()

    decided = decide(first, rita, Verdict.APPROVE)

    assert decided.next is not None
    assert (decided.next.review, decided.next.leased_by) == (second, rita)
    assert decide(second, rita, Verdict.APPROVE).next is None


def test_a_decided_review_cannot_be_decided_again(rita: Account, omar: Account) -> None:
    review = make_review()
    seen = seen_now(review)
    decide(review, rita, Verdict.APPROVE)

    with pytest.raises(StaleReviewError) as caught:
        decide(review, omar, Verdict.REJECT, token="x", seen=seen)

    assert caught.value.stale == Stale.DECIDED
    assert Decision.objects.count() == 1


def test_a_submit_after_another_annotator_took_the_review_is_stale(rita: Account, omar: Account) -> None:
    review = make_review()
    slot = leases.take_next(rita, now=NOON)
    leases.take_next(omar, now=NOON + LEASE)
    assert slot is not None

    with pytest.raises(StaleReviewError) as caught:
        decide(review, rita, Verdict.APPROVE, token=slot.lease_token, now=NOON + LEASE)

    assert caught.value.stale == Stale.HELD
    assert in_force() == []
    assert review.slots.get().leased_by == omar


def test_a_lease_that_ran_out_is_accepted_while_the_slot_is_free(rita: Account) -> None:
    review = make_review()
    slot = leases.take_next(rita, now=NOON)
    assert slot is not None

    decide(review, rita, Verdict.APPROVE, token=slot.lease_token, now=NOON + timedelta(days=1))

    assert in_force() == ["Likes war films."]


@pytest.mark.parametrize(
    "wrong", [{"version": 7}, {"turns": 3}, {"text_hash": "0" * 64}], ids=["version", "turns", "text"]
)
def test_a_decision_on_something_else_than_what_is_there_is_stale(rita: Account, wrong: dict[str, object]) -> None:
    review = make_review()
    right = {"version": 1, "turns": 4, "text_hash": seen_now(review).text_hash}

    with pytest.raises(StaleReviewError) as caught:
        decide(review, rita, Verdict.APPROVE, seen=Seen(**right | wrong))  # type: ignore[arg-type]

    assert caught.value.stale == Stale.CHANGED
    assert not Decision.objects.exists()


def test_a_review_whose_round_a_worker_has_is_stale_for_edits(rita: Account) -> None:
    review = make_review()
    Round.objects.update(state=RoundState.ASKING)

    with pytest.raises(StaleReviewError) as caught:
        decide(review, rita, Verdict.EDIT, text="Likes tea.")

    assert caught.value.stale == Stale.AWAITING_ACTOR
    assert not Decision.objects.exists()


def test_what_was_erased_is_not_opened_again(rita: Account) -> None:
    review = make_review()
    decide(review, rita, Verdict.REJECT)
    Round.objects.update(rest_reason=RestReason.ERASED)

    assert not decisions.reopen(review, account=rita, now=NOON)

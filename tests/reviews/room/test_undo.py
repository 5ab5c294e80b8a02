"""What one decided can be taken back, whole, until a model was trained with it or the text went on."""

from datetime import timedelta
from typing import Any

import pytest

from recommender.knowledge.snapshots import freeze
from recommender.models import Account, Knowledge, RestReason, Round, RoundState, Turn
from reviews.choices import Verdict
from reviews.models import Decision, Review, ReviewState, Undone
from reviews.room import decisions, leases, undo
from reviews.room.decisions import Decided
from reviews.room.opening import open_review
from reviews.room.undo import CannotUndoError
from tests.builders import make_catalog, make_drafts, make_end_user, make_review, make_round
from tests.reviews.conftest import NOON, SignIn
from tests.reviews.forms import HTMX, form, start, url
from tests.reviews.room.test_decisions import decide, in_force


def as_it_is(review: Review) -> dict[str, Any]:
    """All that an undo must bring back."""
    round_ = Round.objects.get(pk=review.round_id)
    return {
        "turns": list(round_.turns.order_by("index").values_list("index", "kind", "text")),
        "round": (round_.state, round_.rest_reason, round_.rejected_index, round_.attempts, round_.error),
        "in_force": list(Knowledge.objects.filter(in_force=True).order_by("pk").values_list("text", "ended_at")),
        "state": Review.objects.get(pk=review.pk).state,
    }


def taken_back(decided: Decided, account: Account) -> Undone:
    return undo.undo(decided.decision.pk, account=account, now=NOON)[0]


VERDICTS = [
    (Verdict.APPROVE, {}),
    (Verdict.EDIT, {"text": "Likes old war films.", "reason": "Which ones?"}),
    (Verdict.OVERRIDE, {"text": "They dislike war films."}),
    (Verdict.REJECT, {"reason": "Not in the history."}),
]


@pytest.mark.parametrize(("verdict", "typed"), VERDICTS)
@pytest.mark.parametrize("approved_before", [False, True])
def test_everything_is_as_it_was(rita: Account, verdict: Verdict, typed: dict[str, str], approved_before: bool) -> None:
    review = make_review()
    if approved_before:
        decide(review, rita, Verdict.APPROVE)
        decisions.reopen(review, account=rita, now=NOON)
    before = as_it_is(review)

    undone = taken_back(decide(review, rita, verdict, **typed), rita)

    assert as_it_is(review) == before
    assert Decision.objects.count() == approved_before
    assert (undone.verdict, undone.text, undone.reason) == (verdict, typed.get("text", ""), typed.get("reason", ""))
    assert review.slots.get().leased_by == rita
    decide(review, rita, Verdict.APPROVE)
    assert in_force() == ["Likes war films."]


def test_what_another_text_replaced_is_in_force_again(rita: Account) -> None:
    subject = make_end_user(make_catalog())
    old = open_review(make_round(subject, ("reason", "Likes tea."), ("reflect", "")))
    decide(old, rita, Verdict.APPROVE)
    other = make_drafts(subject, ("Likes coffee.", ""), ("Likes milk.", ""))
    decided = decide(open_review(other), rita, Verdict.APPROVE)
    assert in_force() == ["Likes coffee."]

    taken_back(decided, rita)

    assert in_force() == ["Likes tea."]


def test_choices_among_drafts_are_taken_back_one_by_one(rita: Account) -> None:
    review = open_review(make_drafts(make_end_user(make_catalog()), ("Rain.", ""), ("Sun.", "No."), ("Snow.", "")))
    before = as_it_is(review)
    edited = decide(review, rita, Verdict.EDIT, draft=0, text="Much rain.")
    after_one = as_it_is(review)
    dropped = decide(review, rita, Verdict.OVERRIDE, draft=Turn.objects.get(kind="edit").index, text="No, less.")

    taken_back(dropped, rita)
    assert as_it_is(review) == after_one
    taken_back(edited, rita)
    assert as_it_is(review) == before


def test_the_card_in_hand_stays_in_hand_and_comes_next(rita: Account, omar: Account) -> None:
    first, second, third = make_review(), make_review(), make_review()
    decided = decide(first, rita, Verdict.APPROVE)
    assert decided.next is not None
    assert decided.next.review == second

    taken_back(decided, rita)

    assert {slot.review for slot in (first.slots.get(), second.slots.get()) if slot.leased_by == rita} == {
        first,
        second,
    }
    for_omar = leases.take_next(omar, now=NOON)
    assert for_omar is not None
    assert for_omar.review == third
    later = NOON + timedelta(minutes=10)
    assert leases.renew(first, account=rita, lease_token=first.slots.get().lease_token, now=later)
    assert second.slots.get().lease_expires_at == later + leases.LEASE
    again = decide(first, rita, Verdict.REJECT, now=later)
    assert again.next is not None
    assert again.next.review == second


def test_what_a_snapshot_has_cannot_be_undone(rita: Account) -> None:
    review = make_review()
    decided = decide(review, rita, Verdict.APPROVE)
    freeze(review.round.catalog, encoder="minilm")

    with pytest.raises(CannotUndoError, match="A model was trained with it"):
        taken_back(decided, rita)

    assert in_force() == ["Likes war films."]
    assert [given.stays for given in undo.last(rita)] == ["A model was trained with it. You can decide again."]


def test_a_text_that_is_rewritten_by_now_cannot_be_taken_back(rita: Account) -> None:
    review = make_review()
    decided = decide(review, rita, Verdict.OVERRIDE, text="They dislike war films.")
    override = Turn.objects.get(kind="override")
    Turn.objects.create(
        round=review.round, index=override.index + 1, kind="refine", text="New.", text_hash="0", about=override.about
    )

    with pytest.raises(CannotUndoError, match="rewritten already"):
        taken_back(decided, rita)

    assert Decision.objects.count() == 1
    assert not Undone.objects.exists()


def test_a_worker_that_asks_about_a_note_that_is_undone_writes_nothing(rita: Account) -> None:
    from recommender.rounds import leases as workers

    review = make_review()
    decided = decide(review, rita, Verdict.OVERRIDE, text="They dislike war films.")
    (round_,) = workers.take([review.round_id], token="worker")
    taken_back(decided, rita)
    late = Turn(round=round_, index=5, kind="refine", text="New.", text_hash="0", about=round_.turns.get(index=2))

    assert workers.store([workers.Entry(round_.pk, turn=late)], token="worker") == [False]
    assert (Round.objects.get().state, Round.objects.get().rest_reason) == (RoundState.RESTING, RestReason.REASONABLE)
    assert not Turn.objects.filter(text="New.").exists()


def test_only_ones_own_last_ten_that_nobody_decided_after(rita: Account, omar: Account) -> None:
    reviews = [make_review() for _ in range(12)]
    decided = [decide(review, rita, Verdict.APPROVE) for review in reviews]
    decisions.reopen(reviews[-1], account=omar, now=NOON)
    decide(reviews[-1], omar, Verdict.REJECT)

    for one, who, why in (
        (decided[0], rita, "Only your last 10"),
        (decided[5], omar, "Only your last 10"),
        (decided[-1], rita, "omar decided about this text later"),
    ):
        with pytest.raises(CannotUndoError, match=why):
            taken_back(one, who)
    assert [bool(given.stays) for given in undo.last(rita)] == [True] + [False] * 9


def test_undoing_twice_is_refused_in_words(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("decide", review), form(review, rita, verdict="approve"))
    decision = Decision.objects.get()
    address = f"/reviews/decisions/{decision.pk}/undo/"

    first, second = (browser.post(address, follow=True) for _ in range(2))

    assert "Undone: User" in first.content.decode()
    assert Review.objects.get().state == ReviewState.OPEN
    assert "This cannot be undone." in second.content.decode()


def test_words_that_were_typed_come_back_with_the_card(rita: Account, browser_of: SignIn) -> None:
    first, second = make_review(), make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("decide", first), form(first, rita, verdict="edit", text="My own words."), headers=HTMX)
    in_hand = form(second, rita, critique="half a note") | {"review": second.pk}

    answer = browser.post(f"/reviews/decisions/{Decision.objects.get().pk}/undo/", in_hand, headers=HTMX)

    assert answer["HX-Push-Url"] == url("review", first)
    assert b">My own words.</textarea>" in answer.content
    assert b"The text that you had in hand comes next." in answer.content
    assert b">half a note</textarea>" in browser.get(url("review", second)).content

"""Reviews of rounds whose drafts were filtered: what is kept, dropped, restored, edited, and put in force."""

from typing import Any

import pytest

from recommender.models import Account, Judgement, Knowledge, RestReason, Round, RoundState
from recommender.rounds.queries import proposed
from reviews.choices import Verdict
from reviews.models import Decision, Review, ReviewState
from reviews.room import decisions, leases
from reviews.room.card import card
from reviews.room.decisions import Decided, Seen
from reviews.room.leases import Stale, StaleReviewError
from reviews.room.opening import open_review
from tests.builders import make_catalog, make_drafts, make_end_user
from tests.reviews.conftest import NOON, SignIn
from tests.reviews.forms import HTMX, start, url

RAIN, SUN, SNOW = "Likes rain.", "Likes the sun.", "Likes snow."
APPROVE, EDIT, OVERRIDE, REJECT = Verdict


@pytest.fixture
def review(db: None) -> Review:
    """Three drafts; the reflector dropped the second one."""
    subject = make_end_user(make_catalog(), "ann")
    return open_review(make_drafts(subject, (RAIN, ""), (SUN, "Contradicted by four."), (SNOW, "")))


def seen_now(review: Review) -> Seen:
    fresh = Review.objects.get(pk=review.pk)
    kept = proposed(fresh.round)
    return Seen(fresh.version, fresh.round.turns.count(), kept[0].text_hash if kept else "")


def decide(review: Review, account: Account, verdict: Verdict, **fields: Any) -> Decided:
    slot = leases.take(review, account=account, now=NOON)
    assert slot is not None
    values = {"seen": seen_now(review), "lease_token": slot.lease_token, "now": NOON} | fields
    return decisions.decide(review, account=account, verdict=verdict, **values)


def drop(review: Review, account: Account, draft: int, **fields: Any) -> Decided:
    return decide(review, account, OVERRIDE, draft=draft, judgement=Judgement.NOT_REASONABLE, **fields)


def keep(review: Review, account: Account, draft: int) -> Decided:
    return decide(review, account, OVERRIDE, draft=draft, judgement=Judgement.REASONABLE)


def in_force() -> list[list[str]]:
    rows = Knowledge.objects.filter(in_force=True).order_by("pk")
    return [[row.text, *(other["text"] for other in row.further_texts)] for row in rows]


def test_approve_puts_the_kept_drafts_in_force(rita: Account, review: Review) -> None:
    decided = decide(review, rita, APPROVE)

    review.refresh_from_db()
    assert in_force() == [[RAIN, SNOW]]
    assert (review.state, decided.decision.turn.text, decided.next) == (ReviewState.DONE, RAIN, None)


def test_dropping_and_restoring_override_the_reflector_and_leave_the_review_in_hand(
    rita: Account, review: Review
) -> None:
    first = drop(review, rita, 0, text="They walked out of two.")
    second = keep(review, rita, 1)

    review.refresh_from_db()
    assert (review.state, review.version, in_force()) == (ReviewState.OPEN, 3, [])
    assert [decided.next and decided.next.review for decided in (first, second)] == [review, review]
    overrides = review.round.turns.filter(kind="override").order_by("index")
    assert [(o.about.index, o.verdict, o.text, o.account) for o in overrides if o.about] == [
        (0, "not_reasonable", "They walked out of two.", rita),
        (1, "reasonable", "", rita),
    ]
    assert Round.objects.get().state == RoundState.RESTING
    decide(review, rita, APPROVE)
    assert in_force() == [[SUN, SNOW]]
    assert list(Decision.objects.order_by("pk").values_list("verdict", "turn__index")) == [
        ("override", 0),
        ("override", 1),
        ("approve", 1),
    ]


def test_an_edit_takes_its_drafts_place_and_waits_for_the_approval(rita: Account, review: Review) -> None:
    decide(review, rita, EDIT, draft=1, text="Likes the sun in winter.")
    assert (Review.objects.get().state, in_force()) == (ReviewState.OPEN, [])
    edit = review.round.turns.get(kind="edit")
    decide(review, rita, EDIT, draft=edit.index, text="Likes the winter sun.")

    decide(review, rita, APPROVE)
    assert in_force() == [[RAIN, "Likes the winter sun.", SNOW]]


def test_reject_puts_none_in_force_and_takes_back_what_was(rita: Account, review: Review) -> None:
    decide(review, rita, APPROVE)
    assert decisions.reopen(review, account=rita, now=NOON)
    drop(review, rita, 0)
    assert in_force() == [[RAIN, SNOW]]

    decide(review, rita, REJECT)
    assert in_force() == []


def test_when_everything_was_rejected_all_are_proposed_until_a_person_drops_some(rita: Account) -> None:
    round_ = make_drafts(make_end_user(make_catalog()), (RAIN, "No."), (SUN, "No."), (SNOW, "No."))
    review = open_review(round_)
    assert [turn.text for turn in proposed(round_)] == [RAIN, SUN, SNOW]
    drop(review, rita, 1)
    round_.refresh_from_db()
    assert ([turn.text for turn in proposed(round_)], round_.rest_reason) == ([RAIN, SNOW], RestReason.ALL_REJECTED)
    keep(review, rita, 1)
    round_.refresh_from_db()
    assert ([turn.text for turn in proposed(round_)], round_.rest_reason) == ([SUN], RestReason.KEPT)


def test_with_every_draft_dropped_nothing_can_be_approved_but_all_rejected(rita: Account, review: Review) -> None:
    for draft in (0, 2):
        drop(review, rita, draft)
    drop(review, rita, 1)
    with pytest.raises(StaleReviewError):
        decide(review, rita, APPROVE)
    decided = decide(review, rita, REJECT)
    assert (decided.decision.turn.text, Review.objects.get().state) == (RAIN, ReviewState.DONE)


def test_a_draft_that_is_not_there_any_more_cannot_be_judged(rita: Account, review: Review) -> None:
    decide(review, rita, EDIT, draft=0, text="Likes drizzle.")
    for draft in (0, 3, 99):  # replaced by the edit; a reflection; nothing
        with pytest.raises(StaleReviewError) as caught:
            drop(review, rita, draft)
        assert caught.value.stale == Stale.CHANGED


def test_what_another_change_was_based_on_is_stale(rita: Account, review: Review) -> None:
    before = seen_now(review)
    drop(review, rita, 0)
    with pytest.raises(StaleReviewError):
        decide(review, rita, APPROVE, seen=before)
    assert in_force() == []


# --- over HTTP --------------------------------------------------------------------------------------------------------


def fields(review: Review, account: Account, **chosen: Any) -> dict[str, Any]:
    """What a draft's form, or the decision panel, sends."""
    shown = card(review.pk, viewer=account, now=NOON)
    assert shown.slot is not None
    sent = {"lease_token": shown.slot.lease_token, "version": shown.review.version, "turns": len(shown.turns)}
    return sent | {"text_hash": shown.proposal.text_hash if shown.proposal else ""} | chosen


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_the_card_shows_every_draft_with_its_verdict_and_stays_while_they_are_chosen(
    rita: Account, browser_of: SignIn, review: Review, headers: dict[str, str]
) -> None:
    browser = browser_of(rita)
    page = browser.get(start(browser)).content.decode()
    assert "2 of 3 drafts kept" in page
    assert page.count("AI check: passed") == 2
    assert all(text in page for text in (RAIN, SUN, SNOW, "Contradicted by four."))

    chosen = fields(review, rita, verdict="override.2.reasonable")
    response = browser.post(url("decide", review), chosen, headers=headers, follow=True)

    page = response.content.decode()
    assert "3 of 3 drafts kept" in page
    assert "Kept by rita" in page
    assert "Draft 2 is kept." in page
    response = browser.post(url("decide", review), fields(review, rita, verdict="approve"), headers=headers)
    assert response["HX-Redirect" if headers else "Location"] == url("queue")
    assert in_force() == [[RAIN, SUN, SNOW]]


@pytest.mark.parametrize(
    ("text", "said"), [(SNOW, "You have not changed the text."), ("", "Write the text that should be used.")]
)
def test_an_edit_that_changes_nothing_comes_back_at_its_draft(
    rita: Account, browser_of: SignIn, review: Review, text: str, said: str
) -> None:
    browser = browser_of(rita)
    start(browser)
    response = browser.post(url("decide", review), fields(review, rita, verdict="edit.3", text_3=text))
    page = response.content.decode()
    assert response.status_code == 422
    third = page[page.index('id="draft-3"') : page.index('id="evidence-heading"')]
    assert said in third
    assert f">{text}</textarea>" in third
    assert page.count('aria-invalid="true"') == 1


@pytest.mark.parametrize("verdict", ["override.7.reasonable", "override.1", "override", "approve.1", "edit.x"])
def test_a_form_without_a_draft_or_a_judgement_is_refused(
    rita: Account, browser_of: SignIn, review: Review, verdict: str
) -> None:
    browser = browser_of(rita)
    start(browser)
    response = browser.post(url("decide", review), fields(review, rita, verdict=verdict))
    assert response.status_code == 422
    assert "Please press your button again." in response.content.decode()
    assert not Decision.objects.exists()


def test_a_typed_edit_survives_a_change_by_somebody_else(
    rita: Account, omar: Account, browser_of: SignIn, review: Review
) -> None:
    browser = browser_of(rita)
    start(browser)
    sent = fields(review, rita, verdict="edit.3", text_3="Likes deep snow.")
    drop(review, rita, 0)
    response = browser.post(url("decide", review), sent)
    assert response.status_code == 409
    assert "<ins>deep " in response.content.decode()
    assert ">Likes deep snow.</textarea>" in response.content.decode()

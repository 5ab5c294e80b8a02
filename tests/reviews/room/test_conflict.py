"""Two people, or one on two pages, at one card: who did what is said, and no word is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.models import Account, Catalog, Role, Statement
from reviews.models import Decision, Review, Slot
from reviews.room import leases
from reviews.room.opening import open_review
from tests.builders import make_account, make_drafts, make_end_user, make_review
from tests.reviews.room.test_statements import ann, catalog, hold, review, send, shown

__all__ = ["ann", "catalog", "review"]

pytestmark = pytest.mark.django_db
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["htmx", "plain"])


@pytest.fixture
def bob() -> Account:
    return make_account("bob", role=Role.ANNOTATOR)


@pytest.fixture
def further(catalog: Catalog) -> Review:
    """Something to go on with."""
    return make_review(subject=make_end_user(catalog))


def decide(browser: Client, seen: Any, verdict: str, *, script: bool = True, **fields: str) -> Any:
    fields |= {"although": "The three are not typical."} if verdict == "approve" else {}
    return send(browser, seen, "decide", script=script, verdict=verdict, shown_at=seen.now.isoformat(), **fields)


def free(review: Review) -> None:
    """The hold runs out."""
    Slot.objects.filter(review=review).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def said(answer: Any) -> str:
    """The notice of a page that says that something came too late."""
    assert answer.status_code == 409
    page: str = answer.content.decode()
    return page[page.index('<div class="notice is-warn') :].split("</div>")[0]


def point(seen: Any, aspect: str) -> Statement:
    row: Statement = next(one.row for one in seen.statements if one.aspect == aspect)
    return row


@SCRIPT
def test_who_decided_on_another_page_is_told_that_it_was_them_and_can_decide_again_with_their_words(
    review: Review, further: Review, ann: Account, script: bool
) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    assert decide(browser, seen, "approve").status_code == 200

    late = decide(browser, seen, "edit", script=script, text="They adore westerns.")

    notice = said(late)
    assert "You have decided this already" in notice
    assert "You pressed “Save and approve”. That was not taken. What you typed is kept." in notice
    assert "Approved</span> <span>You, " in notice
    assert "Somebody" not in late.content.decode()
    assert late.content.decode().count("Decide again</button>") == 1
    browser.post(reverse("reviews:reopen", args=[review.pk]))
    assert shown(review, ann).unsent["text"].text == "They adore westerns."
    assert decide(browser, shown(review, ann), "edit", text="They adore westerns.").status_code == 200
    assert list(Decision.objects.order_by("pk").values_list("verdict", flat=True)) == ["approve", "edit"]


def test_what_somebody_else_decided_is_said_with_name_verdict_and_reason(
    review: Review, further: Review, ann: Account, bob: Account
) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    free(review)
    other = hold(review, bob)
    decide(other, shown(review, bob), "reject", reason="It is about somebody else.")

    late = decide(browser, seen, "override", critique="Musicals are not named.")

    notice = said(late)
    assert "bob has decided this already" in notice
    assert "Rejected</span> <span>bob, " in notice
    assert "It is about somebody else." in notice
    assert "A lead can open it again. What you typed stays on its page" in notice
    assert "Next text" in late.content.decode()
    assert "Decide again" not in late.content.decode()
    assert shown(review, ann).unsent["critique"].text == "Musicals are not named."


def test_a_lead_whose_decision_came_late_can_decide_again(review: Review, ann: Account) -> None:
    lead = make_account("lena", role=Role.LEAD)
    browser, seen = hold(review, lead), shown(review, lead)
    free(review)
    decide(hold(review, ann), shown(review, ann), "reject")
    late = decide(browser, seen, "approve")
    assert "ann has decided this already" in said(late)
    assert "Decide again</button>" in late.content.decode()


@SCRIPT
@pytest.mark.parametrize(
    ("verdict", "typed"),
    [
        ("approve", {}),
        ("edit", {"text": "They adore westerns."}),
        ("override", {"critique": "Musicals are not named."}),
        ("reject", {"reason": "No."}),
    ],
)
def test_a_second_press_of_the_same_is_taken_once_and_goes_on(
    review: Review, further: Review, ann: Account, script: bool, verdict: str, typed: dict[str, str]
) -> None:
    """Without a script nothing in the browser keeps a double click from being sent twice."""
    browser, seen = hold(review, ann), shown(review, ann)
    answers = [decide(browser, seen, verdict, script=script, **typed) for _ in range(2)]
    assert [answer.status_code for answer in answers] == ([200, 200] if script else [302, 302])
    if not script:
        assert [answer["Location"] for answer in answers] == [reverse("reviews:review", args=[further.pk])] * 2
    assert Decision.objects.count() == 1
    assert not shown(review, ann).unsent


def test_of_two_drafts_on_one_sight_of_a_page_the_second_is_no_second_press(catalog: Catalog, ann: Account) -> None:
    """Without a script both buttons may be pressed before the page is there anew."""
    drafts = make_drafts(make_end_user(catalog), ("Likes rain.", ""), ("Likes sun.", ""), ("Likes snow.", ""))
    review = open_review(drafts)
    browser, seen = hold(review, ann), shown(review, ann)
    first, second = (
        decide(browser, seen, f"override.{draft}.not_reasonable", script=False, reason="") for draft in (1, 2)
    )
    assert first.status_code == 302
    assert "You pressed “Drop draft 2”. That was not taken." in said(second)
    assert [draft.is_kept for draft in shown(review, ann).drafts] == [False, True, True]


def test_the_same_verdict_with_other_words_is_no_second_press(review: Review, further: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    decide(browser, seen, "reject", reason="No.")
    assert "You have decided this already" in said(decide(browser, seen, "reject", reason="It is about a neighbour."))
    assert shown(review, ann).unsent["reason"].text == "It is about a neighbour."


def test_points_that_somebody_else_struck_changed_and_added_are_told_before_anything_is_approved(
    review: Review, ann: Account, bob: Account
) -> None:
    """The hold ran out, and what is on the screen is not what the text says any more."""
    browser, seen = hold(review, ann), shown(review, ann)
    free(review)
    other = hold(review, bob)
    send(other, shown(review, bob), "change_statement", of=point(seen, "Drama").pk, say="dislikes")
    send(other, shown(review, bob), "change_statement", of=point(seen, "Musical").pk, say="strike")
    send(other, shown(review, bob), "add_statement", statement="No more westerns from before 1950, please.")
    leases.release(review, account=bob)

    late = decide(browser, seen, "approve")

    notice = said(late)
    assert "bob has changed something here since you read it" in notice
    assert [what in notice for what in ("Changed", "Struck", "Added")] == [True] * 3
    assert "dislikes Drama" in notice
    assert "dislikes Musical" in notice
    assert not Decision.objects.exists()
    assert send(browser, shown(review, ann), "decide", verdict="approve").status_code == 200


def test_a_point_that_one_struck_on_another_page_is_told_as_ones_own(review: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    send(browser, seen, "change_statement", of=point(seen, "Drama").pk, say="strike")
    assert "You have changed something here since you read it" in said(decide(browser, seen, "approve"))
    # To strike it again is nothing new.
    before = Review.objects.get(pk=review.pk).version
    send(browser, seen, "change_statement", of=point(seen, "Drama").pk, say="strike")
    assert Review.objects.get(pk=review.pk).version == before


def test_what_is_typed_beside_a_point_that_one_changes_is_not_called_old(review: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    answer = send(
        browser, seen, "change_statement", of=point(seen, "Drama").pk, say="strike", critique="Musicals are missing."
    )
    assert b"Musicals are missing." in answer.content
    assert b"You typed this before the text changed" not in answer.content


def test_a_point_that_was_changed_on_another_page_is_shown_as_it_is(review: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    drama = point(seen, "Drama").pk
    send(browser, seen, "change_statement", of=drama, say="dislikes")
    late = send(browser, seen, "change_statement", of=drama, say="mixed", critique="Musicals are missing.")
    assert late.status_code == 409
    assert "You changed that point meanwhile: it is as you see it now." in late.content.decode()
    assert "Take it first" not in late.content.decode()
    assert shown(review, ann).unsent["critique"].text == "Musicals are missing."


def test_who_reads_the_text_now_is_named(review: Review, ann: Account, bob: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    free(review)
    hold(review, bob)
    notice = said(decide(browser, seen, "edit", text="They adore westerns."))
    assert "bob is reading this now" in notice
    assert "If it is left undecided it is free again, with what you typed." in notice


def test_a_text_that_one_took_again_on_another_page_can_be_decided_on_either(review: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    leases.release(review, account=ann)
    hold(review, ann)
    assert decide(browser, seen, "approve").status_code == 200
    assert Decision.objects.count() == 1


def test_an_undo_writes_over_nothing_that_was_typed_since(review: Review, further: Review, ann: Account) -> None:
    browser, seen = hold(review, ann), shown(review, ann)
    decide(browser, seen, "edit", text="They adore westerns.")
    decide(browser, seen, "edit", text="They adore westerns and nothing else.")

    undone = browser.post(reverse("reviews:undo", args=[Decision.objects.get().pk]), headers={"HX-Request": "true"})

    assert shown(review, ann).unsent["text"].text == "They adore westerns and nothing else."
    assert "What you had sent was: “They adore westerns.”" in undone.content.decode()


def test_ones_own_later_decision_is_what_keeps_an_earlier_one(review: Review, ann: Account) -> None:
    browser = hold(review, ann)
    decide(browser, shown(review, ann), "reject")
    browser.post(reverse("reviews:reopen", args=[review.pk]))
    decide(browser, shown(review, ann), "approve")
    page = browser.get(reverse("reviews:last")).content.decode()
    assert "You decided about this text later." in page
    assert "Somebody" not in page

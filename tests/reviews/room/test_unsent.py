"""No POST discards a field that a person typed into: it takes it along, refuses, or keeps it on the server."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import Account
from reviews.models import Decision, Review, ReviewState, Skip, Unsent
from reviews.room.opening import open_review
from tests.builders import make_catalog, make_drafts, make_end_user, make_review
from tests.reviews.conftest import SignIn
from tests.reviews.forms import HTMX, form, start, url
from worker import tasks

TYPED = {"text": "My own words.", "critique": "A note.", "reason": "Why not."}
TELLS = {"approve": set(), "edit": {"text", "reason"}, "override": {"critique"}, "reject": {"reason"}}


def words() -> dict[str, str]:
    return dict(Unsent.objects.values_list("field", "text"))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("field", TYPED)
@pytest.mark.parametrize("verdict", TELLS)
def test_a_verdict_takes_along_what_was_typed_or_is_refused(
    rita: Account, browser_of: SignIn, verdict: str, field: str, headers: dict[str, str]
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    own = {name: TYPED[name] for name in TELLS[verdict]}
    sent = form(review, rita, verdict=verdict, **own | {field: TYPED[field]})

    answer = browser.post(url("decide", review), sent, headers=headers)

    if field in TELLS[verdict]:
        assert answer.status_code == (200 if headers else 302)
        assert words() == {}
        return
    assert answer.status_code == 422
    assert not Decision.objects.exists()
    assert f'id="error-{field}"' in answer.content.decode()
    assert words() == own | {field: TYPED[field]}
    for text in words().values():
        assert f">{text}</textarea>" in browser.get(url("review", review)).content.decode()


def test_a_text_that_went_back_to_an_earlier_draft_is_typed_too(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)

    answer = browser.post(url("decide", review), form(review, rita, verdict="approve", text="Likes films."))

    assert answer.status_code == 422


@pytest.mark.parametrize("nothing", ["", " \r\n", "\u200b\u2060", "Likes war films.\r\n"])
def test_an_untouched_or_emptied_box_is_in_nobodys_way(rita: Account, browser_of: SignIn, nothing: str) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)

    assert browser.post(url("decide", review), form(review, rita, verdict="approve", text=nothing)).status_code == 302


@pytest.mark.parametrize("name", ["skip", "release", "keep_unsent"])
def test_leaving_a_card_keeps_its_words(rita: Account, browser_of: SignIn, name: str) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)

    browser.post(url(name, review), form(review, rita, **TYPED))

    assert words() == TYPED
    assert Skip.objects.exists() == (name == "skip")


def test_words_are_ones_own_and_go_when_they_are_sent_or_emptied(
    rita: Account, omar: Account, browser_of: SignIn
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    kept = browser.post(url("keep_unsent", review), form(review, rita, **TYPED)).json()
    assert (kept["kept"], bool(kept["at"])) == (["critique", "reason", "text"], True)
    assert b"My own words." not in browser_of(omar).get(url("review", review)).content

    browser.post(url("keep_unsent", review), form(review, rita, text=TYPED["text"], critique=" "))
    assert words() == {"text": TYPED["text"]}
    browser.post(url("decide", review), form(review, rita, verdict="edit", text=TYPED["text"]))
    assert words() == {}


def test_words_that_arrive_after_they_were_sent_are_not_kept_again(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    late = form(review, rita, text=TYPED["text"])
    browser.post(url("decide", review), late | {"verdict": "edit"})

    assert browser.post(url("keep_unsent", review), late).json() == {"kept": [], "at": None}
    assert words() == {}


def test_words_for_one_draft_outlive_the_decision_about_another(rita: Account, browser_of: SignIn) -> None:
    review = open_review(make_drafts(make_end_user(make_catalog()), ("Rain.", ""), ("Sun.", "No."), ("Snow.", "")))
    browser = browser_of(rita)
    start(browser)
    typed = {"text_1": "Rain.", "text_3": "Deep snow.", "critique_1": "Too short."}

    dropped = form(review, rita, verdict="override.1.not_reasonable", **typed)
    answer = browser.post(url("decide", review), dropped, headers=HTMX)

    assert b">Deep snow.</textarea>" in answer.content
    assert Decision.objects.get().made_turn.text == "Too short."  # type: ignore[union-attr]
    assert words() == {"text_3": "Deep snow."}
    refused = browser.post(url("decide", review), form(review, rita, verdict="approve", text_3="Deep snow."))
    assert refused.status_code == 422
    assert b'id="error-text_3"' in refused.content


def test_what_somebody_else_decided_about_keeps_the_words_until_they_are_discarded(
    rita: Account, browser_of: SignIn
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    sent = form(review, rita, verdict="edit", text=TYPED["text"])
    Review.objects.update(state=ReviewState.DONE, version=2)

    assert browser.post(url("decide", review), sent).status_code == 409
    page = browser.get(url("review", review)).content.decode()
    assert "What you typed" in page
    assert "My own words.</textarea>" in page
    browser.post(url("discard_unsent", review))
    assert words() == {}


def test_words_that_others_decided_about_go_after_a_while_and_all_others_stay(
    rita: Account, omar: Account, settings: Any
) -> None:
    """Thirty days after the decision, however long before they were typed; for an open text they stay."""
    now = timezone.now()
    ages = {"gone": (40, 31), "decided lately": (40, 29), "open": (400, None), "typed lately": (1, 31)}
    for name, (typed, decided) in ages.items():
        review = make_review()
        if decided:
            Review.objects.filter(pk=review.pk).update(state=ReviewState.DONE, closed_at=now - timedelta(days=decided))
        for account in (rita, omar):
            saved = {"version": 1, "saved_at": now - timedelta(days=typed)}
            Unsent.objects.create(account=account, review=review, field="text", text=name, **saved)
    settings.KEEP_UNSENT_DAYS = 0
    tasks.clear_accounts()
    assert Unsent.objects.count() == 8
    settings.KEEP_UNSENT_DAYS = 30
    tasks.clear_accounts()
    assert set(Unsent.objects.values_list("text", flat=True)) == set(ages) - {"gone"}
    assert Unsent.objects.count() == 6

"""The pages over HTTP, as plain forms and by htmx: what they do, show and keep."""

import pytest

from recommender.models import Account, Knowledge, Round, RoundState
from reviews.choices import Concern
from reviews.models import Decision, Review, ReviewState, Skip, Unsent
from reviews.room import leases, opening
from tests.builders import make_catalog, make_end_user, make_item, make_review
from tests.reviews.conftest import NOON, SignIn
from tests.reviews.forms import HTMX, form, start, url


@pytest.mark.parametrize(
    ("verdict", "fields", "in_force", "state"),
    [
        ("approve", {}, ["Likes war films."], ReviewState.DONE),
        ("edit", {"text": "Likes old\r\nwar films. "}, ["Likes old\nwar films."], ReviewState.DONE),
        ("override", {"critique": "They dislike war."}, [], ReviewState.AWAITING_ACTOR),
        ("reject", {"reason": "No."}, [], ReviewState.DONE),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_the_four_verdicts_go_on_to_the_next_card(
    rita: Account,
    browser_of: SignIn,
    verdict: str,
    fields: dict[str, str],
    in_force: list[str],
    state: str,
    headers: dict[str, str],
) -> None:
    first, second = make_review(), make_review(subject=make_item(make_catalog(), "Casablanca"))
    browser = browser_of(rita)
    assert start(browser) == url("review", first)

    response = browser.post(url("decide", first), form(first, rita, verdict=verdict, **fields), headers=headers)

    first.refresh_from_db()
    assert first.state == state
    assert list(Knowledge.objects.filter(in_force=True).values_list("text", flat=True)) == in_force
    assert second.slots.get().leased_by == rita
    if headers:
        assert response.status_code == 200
        assert response["HX-Push-Url"] == url("review", second)
        assert b"<h1" in response.content
        assert b"Casablanca" in response.content
        assert b"<html" not in response.content
    else:
        assert (response.status_code, response["Location"]) == (302, url("review", second))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_after_the_last_review_comes_the_queue(rita: Account, browser_of: SignIn, headers: dict[str, str]) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)

    response = browser.post(url("decide", review), form(review, rita, verdict="approve"), headers=headers)

    assert response["HX-Redirect" if headers else "Location"] == url("queue")
    queue = browser.get(url("queue")).content
    assert b"All done" in queue
    assert b"Approved: User " in queue


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"verdict": "edit", "text": "  "}, "Write the text that should be used."),
        ({"verdict": "edit"}, "You have not changed the text."),
        ({"verdict": "override", "critique": " "}, "Write what should change."),
        ({"verdict": "edit", "text": "nul \0 inside"}, "Null characters are not allowed."),
        ({"verdict": "burn"}, "Please press your button again."),
        ({"verdict": "approve", "version": "x"}, "Please press your button again."),
    ],
    ids=["empty edit", "unchanged edit", "empty critique", "nul", "unknown verdict", "tampered"],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_an_invalid_form_comes_back_with_422_and_what_was_typed(
    rita: Account, browser_of: SignIn, fields: dict[str, str], message: str, headers: dict[str, str]
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)

    response = browser.post(
        url("decide", review), form(review, rita, **{"reason": "typed already"} | fields), headers=headers
    )

    assert response.status_code == 422
    assert message in response.content.decode()
    assert b"typed already" in response.content
    assert (b"<html" in response.content) != bool(headers)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_submit_after_somebody_else_decided_answers_409_and_keeps_the_typed_text(
    rita: Account, omar: Account, browser_of: SignIn, headers: dict[str, str]
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    typed = form(review, rita, verdict="edit", text="My own words")
    Review.objects.update(state=ReviewState.DONE, version=2)

    response = browser.post(url("decide", review), typed, headers=headers)

    assert response.status_code == 409
    assert b"This is decided already" in response.content
    assert b"My own words" in response.content
    assert not Decision.objects.exists()


def test_after_a_changed_text_the_409_page_can_be_sent_again(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    typed = form(review, rita, verdict="edit", text="My own words")
    Review.objects.update(version=5)

    stale = browser.post(url("decide", review), typed, headers=HTMX)
    again = form(Review.objects.get(), rita, verdict="edit", text="My own words")
    accepted = browser.post(url("decide", review), again, headers=HTMX)

    assert stale.status_code == 409
    assert b"The text has changed since you read it" in stale.content
    assert b'name="version" value="5"' in stale.content
    assert b"<ins>My own words</ins>" in stale.content
    assert accepted.status_code == 200
    assert Knowledge.objects.get(in_force=True).text == "My own words"


def test_a_stale_approval_does_not_offer_the_old_proposal_as_typed_text(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    sent = form(review, rita, verdict="approve")
    Review.objects.update(version=5)

    response = browser.post(url("decide", review), sent, headers=HTMX)

    assert response.status_code == 409
    assert b"What you typed" not in response.content
    assert b"to your text" not in response.content


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_skipping_goes_on_to_the_next_card(rita: Account, browser_of: SignIn, headers: dict[str, str]) -> None:
    first, second = make_review(), make_review()
    browser = browser_of(rita)
    start(browser)

    response = browser.post(url("skip", first), headers=headers)

    assert response["HX-Push-Url" if headers else "Location"] == url("review", second)
    first.refresh_from_db()
    assert first.state == ReviewState.OPEN
    assert not Decision.objects.exists()


def test_skipped_reviews_are_offered_again_on_request(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("skip", review))
    assert b"Only texts you skipped are left" in browser.get(url("queue")).content

    assert browser.post(url("unskip"))["Location"] == url("review", review)


def test_starting_with_nothing_to_do_says_so(rita: Account, browser_of: SignIn) -> None:
    response = browser_of(rita).post(url("start"), follow=True)

    assert b"There is nothing to review right now." in response.content


def test_the_heartbeat_renews_and_says_when_the_hold_is_lost(rita: Account, omar: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    token = review.slots.get().lease_token

    kept = browser.post(url("renew", review), {"lease_token": token}, headers=HTMX)
    review.slots.update(leased_by=omar, lease_token="omar's")
    lost = browser.post(url("renew", review), {"lease_token": token}, headers=HTMX)
    plain = browser.post(url("renew", review), {"lease_token": token})

    assert kept.status_code == 200
    assert b"Yours until" in kept.content
    assert lost.status_code == 409
    assert b"This text is not yours any more" in lost.content
    assert plain.status_code == 302


def test_a_review_that_another_holds_can_be_read_but_not_decided(
    rita: Account, omar: Account, browser_of: SignIn
) -> None:
    review = make_review()
    start(browser_of(rita))
    browser = browser_of(omar)

    page = browser.get(url("review", review)).content
    claimed = browser.post(url("claim", review), follow=True).content

    assert b"rita is reading this" in page
    assert b'id="decision"' not in page
    assert b"rita was faster and has this text now" in claimed


def test_taking_and_letting_go_of_a_review_chosen_from_the_list(rita: Account, browser_of: SignIn) -> None:
    _, second = make_review(), make_review()
    browser = browser_of(rita)
    assert b"Review this one" in browser.get(url("review", second)).content

    taken = browser.post(url("claim", second), follow=True)
    released = browser.post(url("release", second), follow=True)

    assert b'id="decision"' in taken.content
    assert b"Stopped. The text is free for others." in released.content
    assert second.slots.get().leased_by is None


def test_an_annotator_reopens_their_own_decision_and_a_lead_any(
    rita: Account, omar: Account, lena: Account, browser_of: SignIn
) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("decide", review), form(review, rita, verdict="approve"))

    refused = browser_of(omar).post(url("reopen", review), follow=True)
    assert b"You cannot decide this again" in refused.content
    for account in (rita, lena):
        Review.objects.update(state=ReviewState.DONE)
        leases.release(review, account=rita)
        reopened = browser_of(account).post(url("reopen", review), follow=True)
        assert b"You can decide again." in reopened.content
        assert b'id="decision"' in reopened.content


def test_titles_and_texts_are_escaped(rita: Account, browser_of: SignIn) -> None:
    evil = "<script>alert('x')</script>"
    end_user = make_end_user(make_catalog(), evil)
    review = make_review(
        ("reason", evil), ("reflect", evil), ("refine", f"{evil} & more"), ("reflect", evil), subject=end_user
    )
    stored = Round.objects.get()
    stored.evidence["history"][0]["title"] = evil
    stored.save(update_fields=["evidence"])
    browser = browser_of(rita)
    start(browser)

    for response in (browser.get(url("review", review)), browser.get(url("queue"))):
        assert b"<script>alert" not in response.content
        assert b"&lt;script&gt;alert" in response.content


def test_the_queue_tells_its_empty_states_apart(rita: Account, omar: Account, browser_of: SignIn) -> None:
    browser = browser_of(rita)
    assert b"All done" in browser.get(url("queue")).content

    review = make_review()
    start(browser_of(omar))
    assert b"Everything left is in other hands" in browser.get(url("queue")).content

    Review.objects.filter(pk=review.pk).update(state=ReviewState.AWAITING_ACTOR)
    assert b"Texts are being rewritten" in browser.get(url("queue")).content


def test_the_queue_is_filtered_by_catalog_subject_and_state(rita: Account, browser_of: SignIn) -> None:
    films, books = make_catalog("films"), make_catalog("books")
    make_review(subject=make_end_user(films, "ann"))
    make_review(subject=make_item(films, "Casablanca"))
    done = make_review(subject=make_item(books, "Middlemarch"))
    Review.objects.filter(pk=done.pk).update(state=ReviewState.DONE, closed_at=NOON)
    browser = browser_of(rita)

    def shown(query: str) -> list[str]:
        page = browser.get(f"{url('queue')}?{query}").content.decode()
        return [title for title in ("User ann", "Casablanca", "Middlemarch") if f">{title}<" in page]

    assert shown("") == ["User ann", "Casablanca"]
    assert shown("kind=item") == ["Casablanca"]
    assert shown("catalog=books") == []
    assert shown("catalog=books&state=done") == ["Middlemarch"]
    assert shown("catalog=nonsense&page=-3") == ["User ann", "Casablanca"]


def test_the_card_shows_refinements_as_changes_or_as_plain_text(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)

    changes = browser.get(url("review", review)).content
    plain = browser.get(url("review", review) + "?diff=plain").content

    assert b"<ins>war </ins>" in changes
    assert b"<ins>" not in plain


def test_a_round_back_from_an_override_shows_the_persons_critique(rita: Account, browser_of: SignIn) -> None:
    review = make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("decide", review), form(review, rita, verdict="override", critique="They dislike war."))
    assert b"Being rewritten" in browser.get(url("review", review)).content

    Round.objects.update(state=RoundState.RESTING)
    opening.open_review(review.round)

    page = browser.get(url("review", review)).content.decode()
    assert "Note by a person" in page
    assert "They dislike war." in page


def test_the_queue_names_a_disputed_text_so_on_every_width_and_says_what_comes_first(
    rita: Account, browser_of: SignIn
) -> None:
    review = make_review()
    Review.objects.filter(pk=review.pk).update(concern=Concern.DISPUTED)
    page = browser_of(rita).get("/reviews/").content.decode()
    row = page[page.index(url("review", review)) :]
    assert "Disputed" in row[: row.index("wide-only")]
    assert "first those that a user disputes" in page


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_card_that_was_skipped_by_mistake_is_taken_again(
    rita: Account, browser_of: SignIn, headers: dict[str, str]
) -> None:
    first, second = make_review(), make_review()
    browser = browser_of(rita)
    start(browser)
    skipped = browser.post(url("skip", first), form(first, rita), headers=headers)
    if headers:  # by a key of its own, not that which undoes the decision before
        assert f'formaction="{url("claim", first)}" data-shortcut="z"' in skipped.content.decode()

    back = browser.post(url("claim", first), form(second, rita, critique="Half a note.") | {"review": second.pk})

    assert back["Location"] == url("review", first)
    assert b'id="decision"' in browser.get(url("review", first)).content
    assert not Skip.objects.exists()
    assert Unsent.objects.get().text == "Half a note."


def test_the_queue_offers_what_was_skipped(rita: Account, browser_of: SignIn) -> None:
    first, _ = make_review(), make_review()
    browser = browser_of(rita)
    start(browser)
    browser.post(url("skip", first), form(first, rita))
    page = browser.get(url("queue")).content.decode()
    assert "You skipped 1 in the last hour." in page
    browser.post(url("unskip"))
    assert "You skipped" not in browser.get(url("queue")).content.decode()


@pytest.mark.parametrize("address", ["/reviews/", "/reviews/last/", "/reviews/said/", "/guidelines/"])
def test_every_page_of_the_room_lists_its_keys(rita: Account, browser_of: SignIn, address: str) -> None:
    page = browser_of(rita).get(address).content.decode()
    assert 'id="shortcuts"' in page
    assert "data-shortcuts-open" in page
    assert "review.js" in page

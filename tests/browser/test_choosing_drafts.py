"""Choosing among filtered drafts in a real browser, by key."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Account, Knowledge
from reviews.models import Decision, Review
from reviews.room.opening import open_review
from tests.browser.test_reviewing import ready, sign_in
from tests.builders import make_account, make_catalog, make_drafts, make_end_user, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

expect.set_options(timeout=15_000)  # ms; a busy machine is slow, not wrong

RAIN = (
    "Of the 8 entries with an opinion 5 ended well. This person looks for quiet dramas that take their time: three of "
    "four were rated high. War films are left aside. The end of the history shows where they stand now."
)
SUN = (
    "This person loves every comedy there is, and will follow a comedian anywhere. Whatever is set in summer wins "
    "them over at once."
)
SNOW = (
    "Nothing was received better than slow films about weather. Crime stories meet with mixed feelings: two liked, two "
    "not. Westerns were tried once and were not tried again."
)


@pytest.fixture
def rita(broker: str) -> Account:
    return make_account("rita")


@pytest.fixture
def card(page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account) -> Page:
    """Rita at a card with three drafts, the second of them dropped by the reflector. Another review waits."""
    catalog = make_catalog("films")
    critique = "Two of the three comedies were rated low, and nothing in the history is set in summer."
    open_review(make_drafts(make_end_user(catalog, "user-0"), (RAIN, ""), (SUN, critique), (SNOW, "")))
    make_review(subject=make_end_user(catalog, "user-1"))
    sign_in(browser_context, live_server, rita)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page)
    return page


def badge(card: Page) -> str:
    return card.locator("#proposal-heading + .badge").inner_text()


def test_drafts_are_dropped_kept_edited_and_approved_by_keyboard_alone(card: Page) -> None:
    keys = card.keyboard
    assert badge(card) == "2 of 3 drafts kept"

    keys.press("2")
    expect(card.locator("#draft-2")).to_contain_text("Kept by rita")
    ready(card)
    expect(card.locator("#draft-2")).to_be_focused()
    expect(card.locator("#live-status")).to_have_text("Draft 2 is kept.")

    keys.press("e")  # the draft that has the focus
    expect(card.locator("#id_text_2")).to_be_focused()
    keys.press("Control+A")
    keys.type("Likes some comedies.")
    keys.press("Control+Enter")
    expect(card.locator("#draft-2")).to_contain_text("Edited by rita")
    ready(card)
    expect(card.locator("#draft-2")).to_be_focused()

    keys.press("1")
    expect(card.locator("#id_critique_1")).to_be_focused()
    keys.type("War films were never tried.")
    keys.press("Control+Enter")
    expect(card.locator("#draft-1")).to_contain_text("War films were never tried.")
    assert badge(card) == "2 of 3 drafts kept"
    ready(card)

    keys.press("a")
    ready(card, "User user-1")
    known = Knowledge.objects.get(in_force=True)
    assert [known.text, *(other["text"] for other in known.further_texts)] == ["Likes some comedies.", SNOW]
    assert list(Decision.objects.order_by("pk").values_list("verdict", flat=True)) == [
        "override",
        "edit",
        "override",
        "approve",
    ]


def test_each_key_is_listed_once(card: Page) -> None:
    card.keyboard.press("Shift+?")
    expect(card.locator("#shortcuts dt")).to_have_text(
        ["g", "s", "1", "2", "3", "e", "d", "a", "x", "Ctrl ⏎", "Esc", "?"]
    )


def test_a_typed_edit_survives_a_reload_at_its_own_draft(card: Page) -> None:
    card.locator("#draft-3").focus()
    card.keyboard.press("e")
    card.keyboard.press("Control+A")
    card.keyboard.type("Likes snow.")
    card.reload()
    expect(card.locator("#id_text_3")).to_have_value("Likes snow.")
    expect(card.locator("#id_text_1")).to_have_value(RAIN)


def test_all_can_be_rejected_by_key(card: Page) -> None:
    card.keyboard.press("x")
    card.keyboard.press("Control+Enter")
    ready(card, "User user-1")
    assert not Knowledge.objects.exists()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_card_fits_and_its_drafts_can_be_reached(card: Page, width: int) -> None:
    card.set_viewport_size({"width": width, "height": 900})
    assert card.evaluate("document.documentElement.scrollWidth") <= width
    for number in (1, 2, 3):
        card.locator(f"#draft-{number}").scroll_into_view_if_needed()
        expect(card.locator(f"#draft-{number} .verdicts")).to_be_visible()
    if folder := os.environ.get("R4_SCREENSHOTS"):
        card.evaluate("scrollTo(0, 0)")
        card.screenshot(path=Path(folder) / f"drafts-{width}.png", full_page=True)
    assert Review.objects.count() == 2

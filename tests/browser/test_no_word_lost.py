"""No typed word is lost and nothing is decided unread: in a real browser, by mouse, key, touch and without a script."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Account, Catalog, Knowledge
from reviews.models import Decision, Review, ReviewState, Unsent
from reviews.room import guidelines
from reviews.room.opening import open_review
from tests.browser.test_reviewing import card, catalog, ready, reviews, rita, sign_in, verdicts
from tests.builders import make_drafts, make_end_user, make_item, make_review

__all__ = ["card", "catalog", "reviews", "rita"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = "Likes films about the sea."


def saved(page: Page) -> None:
    expect(page.locator("[data-saved]").filter(has_text="Saved")).to_have_count(1)


def test_the_green_button_above_an_open_box_sends_nothing_past_it(card: Page) -> None:
    card.click("summary:has-text('Edit')")
    card.fill("#id_text", WORDS)
    card.wait_for_function(  # colours change in a moment
        """() => [...document.querySelectorAll("#decision .btn")].filter((e) => e.checkVisibility())
             .filter((e) => getComputedStyle(e).backgroundColor === "rgb(13, 107, 98)").map((e) => e.value)
             .join() === "edit" """
    )

    card.click("button[value=approve]")

    expect(card.locator("#live-status")).to_contain_text("You have typed something: send it, or empty it first.")
    expect(card.locator("#id_text")).to_have_value(WORDS)
    assert verdicts() == []
    card.click("button[value=edit]")
    ready(card, "User user-1")
    assert list(Knowledge.objects.values_list("text", flat=True)) == [WORDS]


def test_a_box_that_was_closed_with_words_in_it_is_not_passed_over(card: Page) -> None:
    card.keyboard.press("e")
    card.locator("#id_text").fill(WORDS)
    card.keyboard.press("Escape")
    expect(card.locator("details.is-typed summary")).to_contain_text("Edit")
    card.keyboard.press("o")
    card.keyboard.type("War films are missing.")
    card.keyboard.press("Control+Enter")

    expect(card.locator("#live-status")).to_contain_text("You have typed something")
    expect(card.locator("#id_text")).to_be_visible()
    assert verdicts() == []


def test_without_a_script_the_server_refuses_and_gives_the_words_back(
    browser: Browser, live_server: LiveServer, rita: Account, reviews: list[Review]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    sign_in(context, live_server, rita)
    page = context.new_page()
    page.goto(f"{live_server.url}/reviews/")
    page.click("text=Start reviewing")
    page.click("summary:has-text('Send back')")
    page.fill("#id_critique", "War films are missing.")

    page.click("button[value=approve]")

    assert page.locator("#error-critique").inner_text() == "You typed this too. Send it, or empty it before you go on."
    assert page.input_value("#id_critique") == "War films are missing."
    page.click("button[formaction$='/skip/']")
    page.goto(f"{live_server.url}/reviews/{reviews[0].pk}/")
    page.click("text=Review this one")
    assert page.input_value("#id_critique") == "War films are missing."
    context.close()


def test_words_survive_a_closed_tab_another_device_and_a_new_version(
    card: Page, browser: Browser, browser_context: BrowserContext, live_server: LiveServer, rita: Account
) -> None:
    address = card.url
    card.keyboard.press("e")
    card.locator("#id_text").fill(WORDS)
    saved(card)
    card.close()
    Review.objects.filter(round__end_user__external_id="user-0").update(version=7)

    other = browser.new_context(viewport={"width": 390, "height": 844})
    sign_in(other, live_server, rita)
    page = other.new_page()
    page.goto(address)
    ready(page)

    expect(page.locator("#id_text")).to_have_value(WORDS)
    expect(page.locator("#id_text")).to_be_visible()
    expect(page.get_by_text("You typed this before the text changed.")).to_be_visible()
    page.click("button[value=edit]")
    ready(page, "User user-1")
    assert not Unsent.objects.exists()
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('unsent'))") == []
    assert verdicts() == [("edit", "user-0")]
    other.close()


def test_words_outlive_somebody_elses_decision_and_can_be_discarded(card: Page) -> None:
    card.keyboard.press("e")
    card.locator("#id_text").fill(WORDS)
    Review.objects.update(state=ReviewState.DONE, version=2)
    card.keyboard.press("Control+Enter")
    expect(card.locator(".notice h2")).to_have_text("This is decided already")

    card.reload()

    expect(card.get_by_text("What you typed", exact=True)).to_be_visible()
    expect(card.locator("textarea[readonly]")).to_have_value(WORDS)
    card.get_by_role("button", name="Discard it").click()
    expect(card.get_by_text("What you had typed is discarded.")).to_be_visible()
    expect(card.locator("textarea[readonly]")).to_have_count(0)


def test_words_for_several_drafts_stay_while_others_are_decided(
    page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, catalog: Catalog
) -> None:
    open_review(make_drafts(make_end_user(catalog), ("Likes rain.", ""), ("Likes sun.", ""), ("Likes snow.", "")))
    sign_in(browser_context, live_server, rita)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page)
    page.locator("#draft-3").focus()
    page.keyboard.press("e")
    page.locator("#id_text_3").fill("Likes deep snow.")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#draft-1")).to_contain_text("Dropped by rita")
    ready(page)
    expect(page.locator("#id_text_3")).to_have_value("Likes deep snow.")
    page.keyboard.press("a")
    expect(page.locator("#live-status")).to_contain_text("You have typed something")
    assert [verdict for verdict, _ in verdicts()] == ["override"]


@pytest.mark.parametrize("pause", [0, 150, 250, 400])
@pytest.mark.parametrize("how", ["key", "click"])
def test_two_presses_decide_one_card(card: Page, how: str, pause: int) -> None:
    # By the page's own clock: a busy machine's second press comes later.
    card.evaluate(
        """([how, pause]) => {
            const typed = () => new KeyboardEvent("keydown", {key: "a", bubbles: true, cancelable: true});
            const press = () => how === "key" ? document.activeElement.dispatchEvent(typed())
                : document.querySelector("button[value=approve]").click();
            press();
            setTimeout(press, pause);
        }""",
        [how, pause],
    )
    ready(card, "User user-1")
    card.wait_for_timeout(300)

    assert verdicts() == [("approve", "user-0")]


def test_a_text_that_was_not_on_the_screen_is_shown_before_it_is_decided(
    page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, catalog: Catalog
) -> None:
    make_review(subject=make_item(catalog, "A title " * 60))
    sign_in(browser_context, live_server, rita)
    page.set_viewport_size({"width": 390, "height": 440})
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page)
    assert page.evaluate("document.querySelector('#proposal-text').getBoundingClientRect().top") > 440

    page.keyboard.press("a")
    expect(page.locator("#live-status")).to_have_text("Here is the text: read it, then decide.")
    assert verdicts() == []
    expect(page.locator("#proposal-text")).to_be_in_viewport()
    page.wait_for_timeout(200)
    page.keyboard.press("a")
    expect(page.locator("#queue-empty")).to_be_visible()
    assert Decision.objects.count() == 1


def test_a_decision_says_how_it_was_made(card: Page) -> None:
    guidelines.write("Check the titles.", after=0, account=None)
    card.reload()
    ready(card)
    card.mouse.wheel(0, 4000)
    card.wait_for_timeout(1200)
    card.keyboard.press("a")
    ready(card, "User user-1")
    card.click("button[value=approve]")
    ready(card, "User user-2")

    by_key, by_mouse = Decision.objects.order_by("pk")
    assert (by_key.pressed, by_mouse.pressed, by_key.device, by_key.guideline) == ("key", "mouse", "desktop", 1)
    assert by_key.scrolled == 100
    assert by_key.shown_at is not None
    assert by_key.active_ms is not None
    assert 1000 <= by_key.active_ms < (by_key.created_at - by_key.shown_at).total_seconds() * 1000 + 1000


def test_undo_by_key_gives_the_card_back_and_keeps_the_one_in_hand(card: Page) -> None:
    card.keyboard.press("e")
    card.locator("#id_text").fill(WORDS)
    card.keyboard.press("Control+Enter")
    ready(card, "User user-1")
    card.keyboard.press("o")
    card.keyboard.type("half a note")
    card.keyboard.press("Escape")

    card.keyboard.press("u")

    ready(card, "User user-0")
    expect(card.locator("#live-status")).to_contain_text("Undone: User user-0 is open again")
    expect(card.locator("#id_text")).to_have_value(WORDS)
    assert not Knowledge.objects.exists()
    card.locator("#id_text").fill("")
    card.keyboard.press("Escape")
    card.keyboard.press("a")
    ready(card, "User user-1")
    expect(card.locator("#id_critique")).to_have_value("half a note")
    assert verdicts() == [("approve", "user-0")]


def test_the_last_ten_can_be_undone_by_touch_on_a_phone(
    browser: Browser, live_server: LiveServer, rita: Account, reviews: list[Review]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    sign_in(context, live_server, rita)
    page = context.new_page()
    page.goto(f"{live_server.url}/reviews/")
    page.tap("text=Start reviewing")
    for number in range(2):
        ready(page, f"User user-{number}")
        page.locator("#proposal-text").scroll_into_view_if_needed()
        page.tap("button[value=approve]")
    ready(page, "User user-2")
    assert Decision.objects.filter(pressed="touch", device="phone").count() == 2

    page.tap("text=Last ten")
    page.get_by_role("row", name="User user-0").get_by_role("button", name="Undo").tap()

    ready(page, "User user-0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert verdicts() == [("approve", "user-1")]
    context.close()


def test_keys_work_with_caps_lock_and_on_other_layouts(card: Page) -> None:
    for key, code in (("Ф", "KeyA"), ("A", "KeyA")):
        before = card.locator("h1").inner_text()
        card.evaluate(
            "([key, code]) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true}))",
            [key, code],
        )
        expect(card.locator("h1")).not_to_have_text(before)
        ready(card)

    assert [verdict for verdict, _ in verdicts()] == ["approve", "approve"]


def test_the_stream_keeps_to_its_filter_from_card_to_card(
    page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, catalog: Catalog
) -> None:
    make_review(subject=make_end_user(catalog, "user-0"))
    items = [make_review(subject=make_item(catalog, title)) for title in ("Alien", "Big", "Casablanca")]
    sign_in(browser_context, live_server, rita)
    page.goto(f"{live_server.url}/reviews/?kind=item")
    page.keyboard.press("n")
    for title in ("Alien", "Big"):
        ready(page, title)
        page.keyboard.press("a")
    ready(page, "Casablanca")
    page.reload()
    ready(page, "Casablanca")
    page.keyboard.press("a")

    expect(page.locator("#queue-empty h2")).to_have_text("Nothing is left here")
    expect(page.locator("#queue-empty")).to_contain_text("1 other waits")
    assert Decision.objects.count() == len(items)


@pytest.mark.parametrize("height", [844, 500])  # with the keyboard of a phone up there is little left
def test_on_a_phone_the_button_that_sends_is_on_the_screen(card: Page, height: int) -> None:
    card.set_viewport_size({"width": 390, "height": height})
    card.click("summary:has-text('Edit')")
    card.locator("#id_text").fill("Likes long films. " * 60)

    expect(card.locator("button[value=edit]")).to_be_in_viewport(ratio=1)
    expect(card.locator("button[value=approve]")).to_be_hidden()
    if folder := os.environ.get("R4_SCREENSHOTS"):
        card.screenshot(path=Path(folder) / f"edit-390x{height}.png")


def test_the_guidelines_are_read_beside_the_card(card: Page) -> None:
    guidelines.write("Check the titles.", after=0, account=None)
    card.keyboard.press("g")

    expect(card.locator("#guidelines")).to_contain_text("Check the titles.")
    card.keyboard.press("Escape")
    expect(card.locator("#guidelines")).to_be_hidden()
    expect(card.locator("h1")).to_have_text("User user-0")


def test_no_word_of_the_queue_breaks_inside(
    page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, catalog: Catalog
) -> None:
    make_review(subject=make_item(catalog, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk" * 3))
    sign_in(browser_context, live_server, rita)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/reviews/")

    broken = page.evaluate(
        """() => [...document.querySelectorAll("td, thead th")]
             .filter((cell) => cell.scrollWidth > cell.clientWidth + 1
             || [...cell.querySelectorAll("*"), cell].some((e) => getComputedStyle(e).overflowWrap === "anywhere"))
             .map((cell) => cell.innerText)"""
    )
    assert broken == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280

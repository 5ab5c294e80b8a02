"""Reviewing in a real browser: by key, without JavaScript, when things go wrong, narrow and dark."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Account, Catalog, Knowledge
from reviews.models import Decision, Review, ReviewState
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_review

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

expect.set_options(timeout=30_000)  # ms; a busy machine is slow, not wrong

LONG = "Likes " + "slow, quiet and rather long films about weather, " * 12 + "and trains."


@pytest.fixture
def rita(broker: str) -> Account:
    return make_account("rita")


@pytest.fixture
def catalog(transactional_db: None) -> Catalog:
    return make_catalog("films")


@pytest.fixture
def reviews(catalog: Catalog) -> list[Review]:
    subjects = [make_end_user(catalog, f"user-{n}") for n in range(5)]
    return [make_review(subject=subject) for subject in subjects]


def sign_in(context: BrowserContext, live_server: LiveServer, account: Account) -> None:
    client = Client()
    client.force_login(account)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])


def ready(page: Page, heading: str = "") -> None:
    """The card is up, and hears keys and clicks again."""
    if heading:
        expect(page.locator("h1")).to_have_text(heading)
    expect(page.locator("#decision")).to_be_visible()
    page.wait_for_load_state()  # deferred scripts have run
    expect(page.locator("#decision.is-deaf")).to_have_count(0)


@pytest.fixture
def card(page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, reviews: object) -> Page:
    """Rita at the first card."""
    sign_in(browser_context, live_server, rita)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page)
    return page


@pytest.fixture(autouse=True)
def quiet_console(page: Page) -> Iterator[None]:
    """The browser reports a breach of the Content-Security-Policy on its console."""
    breaches: list[str] = []
    page.on("console", lambda message: breaches.append(message.text) if "Content Security" in message.text else None)
    yield
    assert breaches == []


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def verdicts() -> list[tuple[str, str]]:
    return list(Decision.objects.order_by("pk").values_list("verdict", "review__round__end_user__external_id"))


def test_all_four_verdicts_by_keyboard_alone(card: Page) -> None:
    keys = card.keyboard
    # As a person resizes it: htmx must not carry the style attribute over, which the policy forbids.
    card.evaluate("document.querySelector('#id_text').style.height = '300px'")

    keys.press("a")
    ready(card, "User user-1")
    expect(card.locator("h1")).to_be_focused()
    expect(card.locator("#live-status")).to_have_text("Approved: User user-0.")

    keys.press("e")
    expect(card.locator("#id_text")).to_be_focused()
    keys.press("Control+A")
    keys.type("Likes films about the sea.")
    keys.press("Control+Enter")
    ready(card, "User user-2")

    keys.press("o")
    keys.type("approve? no: war films are missing")
    keys.press("Control+Enter")
    ready(card, "User user-3")

    keys.press("x")
    keys.press("Control+Enter")
    ready(card, "User user-4")
    expect(card).to_have_title("User user-4 · R4Web")
    expect(card).to_have_url(card.url)

    assert verdicts() == [("approve", "user-0"), ("edit", "user-1"), ("override", "user-2"), ("reject", "user-3")]
    in_force = set(Knowledge.objects.filter(in_force=True).values_list("text", flat=True))
    assert in_force == {"Likes war films.", "Likes films about the sea."}


def test_after_the_last_card_comes_the_queue(card: Page) -> None:
    Review.objects.exclude(round__end_user__external_id="user-0").update(state=ReviewState.DONE)

    card.keyboard.press("a")

    expect(card.locator("#queue-empty h2")).to_have_text("All done")


def test_a_held_key_decides_once(card: Page) -> None:
    card.evaluate(
        """() => { for (const repeat of [false, true, true]) document.body.dispatchEvent(
             new KeyboardEvent("keydown", {key: "a", repeat, bubbles: true})) }"""
    )

    ready(card, "User user-1")
    assert verdicts() == [("approve", "user-0")]


def test_keys_do_nothing_while_typing_with_modifiers_or_in_the_list_of_keys(card: Page) -> None:
    card.keyboard.press("Control+a")
    card.keyboard.press("Shift+?")
    expect(card.locator("#shortcuts")).to_be_visible()
    keys = ["g", "s", "p", "b", "w", "d", "a", "e", "o", "x", "j k", "Ctrl ⏎", "Esc", "?"]
    expect(card.locator("#shortcuts dt")).to_have_text(keys)
    card.keyboard.press("a")
    card.keyboard.press("Escape")
    expect(card.locator("#shortcuts")).to_be_hidden()
    card.keyboard.press("o")
    card.keyboard.type("aaa")

    assert heading(card) == "User user-0"
    expect(card.locator("#id_critique")).to_have_value("aaa")
    card.keyboard.press("Escape")
    card.keyboard.press("a")
    expect(card.locator("#live-status")).to_contain_text("You have typed something")
    assert verdicts() == []


def test_single_keys_can_be_turned_off(card: Page) -> None:
    card.keyboard.press("?")
    card.get_by_label("Use single keys").uncheck()
    card.keyboard.press("Escape")

    card.keyboard.press("s")
    card.reload()

    assert heading(card) == "User user-0"


def test_an_empty_critique_comes_back_with_the_error_beside_the_field(card: Page) -> None:
    card.keyboard.press("o")
    card.keyboard.press("Control+Enter")

    expect(card.locator("#id_critique")).to_have_attribute("aria-invalid", "true")
    expect(card.locator("#id_critique")).to_be_focused()
    expect(card.locator("#error-critique")).to_have_text("Write what should change.")


def test_the_whole_review_without_javascript(
    browser: Browser, live_server: LiveServer, rita: Account, reviews: list[Review]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(live_server.url)
    page.fill("#id_username", "rita")
    page.fill("#id_password", "correct horse battery")
    page.click("text=Sign in >> nth=-1")
    page.click("text=Start reviewing")

    page.click("button[value=approve]")
    assert heading(page) == "User user-1"
    page.click("summary:has-text('Edit')")
    page.fill("#id_text", "Likes films about the sea.")
    page.click("button[value=edit]")
    assert heading(page) == "User user-2"
    page.click("summary:has-text('Send back')")
    page.click("button[value=override]")
    assert page.locator("#error-critique").inner_text() == "Write what should change."
    page.fill("#id_critique", "War films are missing.")
    page.click("button[value=override]")
    assert heading(page) == "User user-3"
    page.click("summary:has-text('Reject')")
    page.click("button[value=reject]")
    assert heading(page) == "User user-4"
    page.click("details.menu summary")
    page.click("text=Dark")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    context.close()

    assert [verdict for verdict, _ in verdicts()] == ["approve", "edit", "override", "reject"]


def test_a_stale_submit_keeps_the_text_and_can_be_sent_again(card: Page) -> None:
    card.keyboard.press("e")
    card.locator("#id_text").fill("My own words.")
    Review.objects.update(version=9)

    card.keyboard.press("Control+Enter")

    expect(card.locator(".notice h2")).to_have_text("The text has changed since you read it")
    expect(card.locator("#id_text")).to_have_value("My own words.")
    expect(card.locator("#id_text")).to_be_visible()
    ready(card)
    card.click("button[value=edit]")
    ready(card, "User user-1")
    assert verdicts() == [("edit", "user-0")]


@pytest.fixture
def failing(request: pytest.FixtureRequest, page: Page) -> list[str]:
    """How decisions fail, until it is emptied. Before the page opens: one that is open may send past a new route."""
    how = [request.param]

    def answer(route: Route) -> None:
        if not how:
            route.continue_()
        elif how == ["network"]:
            route.abort()
        else:
            route.fulfill(status=500, body="<h1>broken</h1>")

    page.route("**/decide/", answer)
    return how


@pytest.mark.parametrize("failing", ["network", "500"], indirect=True)
def test_a_server_that_fails_loses_no_text(failing: list[str], card: Page) -> None:
    card.keyboard.press("o")
    card.keyboard.type("A long and careful critique.")
    card.keyboard.press("Control+Enter")

    expect(card.locator("#live-status")).to_contain_text("Nothing was saved; what you typed is still here.")
    expect(card.locator("#id_critique")).to_have_value("A long and careful critique.")
    failing.clear()
    card.keyboard.press("Control+Enter")
    ready(card, "User user-1")


def test_what_was_typed_survives_a_lost_sign_in(
    card: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account
) -> None:
    card.keyboard.press("o")
    card.keyboard.type("A long and careful critique.")
    browser_context.clear_cookies(name="sessionid")

    card.keyboard.press("Control+Enter")

    expect(card.locator("#id_username")).to_be_visible()
    card.fill("#id_username", "rita")
    card.fill("#id_password", "correct horse battery")
    card.keyboard.press("Enter")
    expect(card.locator("#id_critique")).to_have_value("A long and careful critique.")
    expect(card.locator("#id_critique")).to_be_visible()
    assert verdicts() == []


def test_the_hold_is_renewed_while_somebody_is_at_work(card: Page) -> None:
    until = Review.objects.get(round__end_user__external_id="user-0").slots.get().lease_expires_at

    with card.expect_response("**/lease/") as answered:
        card.evaluate("htmx.trigger('#lease', 'heartbeat')")

    assert answered.value.status == 200
    expect(card.locator("#lease")).to_contain_text("15 min left")
    assert Review.objects.get(round__end_user__external_id="user-0").slots.get().lease_expires_at > until


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_scrolls_sideways_and_both_themes_differ(
    browser: Browser, live_server: LiveServer, rita: Account, catalog: Catalog, width: int, theme: str
) -> None:
    long_word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
    make_review(("reason", long_word), ("reflect", LONG), ("refine", LONG), subject=make_item(catalog, long_word))
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    sign_in(context, live_server, rita)
    page = context.new_page()

    page.goto(f"{live_server.url}/reviews/")
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(246, 246, 243)", "dark": "rgb(17, 20, 24)"}[theme]
        if page.locator("text=Start reviewing").count():
            page.click("text=Start reviewing")
    expect(page.locator("#decision")).to_be_visible()
    context.close()


def test_the_theme_is_chosen_without_losing_what_is_typed(card: Page) -> None:
    card.keyboard.press("o")
    card.keyboard.type("half a sentence")
    card.click("details.menu summary")
    card.click("text=Dark")

    expect(card.locator("html")).to_have_attribute("data-theme", "dark")
    expect(card.locator("#id_critique")).to_have_value("half a sentence")
    card.reload()
    expect(card.locator("html")).to_have_attribute("data-theme", "dark")


def test_every_control_has_a_name_and_every_id_is_single(card: Page) -> None:
    card.keyboard.press("o")
    card.keyboard.press("Control+Enter")
    expect(card.locator("#error-critique")).to_be_visible()

    nameless = card.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a, progress")]
             .filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute("aria-label")))
             .map((e) => e.outerHTML)"""
    )
    ids = card.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")

    assert nameless == []
    assert len(ids) == len(set(ids))
    assert card.locator("#id_critique").get_attribute("aria-describedby") == "error-critique"
    assert card.locator("h1").count() == 1

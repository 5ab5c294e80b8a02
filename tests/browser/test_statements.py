"""What a text says, beside its evidence: both on the screen, linked both ways, changed by key, mouse and without JS."""

import re
from dataclasses import asdict

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.grounding.statements import Facet
from recommender.grounding.statements import Statement as Said
from recommender.models import Account, EndUser, Hearing, Knowledge, Statement
from recommender.rounds.core.types import Encounter
from recommender.statements import own
from reviews.models import Review
from reviews.room.opening import open_review
from tests.browser.test_reviewing import ready, sign_in
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_round, make_subject

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GENRES = ("Western", "Musical", "Drama", "Crime", "Horror")
TEXT = (
    "Westerns are at the heart of this taste, as “Rio Bravo (1959)” (rated 5) and “Shane (1953)” (rated 4) show. "
    "They do not care for musicals, for example “Cats (2019)” (rated 1) and “Hair (1979)” (rated 2). They also enjoy "
    "crime films such as “Heat (1995)” (rated 5) and “Chinatown (1974)” (rated 5), while drama tries their patience: "
    "“Ikiru (1952)” (rated 2) and “Ran (1985)” (rated 1). They adore horror. Whoever looks at the order of all of "
    "these ratings sees one person who knows rather well what the next evening is to bring, who gives every film a "
    "fair chance until its end, and who seldom changes an opinion afterwards, whatever friends, papers or neighbours "
    "may say of it. There is too little here to say more than that, and nothing at all to go by where the seventies "
    "are concerned."
)
FILMS = (
    ("Rio Bravo (1959)", 0, 5.0), ("Shane (1953)", 0, 4.0), ("Cats (2019)", 1, 1.0), ("Hair (1979)", 1, 2.0),
    ("Ikiru (1952)", 2, 2.0), ("Ran (1985)", 2, 1.0), ("Heat (1995)", 3, 5.0), ("Chinatown (1974)", 3, 5.0),
)  # fmt: skip


@pytest.fixture
def rita(broker: str) -> Account:
    return make_account("rita")


@pytest.fixture
def review(transactional_db: None) -> Review:
    """A text that names eight titles of thirty ratings, and is wrong about horror."""
    catalog = make_catalog("films")
    rest = [(f"Other {n} (2000)", 4, 1.0) for n in range(22)]
    history = []
    for title, genre, rating in (*FILMS[:4], *rest, *FILMS[4:]):
        make_item(catalog, title, genres=[GENRES[genre]])
        history.append(Encounter(title, rating, rating > 3, {"genres": [GENRES[genre]]}))
    evidence = make_subject().to_json() | {"history": [asdict(met) for met in history]}
    round_ = make_round(
        make_end_user(catalog, "u1"), ("reason", TEXT), ("reflect", ""), evidence=evidence, rest_reason="reasonable"
    )
    return open_review(round_)


@pytest.fixture
def card(page: Page, browser_context: BrowserContext, live_server: LiveServer, rita: Account, review: Review) -> Page:
    sign_in(browser_context, live_server, rita)
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page)
    return page


def in_sight(page: Page, selector: str) -> list[bool]:
    """Of each element, whether nothing hides it."""
    found: list[bool] = page.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].map((each) => {
            const box = each.getBoundingClientRect();
            const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return !!at && (each === at || each.contains(at));
        })""",
        selector,
    )
    return found


def test_the_titles_that_a_text_names_stand_beside_it_unscrolled(card: Page) -> None:
    card.set_viewport_size({"width": 1280, "height": 800})
    rows = card.locator(".the-evidence .history li.is-cited")
    named = [text for text in rows.all_inner_texts() if any(title in text for title, _, _ in FILMS)]
    assert len(named) == len(FILMS)
    seen = in_sight(card, ".the-evidence .history li.is-cited .what")[: len(FILMS)]
    assert sum(seen) / len(FILMS) >= 0.8
    assert in_sight(card, "#proposal-text .said:first-child") == [True]
    assert all(in_sight(card, "#decision > .btn, #decision > details > summary"))


def test_on_a_phone_the_text_has_half_of_the_screen(card: Page) -> None:
    card.set_viewport_size({"width": 390, "height": 844})
    card.evaluate("scrollTo(0, 0)")
    top, bottom, bar = card.evaluate(
        """() => [document.querySelector('#proposal-text').getBoundingClientRect().top,
                  document.querySelector('#proposal-text').getBoundingClientRect().bottom,
                  document.querySelector('.decide').getBoundingClientRect().top]"""
    )
    assert (min(bottom, bar) - top) / 844 >= 0.5
    assert card.evaluate("document.documentElement.scrollWidth") <= 390


def test_pointing_at_a_statement_lights_up_its_place_and_its_rows(card: Page) -> None:
    card.locator(".statement", has_text="Western").first.hover()
    expect(card.locator(".history .is-linked")).to_have_count(2)
    expect(card.locator("#proposal-text .is-linked").first).to_be_visible()
    card.locator(".history li", has_text="Cats").hover()
    expect(card.locator(".statement.is-linked", has_text="Musical")).to_have_count(1)


def test_by_key_alone_a_statement_is_changed_and_one_is_added(card: Page) -> None:
    for _ in range(card.locator(".statement").count()):
        card.keyboard.press("j")
        if "Horror" in (card.evaluate("document.activeElement.innerText") or ""):
            break
    expect(card.locator(".statement:focus", has_text="evidence says otherwise")).to_be_visible()
    card.keyboard.press("Tab")
    card.keyboard.press("Enter")
    expect(card.locator(".statement", has_text=re.compile("Dislikes\\s+Horror"))).to_be_visible()
    assert Statement.objects.get(key="genres=Horror", ended_at=None).account.username == "rita"  # type: ignore[union-attr]

    expect(card.locator(".statement:focus", has_text="Horror")).to_be_visible()
    ready(card)
    card.keyboard.press("p")
    card.locator("#id_statement").press_sequentially("No more dramas from before 1960, please.")
    card.keyboard.press("Control+Enter")
    expect(card.locator(".notice", has_text="Understood as: dislikes Drama, up to 1959.")).to_be_visible()
    ready(card)
    card.keyboard.press("a")
    expect(card.get_by_text("Approved: User u1.").first).to_be_visible()
    assert Knowledge.objects.get().accepted_by == Account.objects.get(username="rita")


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("script", [True, False])
def test_an_open_verdict_does_not_cover_what_is_asked_back(
    browser: Browser, live_server: LiveServer, rita: Account, review: Review, size: tuple[int, int], script: bool
) -> None:
    """Words that may be meant either way are asked back with two buttons, while a reason to reject is typed."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
    context.set_default_timeout(30_000)
    sign_in(context, live_server, rita)
    page = context.new_page()
    page.goto(f"{live_server.url}/reviews/{review.pk}/")
    page.get_by_role("button", name=re.compile("Review this one")).click()
    if script:
        ready(page)
    page.locator(".verdicts summary", has_text="Reject").click()
    page.get_by_label("Why?").fill("It is too long.")
    page.locator(".add > summary").click()
    page.locator("#id_statement").fill("He is famous for his opinion of musicals.")
    page.locator("[data-send]").click()
    page.locator("#error-statement").wait_for()
    if script:
        ready(page)
    expect(page.locator("#id_statement")).to_be_focused()

    assert in_sight(page, ".add .change .btn, .add > .field > .btn, #error-statement") == [True] * 4
    expect(page.locator("textarea[name=reason]")).to_have_value("It is too long.")  # and marked as typed
    page.get_by_role("button", name="Dislikes Musical").click()
    expect(page.locator(".statement", has_text=re.compile("Dislikes\\s+Musical")).last).to_be_visible()
    expect(page.locator(".notice", has_text="Understood as: dislikes Musical.")).to_be_visible()
    assert in_sight(page, ".notice") == [True]
    context.close()


def test_approving_against_the_evidence_opens_a_box_for_the_reason(card: Page) -> None:
    card.keyboard.press("a")
    expect(card.get_by_label(re.compile("The evidence says otherwise"))).to_be_focused()
    card.keyboard.press("Control+Enter")
    expect(card.get_by_text("Say why it is right all the same, or change what is wrong.")).to_be_visible()
    ready(card)
    card.get_by_label(re.compile("The evidence says otherwise")).fill("She said so.")
    card.keyboard.press("Control+Enter")
    expect(card.get_by_text("Approved: User u1.").first).to_be_visible()


def test_what_would_change_is_shown_in_place(card: Page) -> None:
    card.keyboard.press("w")
    expect(card.locator("#difference-list")).to_contain_text("Their list at once, were you to approve.")


def test_without_javascript_a_statement_is_struck(
    browser: Browser, live_server: LiveServer, rita: Account, review: Review
) -> None:
    context = browser.new_context(java_script_enabled=False)
    sign_in(context, live_server, rita)
    page = context.new_page()
    page.goto(f"{live_server.url}/reviews/{review.pk}/")
    page.get_by_role("button", name="Review this one").click()
    page.locator(".statement", has_text="Horror").get_by_role("button", name="Strike").click()
    expect(page.locator(".statement.is-struck:focus", has_text="Horror")).to_be_visible()
    page.reload()  # a form that was sent would be sent again, or be refused
    expect(page.locator(".statement.is-struck", has_text="Horror")).to_be_visible()
    page.get_by_text("What would change").click()
    page.get_by_role("link", name="Show this user's list now and afterwards").click()
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    context.close()


HIDDEN = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect();
    const found = document.elementFromPoint(box.x + box.width / 2, Math.min(box.y + box.height / 2, innerHeight - 1));
    const seen = found && (at === found || at.contains(found) || found.contains(at));
    return at === document.body || seen && box.bottom <= innerHeight + 1 ? "" : at.outerHTML.slice(0, 200);
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_without_javascript_nothing_hides_what_has_the_focus(
    browser: Browser, live_server: LiveServer, rita: Account, review: Review, width: int, height: int
) -> None:
    """The bar of decisions lies over the page; Tab goes through all of it, and a link leads past it."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": height})
    sign_in(context, live_server, rita)
    page = context.new_page()
    page.goto(f"{live_server.url}/reviews/{review.pk}/")
    page.get_by_role("button", name="Review this one").click()
    page.locator(".add summary").click()
    page.locator("#main").focus()
    hidden, links = [], []
    for _ in range(120):
        page.keyboard.press("Tab")
        links.append(page.evaluate("document.activeElement.innerText ?? ''"))
        hidden.append("" if page.evaluate("document.activeElement.matches('.history')") else page.evaluate(HIDDEN))
        if links[-1].startswith("Reject"):
            break
    assert links[0] == "Go to your decision"
    assert "Add it" in links
    assert links[-1].startswith("Reject")
    assert not list(filter(None, hidden))
    context.close()


def test_by_key_alone_a_row_of_the_evidence_lights_up_its_statement(card: Page) -> None:
    card.locator(".history").focus()
    card.keyboard.press("j")
    row = card.locator(".history li:focus")
    expect(row).to_be_visible()
    numbers = (row.get_attribute("data-said") or "").split()
    expect(card.locator(f"#statement-{numbers[0]}.is-linked")).to_have_count(1)
    card.keyboard.press("j")
    assert row.get_attribute("data-said")
    expect(card.locator(".history li:focus")).to_have_count(1)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_the_user_says_and_waits_stands_above_the_text_in_whole_lines(
    card: Page, review: Review, width: int
) -> None:
    """The card comes first because of it. Once nothing waits it stands below."""
    person = EndUser.objects.select_related("catalog").get(pk=review.round.end_user_id)
    drama, horror = (Said((Facet("attribute", "genres", name),), "likes") for name in ("Drama", "Horror"))
    own.say(person, [drama], quotes=["I do love a good drama."], now=timezone.now())
    person.catalog.hearing = Hearing.AFTER_REVIEW
    person.catalog.save(update_fields=["hearing"])
    own.say(person, [horror], quotes=["Whatever others say, I like to be frightened."], now=timezone.now())
    card.set_viewport_size({"width": width, "height": 800})
    card.reload()
    ready(card)
    rows = card.locator(".own-words > li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("waits for you")
    boxes = [rows.nth(place).locator(".what").bounding_box() for place in range(2)]
    below = card.locator("#proposal-text").bounding_box()
    assert below
    assert all(box and box["width"] >= 200 and box["y"] + box["height"] < below["y"] for box in boxes)
    rows.first.get_by_role("button", name="Let it count").click()
    expect(card.locator(".own-words")).not_to_contain_text("waits for you")
    after = card.locator(".own-words").bounding_box()
    text = card.locator("#proposal-text").bounding_box()
    assert after
    assert text
    assert after["y"] > text["y"]

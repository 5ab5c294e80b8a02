"""What axe-core finds on the pages, in both themes, on a desk and on a phone: nothing."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from recommender.models import Account, Role
from tests.browser.test_reviewing import ready, sign_in
from tests.browser.test_statements import review
from tests.builders import make_account, make_catalog
from tests.reviews.addresses import PAGES
from tests.reviews.test_every_address import ADDRESSES, objects

__all__ = ["review"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SCREENS: dict[str, tuple[ViewportSize, Any]] = {
    f"{name}, {theme}": (size, theme)
    for name, size in (("desk", ViewportSize(width=1280, height=800)), ("phone", ViewportSize(width=390, height=844)))
    for theme in ("light", "dark")
}
NO_PAGES = {  # files, and parts of pages that are asked for alone
    *("reviews:export_person", "reviews:training_progress", "reviews:evaluation_progress", "reviews:backbone_gates"),
    *("reviews:grouping_progress", "reviews:rule_items"),
}

# The documentation shows sixty operations alike, and of the open one a dozen answers: one of each kind is looked at.
ONE_OF_EACH = """() => {
    const seen = new Set();
    for (const each of document.querySelectorAll(".opblock, tr.response")) {
        const locked = each.querySelector(".authorization__btn") !== null;
        const kind = `${each.className} ${locked} ${each.dataset.code?.[0]}`;
        if (seen.has(kind)) each.style.display = "none";
        seen.add(kind);
    }
}"""
AXE = Axe().axe_script


@pytest.fixture
def lead(broker: str) -> Account:
    return make_account("lea", role=Role.LEAD)


@pytest.fixture
def addresses(transactional_db: None, review: Any, settings: Any, tmp_path: Path) -> list[str]:
    """Every page that a lead may open, with something on it, and those without signing in."""
    settings.VAR_DIR = tmp_path
    known = objects(make_catalog("river-books"))
    named = [name for name, rule in PAGES.items() if rule.get == 200 and name not in NO_PAGES]
    found = [reverse(name, kwargs={each: known[each] for each in ADDRESSES[name]}) for name in [*named, "api:docs"]]
    return [*found, reverse("reviews:review", args=[review.pk])]


def test_axe_finds_nothing(page: Page, live_server: LiveServer, lead: Account, addresses: list[str]) -> None:
    page.goto(f"{live_server.url}{reverse('login')}")
    found = violations(page)
    sign_in(page.context, live_server, lead)
    for address in addresses:
        page.goto(live_server.url + address)
        if address.endswith("docs/"):
            page.locator(".opblock-tag-section").first.wait_for()
            page.locator(".opblock-summary-control").last.click()
            page.locator(".responses-table").wait_for()
            page.evaluate(ONE_OF_EACH)
        found += violations(page)
    assert not found, "\n".join(found)


def test_axe_finds_nothing_in_what_is_opened(page: Page, live_server: LiveServer, lead: Account, review: Any) -> None:
    """Boxes, lists and dialogs of a card, and what comes back where something is missing."""
    sign_in(page.context, live_server, lead)
    page.goto(f"{live_server.url}{reverse('reviews:review', args=[review.pk])}")
    page.keyboard.press("n")
    ready(page)
    page.evaluate("for (const each of document.querySelectorAll('.the-text details')) each.open = true")
    page.keyboard.press("x")
    write(page, "It is too long.")
    found = violations(page)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("summary", has_text="Approve").click()
    page.keyboard.press("Control+Enter")
    page.get_by_text("Say why it is right all the same").wait_for()
    ready(page)
    found += violations(page)
    page.keyboard.press("Escape")
    page.locator(".add summary").click()
    write(page, "Well, well.", within=".add")
    page.keyboard.press("Control+Enter")
    page.locator("#error-statement").wait_for()
    ready(page)
    found += violations(page)
    page.locator("[data-shortcuts-open]").click()
    found += violations(page)
    assert not found, "\n".join(found)


def write(page: Page, words: str, *, within: str = "form") -> None:
    """Into the box that was opened, once it has the focus: before, letters are keys of the card."""
    page.locator(f"{within} :is(textarea, input):focus").wait_for()
    page.keyboard.type(words)


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is, on each screen in turn."""
    found = []
    page.evaluate(AXE)
    for name, (viewport, theme) in SCREENS.items():
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # a colour on its way would be read as it is
        found += [
            f"{page.url}, {name}: {each['id']} ({each['impact']}): {each['help']}: "
            + "; ".join(map(_where, each["nodes"][:3]))
            for each in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        ]
    return found


def _where(node: dict[str, Any]) -> str:
    return " ".join([node["html"][:200], *(why["message"] for why in node["any"][:1])])

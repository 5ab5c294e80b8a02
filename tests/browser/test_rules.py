"""The pages of business rules in a real browser, with JavaScript and without, on a desk and on a phone."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Catalog, Role, Rule
from tests.browser.test_accessibility import violations
from tests.browser.test_evaluations import sign_in
from tests.builders import make_account, make_catalog, make_item

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(db: None) -> Catalog:
    make_account("lea", role=Role.LEAD)
    catalog = make_catalog("shop")
    make_item(catalog, "Night Harbour", external_id="b")
    make_item(catalog, "Harbour Lights", external_id="a")
    return catalog


@pytest.mark.parametrize(
    ("width", "scheme", "scripts"), [(1280, "light", True), (390, "dark", True), (390, "light", False)]
)
def test_a_rule_is_set_ended_and_taken_back(
    browser: Browser, live_server: LiveServer, shop: Catalog, width: int, scheme: str, scripts: bool
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=scripts,
    )
    page = context.new_page()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/rules/set/")
    page.locator("#id_item").press_sequentially("harbour")
    if not scripts:
        page.get_by_role("button", name="Find the item").click()
        expect(page.locator("#id_item")).to_have_value("harbour")
    page.get_by_label("Night Harbour").check()
    page.locator("#id_kind").select_option("bury")
    expect(page.locator("#id_place")).to_be_hidden()
    fits(page, width, scripts)
    page.get_by_role("button", name="Set the rule").click()
    expect(page.get_by_text("Set: “Night Harbour” goes to the end.")).to_be_visible()
    fits(page, width, scripts)
    page.get_by_role("button", name="End the rule about Night Harbour now").click()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    fits(page, width, scripts)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Set: “Night Harbour” goes to the end.")).to_be_visible()
    rule = Rule.objects.get()
    assert (rule.kind, rule.item.external_id, rule.until) == ("bury", "b", None)
    context.close()


def fits(page: Page, width: int, scripts: bool) -> None:
    body = page.locator("body").bounding_box()
    assert body is not None
    assert body["width"] <= width
    assert not scripts or violations(page) == []

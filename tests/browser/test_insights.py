"""The PM's page in a real browser: on a phone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Role
from tests.builders import PASSWORD, make_account, make_catalog, make_end_user, make_interaction, make_item, make_round

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def films(db: None) -> None:
    catalog = make_catalog("films")
    reader = make_end_user(catalog, "reader-1")
    make_interaction(reader, make_item(catalog, "The Colour of Pomegranates " * 3, genres=["War", "Drama"]))
    make_round(reader, ("reason", "Likes slow and quiet dramas. " * 20), ("reflect", ""))
    for number in range(12):
        item = make_item(catalog, f"A film with a rather long title, number {number}", genres=["War"])
        make_interaction(make_end_user(catalog), item)
        make_round(item, ("reason", f"Text about film {number}."), ("reflect", ""))
    make_account("pam", role=Role.PM)


def sign_in(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/sign-in/")
    page.locator("[name=username]").fill("pam")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(("width", "script"), [(390, False), (390, True), (1280, True)])
def test_a_pm_finds_an_end_user_and_reads_why(
    browser: Browser, live_server: LiveServer, films: None, width: int, script: bool
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, java_script_enabled=script)
    context.set_default_timeout(10_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    sign_in(page, live_server)
    page.get_by_role("link", name="Why").click()
    page.get_by_label("User's id").fill("reader")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="reader-1").click()
    expect(page.get_by_role("heading", name="User reader-1")).to_be_visible()
    expect(page.get_by_text("Popular movies, not a personal list")).to_be_visible()
    first = page.locator("#rank-1")
    expect(first.get_by_text(re.compile("Text about film"))).to_be_hidden()
    first.locator("summary").click()
    expect(first.get_by_text(re.compile("Text about film"))).to_be_visible()
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert said == []
    context.close()

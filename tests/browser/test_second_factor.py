"""A second factor in a real browser: set up where it is a duty, then asked for, on a phone too; no style is refused."""

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.accounts import one_time, second_factor
from recommender.models import Role, SecondFactor
from tests.builders import PASSWORD, make_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/sign-in/?next=/accounts/")
    page.locator("[name=username]").fill("lena")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_lead_sets_one_up_and_signs_in_with_it(
    page: Page, live_server: LiveServer, settings: Any, width: int
) -> None:
    settings.SECOND_FACTOR = second_factor.FOR_LEADS
    make_account("lena", role=Role.LEAD)
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
    page.set_viewport_size({"width": width, "height": 844})
    sign_in(page, live_server)
    expect(page.get_by_text("Your account needs a second factor here.")).to_be_visible()
    expect(page.locator(".topnav")).to_have_count(0)
    picture = page.locator("svg.qr")
    box = picture.bounding_box()
    assert box is not None
    assert 120 < box["width"] == pytest.approx(box["height"], abs=1)
    assert fits(page)
    page.get_by_text("It cannot read pictures").click()
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code that the app shows").fill(one_time.code_of(secret, int(time.time() // 30)))
    page.get_by_role("button", name="Switch it on").click()
    codes = page.locator("#recovery-codes").inner_text().split()
    assert len(codes) == 10
    assert fits(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".topnav")).to_be_visible()

    page.locator("details.menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    SecondFactor.objects.update(last_step=0)
    sign_in(page, live_server)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill("abc")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not the code that the app shows")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{live_server.url}/accounts/")
    assert fits(page)
    page.goto(f"{live_server.url}/second-factor/")
    expect(page.get_by_text("9 recovery codes left")).to_be_visible()
    assert fits(page)
    assert refused == []

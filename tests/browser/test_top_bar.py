"""The top bar on a phone: the link of the page that is open is on the screen, and the page itself does not scroll."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Role
from tests.builders import PASSWORD, make_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("address", ["/reviews/", "/insights/", "/accounts/", "/accounts/log/"])
def test_the_current_link_is_on_the_screen(page: Page, live_server: LiveServer, address: str) -> None:
    make_account("lena", role=Role.LEAD)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/sign-in/?next={address}")
    page.locator("[name=username]").fill("lena")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{live_server.url}{address}")
    expect(page.locator(".topnav [aria-current]")).to_be_in_viewport(ratio=0.99)  # pixels are rounded
    assert page.evaluate("[scrollX, scrollY]") == [0, 0]
    assert page.evaluate(
        "document.querySelector('.topnav').scrollWidth > document.querySelector('.topnav').clientWidth"
    )

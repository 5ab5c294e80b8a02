"""A real Chromium for tests that drive the pages; pytest-django's `live_server` serves them."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")  # the first takes half of the processor time
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")  # longer, and tests elsewhere could not start an event loop in this thread
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("R4_CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not chromium:
        pytest.skip("needs Chromium (`make test` installs it), or R4_CHROMIUM naming its program")
    # Playwright's loop runs in this thread; Django would refuse the database to it.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)  # ms; other tests compute beside this one
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Iterator[Page]:
    """A page at 1280 pixels; the test fails when a script on it threw."""
    opened = browser_context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    assert errors == []

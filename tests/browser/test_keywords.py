"""Keywords of an item, and then the reasons for Yes or No, decided in a real browser by key."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import LlmCall, RestReason, Strategy
from recommender.rounds import approved, evidence
from recommender.rounds.core.types import Encounter, Subject
from reviews.room.opening import open_review
from tests.browser.test_reviewing import ready, sign_in
from tests.builders import make_account, make_catalog, make_end_user, make_item, make_round

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PLOT = "Bank robbers in Los Angeles feel the heat from the police when a heist leaves a clue behind."
WHY = "They liked three quiet dramas of four, and the one loud film they met was rated low; this one is quiet."


def make_cards() -> None:
    catalog = make_catalog("films")
    item = make_item(catalog, "Heat (1995)", genres=["Crime", "Action"], description=PLOT)
    (shown,) = evidence.of_keywords(catalog, [item.pk])
    told = {"strategy": Strategy.KEYWORDS, "as_of": 0, "rest_reason": RestReason.CHECKED}
    about_item = make_round(
        item, ("reason", "heist, los angeles, bank robbers, police"), evidence=shown.subject.to_json(), **told
    )
    answer = "heist, Los Angeles, bank robbers, police, obsession, Al Pacino"
    call = LlmCall.objects.create(
        round=about_item, turn_index=0, role="actor", step="reason", messages=[], parameters={}, answer=answer,
        model="some-llm",
    )  # fmt: skip
    about_item.turns.update(call=call)
    open_review(about_item)
    history = tuple(
        Encounter(f"Film {n}", 5.0 if n % 3 else 1.0, bool(n % 3), {"genres": ["Drama"]}) for n in range(10)
    )
    asked = (Encounter("Ronin (1998)", 4.0, True, {"genres": ["Crime"]}),)
    subject = Subject("end_user", "movie", 5.0, 3.0, history=history, asked=asked)
    told = {"strategy": Strategy.TRACE, "rest_reason": RestReason.REASONABLE}
    turns = (("reason", f"Yes. {WHY}"), ("reflect", ""))
    open_review(make_round(make_end_user(catalog, "user-1"), *turns, evidence=subject.to_json(), **told))


def pictures(page: Page, name: str) -> None:
    """The card fits at both widths; where a folder is named, pictures of it lie there."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("R4_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def test_keywords_are_edited_and_reasons_approved_by_keyboard_alone(
    page: Page, browser_context: BrowserContext, live_server: LiveServer, broker: str
) -> None:
    make_cards()
    sign_in(browser_context, live_server, make_account("rita"))
    page.goto(f"{live_server.url}/reviews/")
    page.keyboard.press("n")
    ready(page, "Heat (1995)")
    expect(page.locator(".findings")).to_contain_text("obsession")
    pictures(page, "keywords")

    page.keyboard.press("e")
    page.locator("#id_text").fill("heist, police, dinosaurs")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#error-id_text, #error-text")).to_contain_text("dinosaurs")
    ready(page)
    page.locator("#id_text").fill("heist, police, clue")
    page.keyboard.press("Control+Enter")
    ready(page, "User user-1")
    assert list(approved.texts(Strategy.KEYWORDS).values_list("text", flat=True)) == ["heist, police, clue"]

    pictures(page, "trace")
    page.keyboard.press("a")
    expect(page.locator("h1")).not_to_have_text("User user-1")
    assert list(approved.texts(Strategy.TRACE).values_list("text", flat=True)) == [f"Yes. {WHY}"]

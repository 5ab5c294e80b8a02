"""The form for a training run, in a real browser: what is folded, what comes with a choice, where errors land."""

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Role, TrainingRun
from recommender.recipe import STORED_AS
from tests.browser.test_evaluations import sign_in
from tests.builders import make_account, make_catalog

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_advanced_settings_are_folded_until_one_is_wrong(
    browser: Browser, live_server: LiveServer, width: int, scheme: str
) -> None:
    make_account("lea", role=Role.LEAD)
    make_catalog("films")
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/backbones/train/")
    fold = page.get_by_label("Fold")

    expect(page.get_by_label("Model type")).to_be_visible()
    expect(page.get_by_label("Epochs")).to_be_hidden()
    page.get_by_text("Advanced").click()
    expect(fold).to_be_hidden()
    page.get_by_label("Split").select_option("kar")
    expect(fold).to_be_visible()
    fold.fill("10")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Fold must be a whole number from 0 to 9")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    fold.fill("9")
    page.get_by_label("Drift").check()
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name="Training ")).to_be_visible()

    config = TrainingRun.objects.get().config
    assert (config["split"], config["fold"], config[STORED_AS["drift"]]) == ("kar", 9, False)
    context.close()

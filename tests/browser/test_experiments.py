"""The page of an experiment in a real browser: what it says fits a phone, and a lead writes one without JavaScript."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import Experiment, Role
from tests.browser.test_evaluations import sign_in
from tests.builders import make_account
from tests.recommender.experiments.conftest import nothing_kept  # noqa: F401
from tests.recommender.experiments.simulated import running, shop, two_days_ago

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def experiment(db: None) -> Experiment:
    """Two days old; of 300 users each 30 and 65 in 100 clicked."""
    make_account("lea", role=Role.LEAD)
    catalog = shop("films", people=600)
    made = running(catalog, planned=500, holdout=0.0)
    two_days_ago(made, {"a": 30, "b": 65})
    return made


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_what_is_found_fits_the_screen_and_one_is_written(
    browser: Browser, live_server: LiveServer, experiment: Experiment, width: int, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
        java_script_enabled=False,
    )
    page = context.new_page()
    sign_in(page, live_server)
    for path in ("", f"{experiment.pk}/", "write/"):
        page.goto(f"{live_server.url}/experiments/{path}")
        page.screenshot(path=tmp_path / f"experiments-{width}-{path.strip('/')}.png", full_page=True)
        body = page.locator("body").bounding_box()
        assert body is not None
        assert body["width"] <= width
    page.locator("#id_key").fill("bolder")
    page.get_by_role("button", name="Another variant").click()
    expect(page.get_by_role("group", name="Variant 3")).to_be_in_viewport()
    expect(page.locator("#id_key")).to_have_value("bolder")
    page.locator("#id_variants-1-steering").fill("2")
    page.get_by_role("button", name="Write it").click()
    expect(page.get_by_text("statements at strength 2")).to_be_visible()
    page.goto(f"{live_server.url}/experiments/{experiment.pk}/")
    expect(page.get_by_text("safe to stop.").first).to_be_visible()
    expect(page.get_by_role("img", name="Lift")).to_be_visible()
    context.close()

"""A version's page in a real browser: gates that fill in by themselves, an override with its reason, a canary."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from recommender.models import BackboneVersion, Examination, Rollout, RunState, VersionState
from tests.builders import PASSWORD, make_account, make_catalog
from tests.recommender.promotion.versions import examined, make_version

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def candidate(db: None, settings: Any, tmp_path: Path) -> BackboneVersion:
    settings.VAR_DIR = tmp_path
    make_account("lena", role="lead")
    catalog = make_catalog("films")
    make_version(catalog, state=VersionState.ACTIVE)
    return make_version(catalog)


def open_version(page: Page, server: LiveServer, version: BackboneVersion) -> None:
    page.goto(f"{server.url}/sign-in/")
    page.locator("[name=username]").fill("lena")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/backbones/{version.pk}/")


def test_gates_fill_in_by_themselves_and_a_lead_overrides_one(
    page: Page, live_server: LiveServer, candidate: BackboneVersion
) -> None:
    under_way = Examination.objects.create(
        catalog=candidate.catalog,
        version=candidate,
        state=RunState.RUNNING,
        progress={"stage": "gates", "done": 3, "of": 9},
        lease_expires_at=timezone.now(),
    )
    open_version(page, live_server, candidate)
    gates = page.locator("#gates")
    expect(gates.get_by_text("Checking", exact=True)).to_be_visible()
    under_way.delete()
    examined(candidate, gauc="unsure")
    expect(gates.get_by_text("1 of 6 not passed")).to_be_visible()
    expect(gates.get_by_role("button", name="Check again")).to_be_visible()
    page.get_by_role("link", name="Activate…").click()
    expect(page.get_by_role("heading", name="Open questions")).to_be_visible()
    page.get_by_label("Your reason").fill("Few people, many films.")
    page.get_by_role("button", name="Activate model 2 all the same").click()
    expect(page.get_by_text("Model 2 of films is active now.")).to_be_visible()
    expect(page.get_by_text("Reason: Few people, many films.")).to_be_visible()
    assert BackboneVersion.objects.get(state=VersionState.ACTIVE) == candidate


def test_on_a_phone_a_canary_is_started_and_stopped(
    page: Page, live_server: LiveServer, candidate: BackboneVersion
) -> None:
    examined(candidate)
    page.set_viewport_size({"width": 390, "height": 844})
    open_version(page, live_server, candidate)
    page.get_by_label("How", exact=True).select_option("canary")
    page.get_by_label("Share, in %").fill("12.5")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Start with 12.5 %").click()
    expect(page.get_by_text("Try with 12.5 % of users", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert Rollout.objects.get(ended_at=None).share == 0.125
    page.get_by_role("button", name="Stop trying it").click()
    expect(page.get_by_text("Stopped. Everybody gets")).to_be_visible()
    assert not Rollout.objects.filter(ended_at=None).exists()

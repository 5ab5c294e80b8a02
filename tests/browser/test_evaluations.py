"""An evaluation's page in a real browser: narrow and wide, light and dark, and while it is under way."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from recommender.evaluation.arms import Study
from recommender.models import Evaluation, EvaluationFit, Role, RunState
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from tests.builders import PASSWORD, make_account, make_catalog
from tests.reviews.pages.test_evaluations import FACTS, figures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def evaluation(db: None) -> Evaluation:
    make_account("lea", role=Role.LEAD)
    study = Study(arms=("base", "knowledge", "random"), seeds=5)
    found = runs.request(EVALUATION, queue=False, catalog=make_catalog("films"), config=study.to_json())
    Evaluation.objects.update(state=RunState.DONE, figures=figures(("din", "dcn")), facts=FACTS)
    epochs = [{"valid": {"auc": value}} for value in (0.70, 0.75, 0.74)]
    for arm in ("base", "knowledge"):
        EvaluationFit.objects.create(
            evaluation=found, backbone="din", arm=arm, seed=1, scores={}, fit={}, epochs=epochs
        )
    return found


def sign_in(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/sign-in/")
    page.locator("[name=username]").fill("lea")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_words_tables_and_plots_fit_the_screen(
    browser: Browser, live_server: LiveServer, evaluation: Evaluation, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/evaluations/{evaluation.pk}/")
    plots = page.get_by_role("img", name="Differences in AUC between arms, DIN")

    expect(page.get_by_role("heading", name="The texts help with DIN, and nothing in their place")).to_be_visible()
    page.locator("#finding-1-details > summary").click()
    expect(plots).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    # Text of a plot stays readable, and its colours are those of the page's scheme.
    drawn = plots.locator(".mark text").first
    assert drawn.bounding_box()["height"] >= 9  # type: ignore[index]
    assert drawn.evaluate("one => getComputedStyle(one).fill") == page.evaluate("getComputedStyle(document.body).color")
    good = plots.locator(".mark.is-good circle").first
    assert good.evaluate("one => getComputedStyle(one).fill") != drawn.evaluate("one => getComputedStyle(one).fill")
    context.close()


def test_the_page_follows_an_evaluation_until_it_is_done(
    page: Page, live_server: LiveServer, evaluation: Evaluation
) -> None:
    progress = {"stage": "din, arm random, seed 1", "done": 3, "of": 9, "epochs": []}
    Evaluation.objects.update(state=RunState.RUNNING, progress=progress)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/evaluations/{evaluation.pk}/")
    expect(page.get_by_text("2 of 15", exact=True)).to_be_visible()
    EvaluationFit.objects.create(
        evaluation=evaluation, backbone="din", arm="random", seed=1, scores={}, fit={}, epochs=[]
    )
    expect(page.get_by_text("3 of 15", exact=True)).to_be_visible()
    Evaluation.objects.update(state=RunState.DONE)

    expect(page.get_by_role("heading", name="Progress")).to_be_hidden()
    expect(page.get_by_text("Done")).to_be_visible()


def test_the_button_to_cancel_stays_while_the_page_asks_for_news(
    page: Page, live_server: LiveServer, evaluation: Evaluation
) -> None:
    Evaluation.objects.update(state=RunState.RUNNING, progress={"stage": "", "done": 3, "of": 9, "epochs": []})
    sign_in(page, live_server)
    held: list[Route] = []
    page.route(re.compile("/progress/"), lambda route: held.append(route))
    with page.expect_request(re.compile("/progress/")):
        page.goto(f"{live_server.url}/evaluations/{evaluation.pk}/")
    button = page.get_by_role("button", name="Cancel the evaluation")

    assert button.evaluate("one => getComputedStyle(one).opacity") == "1"
    assert button.evaluate("one => getComputedStyle(one).pointerEvents") == "auto"
    for route in held:
        route.continue_()

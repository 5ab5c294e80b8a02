"""The pages as people get them: no term of the code outside a disclosure for experts, in messages and forms neither."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from recommender.evaluation.arms import Study
from recommender.models import (
    Account,
    BackboneVersion,
    Evaluation,
    RestReason,
    Rollout,
    Round,
    RoundBatch,
    RoundState,
    RunState,
    VersionState,
)
from recommender.runs import service as runs
from recommender.runs.kinds import EVALUATION
from reviews.choices import Verdict
from tests import builders
from tests.architecture.words import expert_words
from tests.recommender.promotion.versions import examined, make_version
from tests.reviews.approved import make_decision, make_receipt
from tests.reviews.conftest import SignIn
from tests.reviews.forms import form, start, url
from tests.reviews.pages.test_evaluations import FACTS, evaluation_of_an_ai, figures

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def own_folder(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def read(browser: Client, *addresses: str) -> None:
    for address in addresses:
        response = browser.get(address)
        assert response.status_code == 200, address
        assert expert_words(response.content.decode()) == [], address


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_review_room(rita: Account, browser_of: SignIn, verdict: Verdict) -> None:
    catalog = builders.make_catalog("films")
    first = builders.make_review(("reason", "Likes films."), ("reflect", "Too vague."))
    builders.make_review(subject=builders.make_item(catalog))
    browser = browser_of(rita)
    card = start(browser)
    read(browser, card, f"{card}?diff=plain")
    more = {"edit": {"text": "Mine."}, "override": {"critique": "Say more."}}.get(verdict, {})
    browser.post(url("decide", first), form(first, rita, verdict=verdict, **more))
    read(browser, "/", "/reviews/", url("review", first), "/reviews/?state=done", "/reviews/?state=awaiting_actor")
    assert expert_words(browser.post(url("decide", first), {"verdict": "edit"}).content.decode()) == []


def test_drafts(rita: Account, browser_of: SignIn) -> None:
    from reviews.room.opening import open_review

    drafts = builders.make_drafts(builders.make_end_user(builders.make_catalog()), ("Rain.", ""), ("Sun.", "No."))
    browser = browser_of(rita)
    open_review(drafts)
    read(browser, start(browser), reverse("reviews:round", args=[drafts.pk]))


@pytest.mark.parametrize("reason", list(RestReason))
def test_how_texts_are_written(lena: Account, browser_of: SignIn, reason: RestReason) -> None:
    catalog = builders.make_catalog("films")
    batch = RoundBatch.objects.create(catalog=catalog, subjects="all", window="sliding", strategy="refine")
    for state in RoundState:
        builders.make_round(builders.make_end_user(catalog), ("reason", "Yes."), state=state, batch=batch)
    Round.objects.filter(state=RoundState.RESTING).update(rest_reason=reason)
    rounds = [reverse("reviews:round", args=[one.pk]) for one in batch.rounds.all()]
    opened = reverse("reviews:round_batch", args=[batch.pk])
    read(browser_of(lena), "/rounds/", opened, "/rounds/open/", "/", *rounds)


@pytest.mark.parametrize("who", ["lena", "pam"])
def test_models(who: str, request: pytest.FixtureRequest, browser_of: SignIn) -> None:
    catalog = builders.make_catalog("films")
    active = make_version(catalog, state=VersionState.ACTIVE)
    review = make_decision(builders.make_end_user(catalog, "u1"), Verdict.APPROVE, by="rita")
    version: BackboneVersion = make_version(catalog)
    examined(version, gauc="unsure", latency="failed")
    make_receipt(version, active)
    for mode, share in (("shadow", 0.1), ("canary", 0.2)):
        Rollout.objects.filter(ended_at=None).delete()
        Rollout.objects.create(catalog=catalog, version=version, mode=mode, share=share, salt="s")
        browser = browser_of(request.getfixturevalue(who))
        read(browser, "/", "/backbones/", *(reverse("reviews:backbone", args=[one.pk]) for one in (active, version)))
    read(browser, reverse("reviews:training_run", args=[version.run_id]), "/insights/", "/insights/films/users/u1/")
    read(browser, reverse("reviews:round", args=[review.round_id]))
    if who == "lena":
        read(browser, reverse("reviews:activate_backbone", args=[version.pk]), "/tokens/", url("review", review))


def test_evaluations(pam: Account, browser_of: SignIn) -> None:
    study = Study(arms=("base", "knowledge", "random"), seeds=5)
    catalog = builders.make_catalog("films")
    found = runs.request(EVALUATION, queue=False, catalog=catalog, config=study.to_json())
    for state in RunState:
        evaluation_of_an_ai(catalog, state)
    Evaluation.objects.update(state=RunState.DONE, figures=figures(), facts=FACTS)
    read(browser_of(pam), "/evaluations/", reverse("reviews:evaluation", args=[found.pk]))


def test_what_a_role_may_not_do(pam: Account, rita: Account, browser_of: SignIn) -> None:
    for account, address in ((pam, "/reviews/"), (rita, "/backbones/"), (pam, "/rounds/open/"), (rita, "/insights/")):
        response = browser_of(account).get(address)
        assert response.status_code == 403
        assert expert_words(response.content.decode()) == []


def test_groups(pam: Account, lena: Account, browser_of: SignIn) -> None:
    catalog = builders.make_catalog("films")
    builders.make_interaction(builders.make_end_user(catalog, "u1"), builders.make_item(catalog))
    read(browser_of(pam), "/experts/", "/experts/films/users/u1/")
    read(browser_of(lena), "/experts/", "/experts/start/?catalog=films", "/insights/films/users/u1/?by=thinkrec")

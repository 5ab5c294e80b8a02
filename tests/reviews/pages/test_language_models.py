"""Language models on the page of models: those that learn, and those that order lists."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recommender.models import RunState, ScoringRun, ThinkrecRun
from tests import builders
from tests.reviews.pages.test_backbones import page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog():
    return builders.make_catalog("films")


@pytest.fixture
def lead(client):
    client.force_login(builders.make_account(role="lead"))


def learnt(auc, *, epochs=((1, 0.61),)):
    """The metrics of one stage of ThinkRec's tuning, as its loop leaves them."""
    told = [{"epoch": number, "auc": value, "uauc": None, "score": value} for number, value in epochs]
    return {
        "before": {"auc": auc, "uauc": None, "score": auc}, "epochs": told, "best_epoch": 1, "steps": 6,
        "trained_parameters": 460_800, "tokens": 1000, "seconds": 1.0,
    }  # fmt: skip


def test_language_models_that_learn_and_that_order_lists_show_how_far_they_are_and_what_came_of_it(
    client, lead, catalog
):
    learning = ThinkrecRun.objects.create(
        catalog=catalog, config={"without": ["keywords"]}, state=RunState.DONE, finished_at=timezone.now(),
        progress={"tokens": 43_500}, metrics={"global": learnt(0.5), "groups": {"group-2": learnt(None)}},
    )  # fmt: skip
    scoring = ScoringRun.objects.create(
        catalog=catalog, config={"top": 20}, state=RunState.RUNNING,
        progress={"stage": "scoring", "done": 3, "of": 20, "seconds_left": 130},
        metrics={"model": "smollm2", "cost": {"lists": 3, "read": 9_000, "written": 5}},
    )  # fmt: skip
    evaluation = ScoringRun.objects.create(catalog=catalog, config={"part": "valid"})  # an evaluation has its own page

    whole = page(client, "backbones")
    shown = text(whole)

    assert f"{catalog}, learning {learning.pk} without keywords Done" in shown
    assert "43,500" in shown
    assert "for everybody 6 460,800 0.5000 0.6100 – –" in shown
    assert "group 2 6 460,800 – 0.6100" in shown
    assert f"{catalog}, scoring {scoring.pk} Running" in shown
    assert (
        "Scoring lists, 3 of 20 by smollm2 Small model for trying out 3 9,005" in shown
    )  # three minutes at most, and tokens
    assert f"{catalog}, scoring {evaluation.pk} " not in shown
    assert 'hx-select="#thinkrec"' in whole  # asks for itself while something runs


def test_a_lead_stops_a_learning_and_a_scoring_and_reads_how_the_latter_goes_on(client, lead, catalog):
    learning = ThinkrecRun.objects.create(catalog=catalog, config={}, state=RunState.RUNNING)
    scoring = ScoringRun.objects.create(catalog=catalog, config={"top": 20})

    said = [
        text(client.post(reverse(f"reviews:{name}", args=[run.pk]), follow=True).content.decode())
        for name, run in (("cancel_learning", learning), ("cancel_scoring", scoring), ("cancel_scoring", scoring))
    ]

    assert "nothing of it is kept" in said[0]
    assert f"score_lists films --resume {scoring.pk} goes on" in said[1]
    assert "That had ended before." in said[2]
    for run in (learning, scoring):
        run.refresh_from_db()
        assert run.state == RunState.CANCELLED
    assert "hx-select" not in page(client, "backbones")

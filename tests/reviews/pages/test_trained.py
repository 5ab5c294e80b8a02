"""A version's page says in words how the version was trained."""

import math

import pytest
from django.urls import reverse

from recommender.artifacts.kernels import Found
from recommender.recipe import STORED_AS, SWITCHES
from reviews.pages.backbones import trained
from tests import builders
from tests.recommender.promotion.versions import make_version
from tests.reviews.pages.test_backbones import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    made = make_version(builders.make_catalog("films"))
    before = {"valid": {"logloss": 0.53, "ece": 0.04}, "test": {"logloss": 0.54, "ece": 0.05}}
    made.metrics["with_knowledge"] |= {
        "calibration": {"method": "platt", "slope": 0.9, "intercept": -0.2, "before": before},
        "knowledge_gates": {"end_user": 0.03, "item": 0.41},
    }
    made.save()
    return made


def page(client, version):
    client.force_login(builders.make_account(role="pm"))
    return text(client.get(reverse("reviews:backbone", args=[version.pk])).content.decode())


def test_calibration_stands_before_beside_after(client, version):
    shown = page(client, version)

    assert "Platt calibration" in shown
    assert "Test LogLoss 0.5400 0.5000 Test ECE 0.0500 0.0200" in shown
    assert "Valid LogLoss 0.5300 0.5000" in shown
    assert "Slope 0.900, intercept −0.2000" in shown


def test_gates_are_words_and_shares(client, version):
    shown = page(client, version)

    assert "Texts about users The model learned to use them at 3 % strength (it started at 12 %): not used" in shown
    assert (
        "Texts about items The model learned to use them at 41 % strength (it started at 12 %): used in part" in shown
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "not used"),
        (0.05, "practically"),
        (0.12, "practically"),
        (0.2, "used in part"),
        (0.6, "fully"),
        (1, "fully"),
    ],
)
def test_every_share_has_its_word(version, share, words):
    version.metrics["with_knowledge"]["knowledge_gates"] = {"item": share}

    assert trained.openings(version)[0].words.startswith(words)


def test_the_start_is_the_adapters():
    from recommender.backbones.adapter import GATE_START

    assert 1 / (1 + math.exp(-GATE_START)) == pytest.approx(trained.GATE_START, abs=0.005)


def test_what_was_chosen_and_left_out_is_named(client, version):
    chosen = {
        "split": "kar",
        "fold": 3,
        "adapter": "mlp",
        "whiten": 64,
        "low_activity": "items",
        STORED_AS["drift"]: False,
    }
    version.config |= {**chosen, "metadata_text": True, "knowledge_source": "shuffled", "demographics": False}
    version.save()
    shown = page(client, version)

    assert "Split kar, fold 3: a tenth" in shown
    assert "MLP: a perceptron" in shown
    assert "whitened to 64 directions" in shown
    assert "below 20 interactions" in shown
    assert "the texts of other subjects: a control" in shown
    assert "titles and attributes as encoded sentences" in shown
    assert "Left out Demographics, Drift" in shown


@pytest.mark.parametrize(("gain", "said"), [(0.0153, "takes 1.5 % off the error"), (0.0, "not bear it out")])
def test_what_statements_were_worth_is_said(version, gain, said):
    version.metrics["claims"] = {"gain": gain}

    assert said in dict(trained.facts(version))["What texts say users like and dislike"]


def test_an_older_version_without_these_says_less(client, version):
    version.config = {"backbone": "din"}
    for name in ("calibration", "knowledge_gates"):
        del version.metrics["with_knowledge"][name]
    version.save()
    shown = page(client, version)

    assert "not calibrated" in shown
    assert "learned to use" not in shown
    assert "Left out nothing" in shown


def test_without_knowledge_nothing_is_said_of_adapters_and_gates(version):
    version.config |= dict.fromkeys(SWITCHES, False)
    version.metrics["texts"] = 0

    assert [label for label, _ in trained.facts(version)] == ["Split", "Left out", "Compiled kernels"]
    assert trained.openings(version) == []


@pytest.mark.parametrize(
    ("weight", "said"),
    [(0.4, "takes 1.2 % off the error on 1,200 opinions of 60 users"), (0.0, "moves nothing: on 1,200 opinions")],
)
def test_what_an_ais_answers_are_worth_is_said_in_words(version, weight, said):
    version.metrics["llm_scores"] = {"weight": weight, "gain": 0.012, "ratings": 1200, "users": 60}
    assert said in dict(trained.facts(version))["What an AI answered about items"]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Found("x86-64-v4", "g++ 12.2.0", proven=True), "run here: compiled by g++ 12.2.0 for x86-64-v4 when"),
        (
            Found("x86-64-v3"),
            "fit this machine, and run if the golden users score the same with them: compiled",
        ),
        (Found(why_not="none were compiled with it"), "not run here: none were compiled with it"),
    ],
)
def test_whether_kernels_run_is_said_with_the_reason(client, version, monkeypatch, found, said):
    monkeypatch.setattr(trained.kernels, "look", lambda version: found)

    assert f"Compiled kernels {said}" in page(client, version)

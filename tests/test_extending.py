"""What docs/extending.md promises: a backbone, a signal and a ranker join by their rows alone."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import clear_url_caches, get_resolver, reverse
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.models import Account, Catalog, EndUser, Role, RunState, TrainingRun, VersionState
from recommender.recipe import BACKBONES, TrainConfig
from recommender.serving import rankers
from recommender.serving.recommend import recommend
from recommender.serving.request import Request, best
from recommender.serving.types import Ranked
from recommender.setting import Choice
from recommender.signals import registry as signals
from tests import builders
from tests.architecture.repository import ROOT
from tests.carried_out import with_examination
from tests.recommender.signals.popularity import PopularitySignal
from tests.recommender.training import synthetic

pytestmark = [pytest.mark.django_db, pytest.mark.once]
QUICK = {"epochs": 1, "embedding": 4, "history": 5, "head": [8], "adapter_hidden": 8, "adapter_width": 4}


def newest_first(request: Request, *, attribute: bool) -> Ranked:
    return Ranked("backbone", best(request, np.arange(len(request.item_ids), dtype=np.float64)))


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch, settings: Any, tiny_encoder: str, tmp_path: Path) -> None:
    from recommender.backbones import registry as backbones
    from recommender.backbones.deepfm import DeepFm

    class Plain(DeepFm):
        """Another architecture under a name of its own."""

    settings.ENCODER, settings.VAR_DIR = tiny_encoder, tmp_path
    monkeypatch.setitem(BACKBONES, "plain", Choice("Plain", "a wish of a stranger"))
    monkeypatch.setitem(backbones.ARCHITECTURES, "plain", Plain)
    monkeypatch.setitem(signals.REGISTRY, "popularity", PopularitySignal())
    monkeypatch.setitem(rankers.RANKERS, "newest first", newest_first)


@pytest.fixture
def lead(db: None) -> Account:
    return builders.make_account("lena", role=Role.LEAD)


@pytest.fixture
def catalog(db: None) -> Catalog:
    return synthetic.in_database("films")


@pytest.mark.usefixtures("extended")
def test_the_urlconf_loads() -> None:
    clear_url_caches()
    assert isinstance(get_resolver().urlconf_module, ModuleType)
    assert get_resolver().url_patterns


@pytest.mark.usefixtures("extended")
def test_a_new_backbone_and_signal_are_offered_trained_and_served(lead: Account, catalog: Catalog, broker: str) -> None:
    browser = Client()
    browser.force_login(lead)
    form = browser.get(reverse("reviews:train_backbone")).content.decode()
    assert re.search(r'<option value="plain">Plain: a wish of a stranger', form)
    browser.post(reverse("reviews:train_backbone"), {"catalog": "films", "backbone": "plain", "split": "r4ec"})
    asked = TrainingRun.objects.get()
    assert TrainConfig.from_json(asked.config).backbone == "plain"

    asked.config, asked.activate = TrainConfig.from_json(asked.config | QUICK).to_json(), True
    asked.save()
    version = with_examination(asked).version
    assert (asked.state, asked.error, version.state) == (RunState.DONE, "", VersionState.ACTIVE)
    for page in (reverse("reviews:backbones"), reverse("reviews:backbone", args=[version.pk])):
        assert browser.get(page).status_code == 200

    _, key = create_token("shop", account=lead)
    address = reverse("api:recommendations", args=["films", "u000"])
    answer = APIClient().get(address, {"limit": 3}, headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["source"], len(answer.json()["items"])) == (200, "backbone", 3)


@pytest.mark.usefixtures("extended")
def test_a_new_ranker_answers_its_scenario(catalog: Catalog) -> None:
    reader = EndUser.objects.select_related("catalog").get(catalog=catalog, external_id="u000")
    served = recommend(reader, limit=3, scenario="newest first")
    assert (len(served.items), served.degraded) == (3, False)


def test_every_addition_touches_at_most_three_files() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    rows = re.findall(r"^\| an? \*\*([\w ]+)\*\*[^|]*\| (.*?) \|", page, re.MULTILINE)
    assert {"verdict", "backbone", "signal", "importer", "prompt", "run kind", "ranker", "queue", "chart"} <= {
        name for name, _ in rows
    }
    for name, files in rows:
        assert len(files.split(" · ")) <= 3, name


def test_every_file_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    named = re.findall(r"(?<!\*)`((?:recommender|reviews|worker|templates|static|docs|tests)/[\w./-]+\.\w+)`", page)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).is_file()] == []

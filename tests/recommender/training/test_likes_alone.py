"""A shop that knows purchases and likes alone: from its events over REST to lists of a trained model."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse
from rest_framework.test import APIClient

from recommender.accounts.tokens import create_token
from recommender.artifacts import files, golden
from recommender.dataset.interactions import read_interactions
from recommender.dataset.split import split
from recommender.models import Catalog, Interaction, Recommendation, Role, RunState, TokenScope, VersionState
from recommender.recipe import TrainConfig
from recommender.runs import service as runs
from recommender.runs.errors import TooLittleDataError
from recommender.runs.kinds import TRAINING
from recommender.serving.log import replay
from recommender.training.prepare import read
from tests.builders import make_account, make_catalog
from tests.carried_out import with_examination
from tests.recommender.training import synthetic
from tests.recommender.training.test_service import QUICK

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ITEMS, PEOPLE = 80, 24
GENRES = len(synthetic.GENRES)
LIKES = TrainConfig.from_json(QUICK.to_json() | {"epochs": 6, "learning_rate": 0.01})


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


@pytest.fixture
def keeper():
    return make_account("keeper", role=Role.LEAD)


@pytest.fixture
def call(keeper) -> Callable[..., dict[str, Any]]:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token('shop', account=keeper, scopes=list(TokenScope))[1]}")

    def send(path: str, data: dict[str, Any]) -> dict[str, Any]:
        answer = api.post(f"/api/v1/catalogs/shop/{path}", json.dumps(data), content_type="application/json")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    return send


@pytest.fixture
def shop(call) -> Catalog:
    """People who buy and like things of one genre each, twenty of them, and nothing else."""
    catalog = make_catalog("shop")
    rows = [
        {"item_id": f"i{n:02}", "title": f"Thing {n}", "attributes": {"kind": synthetic.GENRES[n % GENRES]}}
        for n in range(ITEMS)
    ]
    assert call("items:batch", {"items": rows})["created"] == ITEMS
    events, source = [], np.random.default_rng(1)
    for person in range(PEOPLE):
        mine = [n for n in range(ITEMS) if n % GENRES == person % GENRES]
        others = [n for n in range(ITEMS) if n % GENRES != person % GENRES]
        met = [*source.choice(mine, 14, replace=False).tolist(), *source.choice(others, 4, replace=False).tolist()]
        for place, item in enumerate(source.permutation(met).tolist()):
            events.append(
                {
                    "event_id": f"{person}-{place}",
                    "type": "purchase" if place % 2 else "like",
                    "user_id": f"p{person:02}",
                    "item_id": f"i{item:02}",
                    "time": f"2026-03-{1 + place:02}T12:{person:02}:00Z",
                }
            )
    assert call("events:batch?create=true", {"events": events})["accepted"] == PEOPLE * 18
    return catalog


def trained(catalog: Catalog, **choices: Any) -> Any:
    recipe = LIKES.but(**choices)
    return with_examination(
        runs.request(TRAINING, queue=False, catalog=catalog, config=recipe.to_json(), activate=True)
    )


def test_a_shop_that_knows_likes_and_purchases_alone_gets_lists_of_a_model(shop, call, client, keeper, capsys):
    before = list(Interaction.objects.order_by("pk").values_list())
    run = trained(shop)
    version = run.version

    assert (run.state, run.error, version.state) == (RunState.DONE, "", VersionState.ACTIVE)
    samples = version.metrics["samples"]
    assert all(part["drawn"] == 4 * part["positives"] for part in samples.values())
    assert version.drawn == 4
    assert version.metrics["with_knowledge"]["test"]["auc"] > 0.6
    assert list(Interaction.objects.order_by("pk").values_list()) == before, "nothing is written"

    theirs = 0
    for person in range(8):
        answer = call(f"users/p{person:02}/recommendations", {"limit": 5, "explain": "short"})
        assert (answer["source"], answer["degraded"]) == ("backbone", False)
        assert answer["score_kind"] == "relative_preference"
        theirs += sum(int(one["item_id"][1:]) % GENRES == person % GENRES for one in answer["items"])
        met = set(Interaction.objects.filter(end_user__external_id=f"p{person:02}").values_list("item__external_id"))
        for one in answer["items"]:
            for reason in one["reasons"]:
                if reason["kind"] == "history":
                    assert (reason["item_id"],) in met
                    assert reason["direction"] in ("for", "against")
    assert theirs > 20, "of 40; by chance 10"

    logged = Recommendation.objects.select_related("backbone__snapshot", "experiment").latest("created_at")
    assert replay(logged).score_kind == "relative_preference"

    with np.load(files.folder_of(version) / "test.npz", allow_pickle=False) as stored:
        assert stored["drawn"].sum() == samples["test"]["drawn"]
        assert (stored["liked"] == ~stored["drawn"]).all()
    history = Interaction.objects.filter(end_user__external_id="p00").count()
    assert all(len(one.history) == history for one in golden.read(files.folder_of(version)))

    client.force_login(keeper)
    for page in (reverse("reviews:backbone", args=[version.pk]), reverse("reviews:training_run", args=[run.pk])):
        assert "4 drawn for each like: nobody said no" in client.get(page).content.decode()

    second = trained(shop).version
    gates = {one["name"]: one for one in second.examinations.get().gates}
    assert gates["gauc"]["value"] == 0, "the same seed draws the same, and trains the same"
    facts = second.examinations.get().facts
    assert (facts["drawn"], facts["rows"]) == (samples["test"]["drawn"], samples["test"]["samples"])
    assert second.data_hash == version.data_hash

    call_command("describe_split", "shop", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["drawn"] == {"each": 4} | {part: samples[part]["drawn"] for part in samples}
    call_command("describe_split", "shop")
    assert "4 drawn for each like: nobody said no" in capsys.readouterr().out


def test_where_none_may_be_drawn_it_says_what_to_do(shop):
    with pytest.raises(TooLittleDataError, match="negatives above 0"):
        read(shop, TrainConfig(negatives=0))


def test_a_catalog_with_dislikes_is_untouched():
    catalog = synthetic.in_database()
    data, codes = read(catalog, TrainConfig(negatives=4))
    plain = read_interactions(catalog)

    assert data.drawn_for is None
    assert data.hash() == plain.hash()
    assert (codes == split("r4ec", plain.end_user, plain.liked)).all()
    for name in ("keys", "end_user", "item", "moment", "liked", "feedback"):
        assert getattr(data, name).tobytes() == getattr(plain, name).tobytes()
    other, _ = read(catalog, TrainConfig(negatives=0))
    assert other.hash() == data.hash()

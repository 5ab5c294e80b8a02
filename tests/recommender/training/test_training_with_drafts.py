"""A whole training run on kept drafts, texts of several moments, and low-activity end users; and what is served."""

import json

import numpy as np
import pytest

from recommender.artifacts import files, verified
from recommender.artifacts.writing import restore
from recommender.backbones.adapter import END_USER
from recommender.dataset import low_activity
from recommender.dataset.interactions import read_interactions
from recommender.dataset.texts import read_texts
from recommender.knowledge.service import accept
from recommender.models import EndUser, Interaction, Item, KnowledgeVector, RunState
from recommender.runs import service as runs
from recommender.runs.kinds import TRAINING
from tests.builders import make_drafts
from tests.carried_out import carried_out
from tests.recommender.training import synthetic
from tests.recommender.training.test_service import QUICK

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def quick_encoder(settings, tiny_encoder, tmp_path):
    settings.ENCODER = tiny_encoder
    settings.VAR_DIR = tmp_path


@pytest.mark.slow
def test_everything_known_is_trained_on_and_served():
    import torch

    catalog = synthetic.in_database()
    of_user = {user.external_id: user for user in EndUser.objects.filter(catalog=catalog)}
    items = list(Item.objects.filter(catalog=catalog).order_by("external_id"))
    quiet = of_user["u005"]
    kept = Interaction.objects.filter(end_user=quiet).oldest_first()[:4].values_list("pk", flat=True)
    Interaction.objects.filter(end_user=quiet).exclude(pk__in=list(kept)).delete()
    for item in items:
        synthetic.approve(item, f"about {item.external_id}", as_of=0)
    synthetic.approve(of_user["u000"], "likes what is early", as_of=1050)
    round_ = make_drafts(of_user["u000"], ("likes rain", ""), ("likes the sun", "no"), ("likes snow", ""), as_of=1100)
    first, _, third = round_.turns.filter(kind="reason").order_by("index")
    accept(first, further=[third])

    config = QUICK.but(low_activity="items", low_activity_below=6)
    run = carried_out(runs.request(TRAINING, queue=False, catalog=catalog, config=config.to_json()))
    assert (run.state, run.error) == (RunState.DONE, "")
    version = run.version

    interactions = read_interactions(catalog)
    texts = read_texts(version.snapshot, interactions)
    known = low_activity.use_items(texts, interactions, below=6)
    encoded = {v.text_hash: np.frombuffer(bytes(v.vector), "<f4") for v in KnowledgeVector.objects.all()}
    matrix = known.with_sets(known.matrix(encoded))
    latest = known.latest("end_user")
    numbers = {name: number for number, name in enumerate(interactions.end_users)}
    assert np.allclose(matrix[latest[numbers["u000"]]], (encoded[first.text_hash] + encoded[third.text_hash]) / 2)
    met = [item.external_id for item in items if quiet.interactions.filter(item=item).exists()]
    about = [encoded[text.text_hash] for text in known.texts if text.text in {f"about {name}" for name in met}]
    assert len(about) == len(met) == 4
    assert np.allclose(matrix[latest[numbers["u005"]]], np.mean(about, axis=0), atol=1e-6)

    folder = files.folder_of(version)
    served = json.loads((folder / "ids.json").read_text())["end_users"]
    assert sorted(served) == ["u000", "u005"]
    backbone = restore(folder, matrix)
    rows = np.load(folder / "end_users.npy")
    assert backbone.knowledge is not None
    with torch.inference_mode():
        adapted = backbone.knowledge.fields(torch.tensor([0, *(latest[numbers[name]] for name in served)]), END_USER)
    assert np.allclose(rows, adapted.numpy(), atol=1e-6)
    assert len(np.unique(rows, axis=0)) == 3
    assert verified.load(version).score("u005", []).shape == (len(items),)
    # The early text serves end user u000's interactions from its moment on, the drafts those from theirs on.
    texts_of, _ = known.assign(interactions)
    own = interactions.end_user == numbers["u000"]
    as_of = [known.texts[row - 1].as_of if 0 < row <= len(known.texts) else None for row in texts_of[own]]
    assert set(as_of) == {None, 1050, 1100}
    assert all(at is None or at <= moment for at, moment in zip(as_of, interactions.moment[own], strict=True))

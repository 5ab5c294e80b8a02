import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

from recommender.artifacts import graph, ranker, writing
from recommender.dataset.examples import Arrays
from recommender.dataset.numbering import FIRST_ITEM
from recommender.signals.protocol import Candidates
from recommender.training import loop
from tests.recommender.training.fitting import SMALL, fitted
from tests.recommender.training.synthetic import Silent, attributes_of

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def trained():
    return fitted()


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backbones") / "1"
    writing.write(
        folder,
        trained.backbone,
        SMALL,
        trained.interactions,
        trained.knowledge,
        signals=trained.signals,
        demographics=trained.examples.demographics,
        facts={"data": "d"},
    )
    return folder


def test_a_saved_backbone_scores_as_the_trained_one(trained, folder):
    restored = writing.restore(folder, trained.vectors)
    one, other = (
        loop.predict(backbone, trained.examples, trained.parts.test, observer=Silent())
        for backbone in (trained.backbone, restored)
    )

    assert (one == other).all()


def test_the_served_graph_scores_as_the_trained_backbone(trained, folder):
    """Newest knowledge and the end user's whole history, as serving has them."""
    loaded, data = ranker.read(folder), trained.interactions
    texts = trained.knowledge
    for number in (0, 1, 2, 7):
        own = np.flatnonzero(data.end_user == number)
        history = [Entry(data.items[data.item[row]], data.feedback[row]) for row in own]
        served = loaded.score(data.end_users[number], history, attributes=attributes_of(number))
        eager = torch.sigmoid(
            trained.backbone(
                loop.to_batch(
                    Arrays(
                        item=FIRST_ITEM + np.arange(len(data.items))[None],
                        history_item=FIRST_ITEM + data.item[own[-SMALL.history :]].astype(np.int64)[None],
                        history_feedback=data.feedback[own[-SMALL.history :]].astype(np.int64)[None],
                        end_user_text=np.array([texts.latest("end_user").get(number, 0)]),
                        item_text=np.array([[texts.latest("item").get(n, 0) for n in range(len(data.items))]]),
                        signals=readings(trained, own)[None],
                        end_user_tokens=trained.examples.end_user_tokens[[number]].astype(np.int64),
                    )
                )
            )
        )

        np.testing.assert_allclose(served, eager.detach().numpy()[0], atol=1e-5)


def readings(trained, own):
    """What the signals say of every item after the interactions `own`."""
    data, items = trained.interactions, len(trained.interactions.items)
    return trained.signals.read(
        Candidates(
            data.end_users[data.end_user[own[0]]],
            met=data.item[own].astype(np.int64),
            liked=data.liked[own],
            item=np.arange(items),
            end_user_text=0,
            item_text=np.zeros(items, dtype=np.int64),
        )
    )


class Entry:
    """A history entry whose rating gives back a bucket of the 1-to-5 scale."""

    label = None

    def __init__(self, item_id, bucket):
        self.item_id, self.rating = item_id, 1 + (int(bucket) - 4) / 2


def test_the_manifest_says_how_the_artifact_was_made_and_what_is_in_it(folder):
    manifest = json.loads((folder / "manifest.json").read_text())

    assert manifest["config"] == SMALL.to_json()
    assert manifest["data"] == "d"
    assert max(manifest["parity"].values()) <= graph.TOLERANCE
    assert set(manifest["files"]) == {
        "weights.safetensors",
        "model.onnx",
        "end_users.npy",
        "ids.json",
        "signal_statistics.npz",
        "signal_gaussian_process.npz",
        "demographics.json",
    }


def test_knowledge_is_folded_of_end_users_to_the_adapters_width_and_of_items_into_the_heads_first_layer(
    trained, folder
):
    tables = np.load(folder / "end_users.npy")
    in_graph = {one.name: list(one.dims) for one in onnx.load(folder / "model.onnx").graph.initializer}

    assert tables.shape == (1 + len(trained.knowledge.latest("end_user")), SMALL.adapter_width + 1)
    assert in_graph["rows"] == [FIRST_ITEM + len(trained.interactions.items), trained.backbone.head[0].out_features]
    assert not any(trained.vectors.shape[1] in dims for dims in in_graph.values())


def test_a_backbone_without_knowledge_exports_too(tmp_path):
    found = fitted(knowledge=False)
    writing.write(
        tmp_path / "1",
        found.backbone,
        SMALL,
        found.interactions,
        found.knowledge,
        signals=found.signals,
        demographics=found.examples.demographics,
        facts={},
    )
    scores = ranker.read(tmp_path / "1").score("u000", [])

    assert scores.shape == (len(found.interactions.items),)
    assert np.isfinite(scores).all()


def test_a_failed_export_leaves_nothing_behind(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(graph, "TOLERANCE", -1.0)
    with pytest.raises(graph.ParityError):
        writing.write(
            tmp_path / "1",
            trained.backbone,
            SMALL,
            trained.interactions,
            trained.knowledge,
            signals=trained.signals,
            demographics=trained.examples.demographics,
            facts={},
        )

    assert list(tmp_path.iterdir()) == []


def test_scoring_an_artifact_loads_no_torch(folder):
    program = (
        "import sys, pathlib, django; django.setup()\n"
        "from recommender.artifacts import ranker\n"
        f"ranker.read(pathlib.Path({str(folder)!r})).score('u000', [])\n"
        "print([name for name in ('torch', 'transformers', 'onnx', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**__import__("os").environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )

    assert done.stdout.strip() == "[]"

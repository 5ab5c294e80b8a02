import numpy as np
import pytest
from django.conf import settings

from recommender.dataset.histories import FROZEN, STREAMING
from recommender.evaluation import fits
from recommender.evaluation.arms import Study
from recommender.evaluation.figures import FitKey
from recommender.knowledge.snapshots import freeze
from recommender.models import EndUser, Item
from tests.recommender.training import synthetic

pytestmark = pytest.mark.once

SMALL = {"epochs": 1, "embedding": 4, "history": 5, "head": [8], "adapter_hidden": 8, "adapter_width": 4}


@pytest.fixture
def snapshot(db, settings, tiny_encoder):
    settings.ENCODER = tiny_encoder
    catalog = synthetic.in_database(end_users=16)
    for number in range(0, 40, 2):
        synthetic.approve(Item.objects.get(catalog=catalog, external_id=f"i{number:03}"), f"about {number}", as_of=999)
    synthetic.approve(EndUser.objects.get(catalog=catalog, external_id="u003"), "likes much", as_of=1100)
    return freeze(catalog, encoder=tiny_encoder)


def run(study, snapshot, *, done=(), observer=None):
    outcomes, facts = [], []
    samples = []

    def opened(found, tested):
        facts.append(found)
        samples.append(tested)
        return set(done)

    fits.run(
        study,
        snapshot,
        encoder_name=settings.ENCODER,
        opened=opened,
        store=outcomes.append,
        observer=observer or synthetic.Silent(),
    )
    return outcomes, facts[0], samples[0]


def test_every_arm_is_fitted_with_every_seed_and_predicts_the_same_test_part(snapshot):
    study = Study(arms=("base", "knowledge", "field", "signal", "numeric"), seeds=2, settings=SMALL)
    outcomes, facts, tested = run(study, snapshot)

    assert [one.key for one in outcomes] == [
        FitKey("din", arm, seed) for arm in ("base", "knowledge", "field", "signal", "numeric") for seed in (1, 2)
    ]
    assert facts["texts"] == 21
    assert facts["samples"]["test"]["labelled"] == len(tested.label)
    for one in outcomes:
        assert set(one.probability) == {STREAMING, FROZEN}
        assert all(len(values) == len(tested.label) for values in one.probability.values())
        assert [epoch["number"] for epoch in one.epochs] == [1]
    by = {one.key: one.probability[STREAMING] for one in outcomes}
    assert not np.allclose(by[FitKey("din", "base", 1)], by[FitKey("din", "base", 2)])
    for arm in ("knowledge", "field", "signal", "numeric"):
        assert not np.allclose(by[FitKey("din", arm, 1)], by[FitKey("din", "base", 1)])


def test_what_is_done_is_left_out_and_the_rest_comes_out_the_same(snapshot):
    study = Study(arms=("base", "random"), seeds=2, settings=SMALL)
    whole, facts, _ = run(study, snapshot)
    rest, again, _ = run(study, snapshot, done=[one.key for one in whole[:3]])

    assert [one.key for one in rest] == [FitKey("din", "random", 2)]
    assert (rest[0].probability[FROZEN] == whole[3].probability[FROZEN]).all()
    assert again == facts


def test_signals_are_computed_once_for_each_arm_and_not_for_each_seed(snapshot, monkeypatch):
    from recommender.signals import registry

    counted = []
    fit = registry.fit
    monkeypatch.setattr(registry, "fit", lambda *a, **k: counted.append(k.get("without") is not None) or fit(*a, **k))
    run(Study(arms=("base", "knowledge", "shuffled"), seeds=2, settings=SMALL), snapshot)

    assert counted == [False, True, True]


def test_metadata_texts_join_the_base_when_they_are_asked_for(snapshot):
    plain, _, _ = run(Study(arms=("base",), seeds=1, settings=SMALL), snapshot)
    harder, _, _ = run(Study(arms=("base",), seeds=1, settings=SMALL | {"metadata_text": True}), snapshot)

    assert not np.allclose(plain[0].probability[STREAMING], harder[0].probability[STREAMING])


def test_lists_are_ranked_for_as_many_end_users_as_asked(snapshot):
    study = Study(arms=("base", "knowledge"), seeds=1, settings=SMALL, ranking=5)
    outcomes, _, _ = run(study, snapshot)

    for one in outcomes:
        assert {len(values) for values in one.lists.values()} == {5}
        assert np.nanmax(one.lists["recall@10"]) <= 1
    assert not run(Study(arms=("base",), seeds=1, settings=SMALL), snapshot)[0][0].lists

"""Both arms of a training run, from a catalog to the losses."""

import pytest
from django.conf import settings as configured

from recommender.knowledge.snapshots import freeze
from recommender.models import EndUser, Item
from recommender.recipe import TrainConfig
from recommender.runs.observer import WITH, WITHOUT
from recommender.training.pipeline import train
from tests.recommender.training import synthetic


class Diary(synthetic.Silent):
    def __init__(self):
        self.losses = {}

    def epoch(self, epoch):
        self.losses.setdefault(epoch.model, []).append(epoch.train_loss)


EXPECTED = {WITHOUT: [0.704948, 0.697756], WITH: [0.709572, 0.706869]}


@pytest.mark.django_db
@pytest.mark.parametrize("refit", [False, True])
def test_the_losses_of_a_whole_run_at_a_fixed_seed_are_the_expected_ones(settings, tiny_encoder, tmp_path, refit):
    """A change here means that the method changed: say so in the changelog, then put the new numbers in."""
    settings.ENCODER = tiny_encoder
    catalog = synthetic.in_database(end_users=16)
    for number in range(0, 40, 2):
        item = Item.objects.get(catalog=catalog, external_id=f"i{number:03}")
        synthetic.approve(item, f"A {synthetic.GENRES[number % 4]}. It is short.", as_of=1050 if number % 6 else 999)
    for name, text in (("u000", "Likes comedies. Avoids dramas."), ("u005", "Likes horror; avoids westerns.")):
        synthetic.approve(EndUser.objects.get(catalog=catalog, external_id=name), text, as_of=1040)
    sizes = {"embedding": 4, "history": 5, "head": (8,), "adapter_hidden": 8, "adapter_width": 4}
    config, diary = TrainConfig(seed=11, epochs=2, refit=refit, **sizes), Diary()
    snapshot = freeze(catalog, encoder=tiny_encoder)
    trained = train(snapshot, config, tmp_path / "1", encoder_name=configured.ENCODER, observer=diary)

    assert not trained.metrics["same_model"]
    assert set(diary.losses) == set(EXPECTED)
    for arm, losses in EXPECTED.items():
        assert diary.losses[arm] == pytest.approx(losses, abs=2e-4)
    assert max(trained.metrics["parity"].values()) < 1e-5
    assert ("refit_seconds" in trained.metrics[WITH]) == refit

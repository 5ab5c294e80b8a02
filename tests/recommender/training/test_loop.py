import numpy as np
import pytest
import torch

from recommender.dataset.split import Parts
from recommender.recipe import TrainConfig
from recommender.runs.errors import StoppedError
from recommender.training import loop
from tests.recommender.training.fitting import SMALL, fitted
from tests.recommender.training.synthetic import Silent


class Diary(Silent):
    def __init__(self):
        self.epochs = []

    def epoch(self, epoch):
        self.epochs.append(epoch)


def test_planted_tastes_are_found():
    """One rating in ten is noise: an AUC of about 0.9 is all there is."""
    found = fitted(TrainConfig(), knowledge=False, end_users=150, each=38)

    assert found.fit.test.auc > 0.85
    assert found.fit.test.gauc > 0.85


def test_a_backbone_can_memorise_200_rows():
    config = SMALL.but(embedding=16, head=(64,), epochs=1, learning_rate=0.01, knowledge_dropout=0.0, rare_below=0)
    start = fitted(config)
    rows = start.parts.train[:200]
    config = config.but(epochs=60, patience=60)
    found = loop.fit(
        start.backbone, start.examples, Parts(rows, rows, rows), config, model="with_knowledge", observer=Silent()
    )

    assert found.test.auc > 0.999
    assert found.test.logloss < 0.05


def test_the_same_seed_gives_the_same_losses_and_another_seed_others():
    diaries = [Diary(), Diary(), Diary()]
    for diary, seed in zip(diaries, (5, 5, 6), strict=True):
        fitted(SMALL.but(epochs=2, seed=seed), observer=diary)
    one, same, other = ([epoch.train_loss for epoch in diary.epochs] for diary in diaries)

    assert one == same
    assert one != other


EXPECTED = [0.704807, 0.693451, 0.684529]


def test_the_loss_at_a_fixed_seed_is_the_expected_one():
    """A change here means that the method changed: say so in the changelog, then put the new numbers in."""
    diary = Diary()
    fitted(SMALL.but(epochs=3, seed=11, demographics=False, knowledge_gate=False), observer=diary)

    assert [epoch.train_loss for epoch in diary.epochs] == pytest.approx(EXPECTED, abs=2e-4)


def test_the_best_epoch_on_valid_is_what_is_kept():
    diary = Diary()
    found = fitted(SMALL.but(epochs=30, patience=4, learning_rate=0.05), observer=diary)
    losses = [epoch.valid.logloss for epoch in diary.epochs]

    assert found.fit.best_epoch == 1 + int(np.argmin(losses))
    assert found.fit.details["calibration"]["before"]["valid"]["logloss"] == min(losses)
    assert found.fit.epochs == min(30, found.fit.best_epoch + 4)


def test_the_test_part_is_read_once_after_the_last_epoch(monkeypatch):
    read = []
    evaluate = loop.evaluate

    def noted(backbone, examples, rows, *, observer):
        read.append(len(rows))
        return evaluate(backbone, examples, rows, observer=observer)

    monkeypatch.setattr(loop, "evaluate", noted)
    found = fitted(SMALL.but(epochs=3, patience=3))

    assert read == [len(found.parts.valid)] * 4 + [len(found.parts.test)]


def test_a_stop_from_the_observer_ends_the_fit_at_once():
    class Stopping(Silent):
        def at(self, stage, done, of):
            if done == 3:
                raise StoppedError

    with pytest.raises(StoppedError):
        fitted(observer=Stopping())


def test_batches_follow_the_number_of_samples():
    assert [loop.batch_size(n) for n in (1, 5_000, 70_000, 10_000_000)] == [32, 32, 512, 2048]


def test_a_fit_leaves_torchs_threads_and_random_state_as_they_were():
    torch.manual_seed(8)
    expected = torch.rand(1)
    torch.manual_seed(8)
    fitted(SMALL.but(epochs=1))

    assert torch.rand(1) == expected
    before = torch.get_num_threads()
    with loop.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("compile_", "samples", "worth"),
    [("auto", 400, False), ("auto", 99_999, True), ("on", 1, True), ("off", 10**9, False)],
)
def test_kernels_are_compiled_where_the_fit_pays_for_them_and_gone_afterwards(compile_, samples, worth):
    asked = []

    class Network:
        def accelerate(self, on):
            asked.append(on)

    with loop.accelerated(Network(), TrainConfig(compile=compile_, epochs=20), samples):
        assert asked == [worth]
    assert asked == [worth, False]


def test_a_fit_with_kernels_learns_what_one_without_does():
    sizes = SMALL.but(embedding=16, attention=(16, 16), epochs=2)
    diaries = [Diary(), Diary()]
    for diary, compile_ in zip(diaries, ("on", "off"), strict=True):
        fitted(sizes.but(compile=compile_), observer=diary)
    one, other = ([epoch.train_loss for epoch in diary.epochs] for diary in diaries)

    assert one == pytest.approx(other, abs=1e-5)

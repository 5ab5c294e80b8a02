"""The mixed objective against numbers worked out by hand, and the learning rate step by step."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.thinkrec.tuning.config import ThinkrecConfig
from recommender.thinkrec.tuning.objective import IGNORED, losses, rate, weights, yes_logits

CONFIG = ThinkrecConfig(base="x")
LOGITS = torch.tensor(  # two rows, two answer tokens, a vocabulary of three: Yes 0, No 1, end 2
    [[[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[-1.0, 3.0, 0.0], [9.0, 9.0, 9.0]]]
)
ANSWERS = torch.tensor([[0, 2], [1, IGNORED]])
LABELS = torch.tensor([1.0, 0.0])


def worked_out(score: tuple[float, float]) -> tuple[float, float]:
    """The yes/no loss and the text loss of the two rows, from their formulas."""
    rec = (math.log1p(math.exp(-score[0])) + math.log1p(math.exp(score[1]))) / 2
    first = math.log(math.e**2 + 2) - 2
    second = math.log(3)
    third = math.log(math.e**-1 + math.e**3 + 1) - 3
    return rec, ((first + second) / 2 + third) / 2


@pytest.mark.parametrize(("contrast", "score"), [(False, (2.0, -1.0)), (True, (2.0, -4.0))])
@pytest.mark.parametrize(("kind", "weigh"), [("recommend", (0.9, 0.1)), ("reason", (0.1, 0.9))])
def test_the_losses_are_those_worked_out_by_hand(
    contrast: bool, score: tuple[float, float], kind: str, weigh: tuple[float, float]
) -> None:
    assert weights(CONFIG, kind) == weigh  # type: ignore[arg-type]
    scores = yes_logits(LOGITS[:, 0], yes=0, no=1, contrast=contrast)
    assert scores.tolist() == list(score)
    found = losses(scores, LABELS, LOGITS, ANSWERS, weigh=weigh)
    rec, think = worked_out(score)
    assert found.rec.item() == pytest.approx(rec, rel=1e-6)
    assert found.think.item() == pytest.approx(think, rel=1e-6)
    assert found.total.item() == pytest.approx(weigh[0] * rec + weigh[1] * think, rel=1e-6)


def test_without_contrast_the_yes_no_loss_reaches_the_logit_of_yes_alone() -> None:
    logits = LOGITS.clone().requires_grad_()
    scores = yes_logits(logits[:, 0], yes=0, no=1, contrast=False)
    losses(scores, LABELS, logits, ANSWERS, weigh=(1.0, 0.0)).total.backward()
    assert logits.grad is not None
    touched = logits.grad.nonzero().tolist()
    assert touched == [[0, 0, 0], [1, 0, 0]]
    assert logits.grad[0, 0, 0].item() == pytest.approx((1 / (1 + math.exp(-2)) - 1) / 2)


def test_the_published_settings_are_the_defaults() -> None:
    found = CONFIG
    assert (found.rank, found.alpha, found.dropout, found.targets) == (8, 16, 0.05, "query-value")
    assert (found.reason_share, found.reason_rec, found.reason_think) == (0.2, 0.1, 0.9)
    assert (found.recommend_rec, found.recommend_think, found.contrast) == (0.9, 0.1, False)
    assert (found.learning_rate, found.group_rate, found.weight_decay, found.warm_up_steps) == (1e-4, 1e-5, 1e-3, 200)
    assert (found.batch_size, found.steps, found.epochs, found.group_epochs, found.patience) == (1, 800, 50, 30, 15)
    assert (found.auc_weight, found.uauc_weight, found.seed, found.expert_share) == (1 / 4, 1 / 3, 42, 8 / 32)
    assert (found.cutoff, found.answer_cutoff) == (2048, 2048 // 5)


def test_the_rate_warms_up_from_a_tenth_and_falls_to_its_floor_at_the_last_step() -> None:
    def at(step: int, peak: float = 1e-4) -> float:
        return rate(step, of=40_000, peak=peak, config=CONFIG)

    assert at(0) == pytest.approx(1e-5)
    assert at(100) == pytest.approx(5.5e-5)
    assert at(200) == pytest.approx(1e-4)
    assert at(20_100) == pytest.approx(9e-5)
    assert at(40_000) == pytest.approx(8e-5)
    assert at(40_000, peak=1e-5) == pytest.approx(8e-6)  # where the released code rises to 8e-5


@settings(max_examples=40)
@given(of=st.integers(1, 200), warm=st.integers(0, 300), floor=st.floats(0, 1))
def test_after_its_warm_up_the_rate_never_rises_and_never_exceeds_its_peak(of: int, warm: int, floor: float) -> None:
    config = CONFIG.but(warm_up_steps=warm, floor=floor)
    rates = [rate(step, of=of, peak=1.0, config=config) for step in range(1, of + 1)]
    after = rates[min(warm, of // 10) :]
    assert after == sorted(after, reverse=True)
    assert max(rates) <= 1 + 1e-12
    assert rates[-1] == pytest.approx(floor)

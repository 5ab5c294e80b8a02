import torch

from recommender.backbones.inputs import Dropout


def test_dropout_hides_its_share_scales_the_rest_and_passes_gradients_to_it():
    torch.manual_seed(1)
    values = torch.ones(700, 501, requires_grad=True)
    dropped = Dropout(0.2).train()(values)
    dropped.sum().backward()

    assert abs((dropped == 0).float().mean().item() - 0.2) < 0.003
    assert abs(dropped.mean().item() - 1) < 0.004
    assert torch.equal(values.grad, dropped)
    # Four decisions come out of one random number: neighbours must not know of each other.
    kept = (dropped[:, :500] > 0).float().detach().reshape(-1, 4)
    assert (torch.corrcoef(kept.T) - torch.eye(4)).abs().max() < 0.02


def test_dropout_does_nothing_when_scoring_or_at_zero():
    values = torch.randn(5, 3)

    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0).train()(values) is values

"""Bringing two networks to the same weights."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

TOLERANCE = 1e-5


def same(ours: Tensor, theirs: Tensor) -> None:
    """Fail unless both are the same numbers in the same shape, to 1e-5, and not all alike."""
    assert theirs.numel() == 1 or theirs.std() > 100 * TOLERANCE
    torch.testing.assert_close(ours, theirs, atol=TOLERANCE, rtol=TOLERANCE)


def varied(network: nn.Module) -> None:
    """Draw every weight anew: zeros and ones, as biases start with, would hide a mistake."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn_like(weight) * 0.3)


def copy(source: nn.Module, target: nn.Module) -> None:
    """Copy the weights of all linear layers and convolutions of width one, in their own order."""
    from_, to = list(_linear(source)), list(_linear(target))
    assert len(from_) == len(to), f"{len(from_)} linear layers against {len(to)}"
    with torch.no_grad():
        for one, other in zip(from_, to, strict=True):
            other.weight.copy_(one.weight.reshape(other.weight.shape))
            assert (one.bias is None) == (other.bias is None)
            if one.bias is not None:
                other.bias.copy_(one.bias)


def without_batch_norm(network: nn.Module) -> nn.Module:
    """Let every batch normalisation do nothing: torch-rechub's perceptrons always have one, ours never."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d):
                setattr(module, name, nn.Identity())
    return network


def _linear(network: nn.Module) -> Iterator[nn.Module]:
    return (module for module in network.modules() if isinstance(module, (nn.Linear, nn.Conv1d)))

"""The perceptron that ends most backbones, against both peers'."""

import pytest
import torch

from recommender.backbones.inputs import Perceptron
from tests.oracles import weights

INPUTS, WIDTHS = 7, (5, 3)


@pytest.fixture
def ours():
    torch.manual_seed(1)
    perceptron = Perceptron(INPUTS, WIDTHS, dropout=0.2).eval()
    weights.varied(perceptron)
    return perceptron


def test_fuxictr_computes_the_same_perceptron(ours, fuxictr):
    theirs = fuxictr.MLP_Block(INPUTS, list(WIDTHS), output_dim=1, dropout_rates=0.2).eval()
    weights.copy(ours, theirs)
    inputs = torch.randn(6, INPUTS)

    weights.same(ours(inputs), theirs(inputs))


def test_torch_rechub_computes_the_same_perceptron_but_for_its_batch_norm(ours, rechub):
    theirs = weights.without_batch_norm(rechub.basic.layers.MLP(INPUTS, dims=list(WIDTHS), dropout=0.2)).eval()
    weights.copy(ours, theirs)
    inputs = torch.randn(6, INPUTS)

    weights.same(ours(inputs), theirs(inputs))

"""The paper's layer has no bias and, in its experiments, no activation. fuxictr adds a bias, which is zero here.

torch-rechub adds a bias and a ReLU, and halves the maps between layers unless told not to; its ReLU does nothing where
all numbers are positive, so they are. Neither peer folds the last layer.
"""

import torch

from recommender.backbones.xdeepfm import Cin
from tests.oracles import weights

FIELDS, WIDTH, MAPS = 5, 4, (6, 3, 2)


def cin():
    torch.manual_seed(1)
    ours = Cin(FIELDS, MAPS)
    weights.varied(ours)
    return ours


def copy(ours, layers, last):
    with torch.no_grad():
        for one, other in zip([*ours.layers, ours.last], layers, strict=True):
            other.weight.copy_(one.weight.unsqueeze(-1))
            other.bias.zero_()
        last.weight.copy_(ours.of_maps.weight)
        last.bias.copy_(ours.of_maps.bias)


def test_fuxictr_computes_the_same_compressed_interactions(fuxictr):
    ours, theirs = cin(), fuxictr.CompressedInteractionNet(FIELDS, list(MAPS))
    copy(ours, theirs.cin_layer.values(), theirs.fc)
    fields = torch.randn(6, FIELDS, WIDTH)

    weights.same(ours(fields), theirs(fields))


def test_torch_rechub_computes_the_same_compressed_interactions_of_positive_numbers(rechub):
    ours, theirs = cin(), rechub.basic.layers.CIN(FIELDS, list(MAPS), split_half=False)
    with torch.no_grad():
        for layer in (*ours.layers, ours.last):
            layer.weight.abs_()
    copy(ours, theirs.conv_layers, theirs.fc)
    fields = torch.rand(6, FIELDS, WIDTH)

    weights.same(ours(fields), theirs(fields))

"""torch-rechub adds the bias outside the product, x₀ ⊙ W x + b; the paper and fuxictr have x₀ ⊙ (W x + b).

Against torch-rechub the biases are therefore zero.
"""

import torch

from recommender.backbones.dcn import LAYERS
from recommender.backbones.dcnv2 import CrossNetV2
from tests.oracles import weights, whole

WIDTH = 7


def without_biases(cross):
    with torch.no_grad():
        for layer in cross.maps:
            layer.bias.zero_()


def copy_maps(ours, theirs):
    with torch.no_grad():
        for one, other in zip(ours.maps, theirs.w, strict=True):
            other.weight.copy_(one.weight)


def test_fuxictr_computes_the_same_cross_layers(fuxictr):
    torch.manual_seed(1)
    ours, theirs = CrossNetV2(WIDTH, LAYERS), fuxictr.CrossNetV2(WIDTH, LAYERS)
    weights.varied(ours)
    weights.copy(ours, theirs)
    inputs = torch.randn(6, WIDTH)

    weights.same(ours(inputs), theirs(inputs))


def test_torch_rechub_gives_the_same_probabilities_but_for_biases_and_batch_norm(rechub):
    ours, given = whole.ours("dcnv2"), whole.batch()
    without_biases(ours.cross)
    theirs = rechub.models.ranking.DCNv2(
        whole.features(rechub), LAYERS, {"dims": list(whole.HEAD)}, use_low_rank_mixture=False
    ).eval()
    whole.embed(ours, theirs)
    whole.copy_head(ours.deep, theirs.parallel_dnn)
    whole.join(theirs.linear.fc, ours.of_cross, ours.deep[-1])
    copy_maps(ours.cross, theirs.crossnet)

    weights.same(ours(given).flatten().sigmoid(), theirs(whole.inputs(given)))

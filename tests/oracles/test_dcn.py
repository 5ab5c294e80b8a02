import torch

from recommender.backbones.dcn import LAYERS, CrossNet
from tests.oracles import weights, whole

WIDTH = 7


def layers():
    torch.manual_seed(1)
    ours = CrossNet(WIDTH, LAYERS)
    weights.varied(ours)
    return ours, torch.randn(6, WIDTH)


def test_fuxictr_computes_the_same_cross_layers(fuxictr):
    (ours, inputs), theirs = layers(), fuxictr.CrossNet(WIDTH, LAYERS)
    weights.copy(ours, theirs)
    for bias, layer in zip(ours.biases, theirs.cross_net, strict=True):
        layer.bias.data.copy_(bias)

    weights.same(ours(inputs), theirs(inputs))


def test_torch_rechub_computes_the_same_cross_layers(rechub):
    (ours, inputs), theirs = layers(), rechub.basic.layers.CrossNetwork(WIDTH, LAYERS)
    weights.copy(ours, theirs)
    for bias, other in zip(ours.biases, theirs.b, strict=True):
        other.data.copy_(bias)

    weights.same(ours(inputs), theirs(inputs))


def test_torch_rechub_gives_the_same_probabilities_but_for_its_batch_norm(rechub):
    ours, given = whole.ours("dcn"), whole.batch()
    theirs = rechub.models.ranking.DCN(whole.features(rechub), LAYERS, {"dims": list(whole.HEAD)}).eval()
    whole.embed(ours, theirs)
    whole.copy_head(ours.deep, theirs.mlp)
    whole.join(theirs.linear.fc, ours.of_cross, ours.deep[-1])
    weights.copy(ours.cross, theirs.cn)
    for bias, other in zip(ours.cross.biases, theirs.cn.b, strict=True):
        other.data.copy_(bias)

    weights.same(ours(given).flatten().sigmoid(), theirs(whole.inputs(given)))

import torch

from recommender.backbones.deepfm import pairwise_products
from tests.oracles import weights, whole


def test_both_peers_compute_the_same_products_of_pairs(fuxictr, rechub):
    fields = torch.randn(6, 5, 4, generator=torch.Generator().manual_seed(1))
    ours = pairwise_products(fields).unsqueeze(-1)

    weights.same(ours, fuxictr.InnerProductInteraction(5, output="product_sum")(fields))
    weights.same(ours, rechub.basic.layers.FM(reduce_sum=True)(fields))


def test_torch_rechub_gives_the_same_probabilities_but_for_its_batch_norm(rechub):
    ours, given = whole.ours("deepfm"), whole.batch()
    fields = whole.features(rechub)
    theirs = rechub.models.ranking.DeepFM(fields, fields, {"dims": list(whole.HEAD)}).eval()
    whole.embed(ours, theirs)
    weights.copy(ours.deep, weights.without_batch_norm(theirs.mlp))
    with torch.no_grad():
        theirs.linear.fc.weight.copy_(ours.linear.weight)
        theirs.linear.fc.bias.zero_()

    weights.same(ours(given).flatten().sigmoid(), theirs(whole.inputs(given)))

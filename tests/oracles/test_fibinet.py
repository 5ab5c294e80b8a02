"""torch-rechub's model counts looked-up fields only and has no linear term, so its fields are looked up row by row here
and our linear term is zero. It weighs the fields and then multiplies them; ours weighs the products.
"""

import pytest
import torch

from recommender.backbones.fibinet import REDUCTION, BilinearPairs, Senet
from tests.oracles import weights, whole

FIELDS, WIDTH = 6, 4


def fields():
    return torch.randn(7, FIELDS, WIDTH, generator=torch.Generator().manual_seed(2))


def test_both_peers_weigh_the_fields_the_same(fuxictr, rechub):
    torch.manual_seed(3)
    ours = Senet(FIELDS, reduction=REDUCTION)
    weights.varied(ours)
    weighed = fields() * ours(fields()).unsqueeze(-1)
    for theirs in (fuxictr.SqueezeExcitation(FIELDS, REDUCTION), rechub.basic.layers.SENETLayer(FIELDS, REDUCTION)):
        weights.copy(ours, theirs)
        weights.same(weighed, theirs(fields()))


@pytest.mark.parametrize("name", ["BilinearInteraction", "BilinearInteractionV2"])
def test_fuxictr_multiplies_the_same_pairs(fuxictr, name):
    ours, theirs = BilinearPairs(FIELDS, WIDTH), getattr(fuxictr, name)(FIELDS, WIDTH, "field_all")
    with torch.no_grad():
        theirs.bilinear_W.copy_(ours.map.weight.T)

    weights.same(ours(fields()), theirs(fields()))


def test_torch_rechub_multiplies_the_same_pairs(rechub):
    ours = BilinearPairs(FIELDS, WIDTH)
    theirs = rechub.basic.layers.BiLinearInteractionLayer(WIDTH, FIELDS, "field_all")
    weights.copy(ours, theirs)

    weights.same(ours(fields()), theirs(fields()))


def test_torch_rechub_gives_the_same_probabilities_but_for_its_batch_norm(rechub):
    ours, given = whole.ours("fibinet"), whole.batch()
    rows = whole.CONTEXTS * whole.CANDIDATES
    of = rechub.basic.features
    lookups = [of.SparseFeature(name, rows, whole.WIDTH) for name in whole.FIELDS]
    theirs = rechub.models.ranking.FiBiNet(
        lookups, {"dims": list(whole.HEAD)}, reduction_ratio=REDUCTION, bilinear_type="field_all"
    ).eval()
    weights.copy(ours.senet, theirs.senet_layer)
    weights.copy(ours.pairs, theirs.bilinear_interaction)
    weights.copy(ours.deep, weights.without_batch_norm(theirs.mlp))
    read, _ = ours.fields(given.item, given.history_item, given.history_feedback, ours.items(), side=whole.NOTHING)
    with torch.no_grad():
        ours.linear.weight.zero_()
        for place, name in enumerate(whole.FIELDS):
            theirs.embedding.embed_dict[name].weight.copy_(read[:, :, place].flatten(0, 1))

    weights.same(ours(given).flatten().sigmoid(), theirs(dict.fromkeys(whole.FIELDS, torch.arange(rows))))

"""torch-rechub scales the inner products by 1/√(size of a head), which the paper does not: the copied queries undo it.

Its model has one linear term more than the paper's AutoInt+, which is zero here. fuxictr's wheel has the attention
alone, without the projections around it.
"""

import math

import pytest
import torch
from torch import nn

from recommender.backbones.autoint import SelfAttention
from tests.oracles import weights, whole


def attention(size, heads):
    torch.manual_seed(1)
    ours = SelfAttention(size, size=size, heads=heads)
    weights.varied(ours)
    return ours


def copy(ours, theirs):
    with torch.no_grad():
        theirs.W_Q.weight.copy_(ours.query.weight * math.sqrt(theirs.head_dim))
        theirs.W_K.weight.copy_(ours.key.weight)
        theirs.W_V.weight.copy_(ours.value.weight)
        theirs.W_Res.weight.copy_(ours.residual.weight)


@pytest.mark.parametrize("heads", [1, 2])
def test_torch_rechub_computes_the_same_attention(rechub, heads):
    ours, theirs = attention(6, heads), rechub.basic.layers.InteractingLayer(6, num_heads=heads)
    copy(ours, theirs)
    fields = torch.randn(4, 5, 6)

    weights.same(ours(fields), theirs(fields))


def test_fuxictr_mixes_the_same_values(fuxictr):
    ours, theirs = attention(6, 1), fuxictr.ScaledDotProductAttention()
    fields = torch.randn(4, 5, 6)
    mixed, _ = theirs(ours.query(fields), ours.key(fields), ours.value(fields))

    weights.same(ours(fields), torch.relu(mixed + ours.residual(fields)))


def test_torch_rechub_gives_the_same_probabilities_but_for_its_batch_norm(rechub):
    ours, given, count = whole.ours("autoint"), whole.batch(), len(whole.FIELDS)
    # The peer's layers are as wide as its embeddings, so ours become that wide too.
    ours.attention = nn.Sequential(*(SelfAttention(whole.WIDTH, size=whole.WIDTH, heads=1) for _ in range(3)))
    ours.of_attention = nn.Linear(count * whole.WIDTH, 1, bias=False)
    weights.varied(ours.attention)
    weights.varied(ours.of_attention)
    theirs = rechub.models.ranking.AutoInt(
        whole.features(rechub), None, num_layers=3, num_heads=1, mlp_params={"dims": list(whole.HEAD)}
    ).eval()
    whole.embed(ours, theirs)
    for one, other in zip(ours.attention, theirs.interacting_layers, strict=True):
        copy(one, other)
    weights.copy(ours.deep, weights.without_batch_norm(theirs.mlp))
    with torch.no_grad():
        theirs.attn_linear.weight.copy_(ours.of_attention.weight)
        for zero in (theirs.attn_linear.bias, theirs.linear.fc.weight, theirs.linear.fc.bias):
            zero.zero_()

    weights.same(ours(given).flatten().sigmoid(), theirs(whole.inputs(given)))
